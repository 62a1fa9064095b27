// Starts programs: one that says in one line of JSON where it listens, and a PostgreSQL server.

import { execFile, spawn } from "node:child_process";
import { access, appendFile, chown, mkdtemp, readdir } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Variables named TOLLGATE_ are settings of the gateway; what the tests were told is none. */
export const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("TOLLGATE_")),
);

/** `settings` are variables of the program's environment. */
export async function start(command, args, settings = {}) {
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...environment, ...settings },
  });
  const lines = createInterface({ input: child.stdout });
  const ready = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${command} ended with ${code}`)));
    lines.on("line", (line) => {
      try {
        const said = JSON.parse(line);
        if (said.ready) resolve(said);
      } catch {
        // Not the line we wait for.
      }
    });
  });
  const stop = () =>
    new Promise((resolve) => {
      child.removeAllListeners("exit");
      child.once("exit", resolve);
      child.kill("SIGTERM");
    });
  return { url: ready.url, stop };
}

/** The folder with `initdb` and its kin, of the newest version there is. */
async function postgresPrograms() {
  const root = "/usr/lib/postgresql";
  const versions = await readdir(root).catch(() => []);
  for (const version of versions.sort((one, other) => Number(other) - Number(one))) {
    const folder = join(root, version, "bin");
    if (await access(join(folder, "initdb")).then(() => true, () => false)) return folder;
  }
  throw new Error("no initdb: install PostgreSQL (on Debian: apt-get install postgresql)");
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * A new cluster in a temporary folder. It ends, and its folder goes, with `stop` or with this
 * process, whichever comes first.
 */
export async function startPostgres() {
  const programs = await postgresPrograms();
  // The server refuses to run as root.
  const asRoot = process.getuid() === 0;
  const number = async (flag) => Number((await run("id", [flag, "postgres"])).stdout);
  const owner = asRoot ? { uid: await number("-u"), gid: await number("-g") } : {};
  const folder = await mkdtemp(join(tmpdir(), "tollgate-browser-postgres-"));
  if (asRoot) await chown(folder, owner.uid, owner.gid);
  const options = { ...owner, cwd: folder, env: { ...environment, LC_ALL: "C" } };
  const data = join(folder, "data");
  await run(
    join(programs, "initdb"),
    ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "-D", data],
    options,
  );
  const port = await freePort();
  await appendFile(
    join(data, "postgresql.conf"),
    `\nlisten_addresses = '127.0.0.1'\nport = ${port}\nunix_socket_directories = '${folder}'\n`,
  );
  // The shell reads until nobody holds the other end any more.
  const script =
    '"$0/postgres" -D "$1/data" > "$1/log" 2>&1 & server=$!; cat > /dev/null; ' +
    'kill -INT $server 2> /dev/null; wait $server; cd /; rm -rf "$1"';
  const keeper = spawn("sh", ["-c", script, programs, folder], {
    ...options,
    stdio: ["pipe", "ignore", "inherit"],
  });
  const stop = () =>
    new Promise((resolve) => {
      keeper.once("exit", resolve);
      keeper.stdin.end();
    });
  const isReady = () =>
    run(join(programs, "pg_isready"), ["-q", "-h", "127.0.0.1", "-p", `${port}`]).then(
      () => true,
      () => false,
    );
  for (let wait = 0; !(await isReady()); wait += 1) {
    if (wait === 300) {
      const { stdout } = await run("cat", [join(folder, "log")]);
      await stop();
      throw new Error(`PostgreSQL does not start: ${stdout}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres?sslmode=disable`, stop };
}
