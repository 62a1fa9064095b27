// Starts a program that says in one line of JSON where it listens.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Variables named TOLLGATE_ are settings of the gateway; what the tests were told is none. */
export const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("TOLLGATE_")),
);

export async function start(command, args) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"], env: environment });
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
