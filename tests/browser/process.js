// Starts a program that says in one line of JSON where it listens.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export async function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"], ...options });
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
