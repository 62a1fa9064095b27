// The gateway's own binary with fresh data, and the shop: a page to return to and a receiver of
// webhooks.

import { createHmac } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { environment, start } from "./process.js";

/** The demo terminal of the contract, section 7. */
const PUBLIC_KEY = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";

/** `database` is the address of a PostgreSQL database; without one it is SQLite. */
export async function startGateway({ database } = {}) {
  const binary = process.env.TOLLGATE_BINARY;
  if (!binary) throw new Error("TOLLGATE_BINARY names no binary of the gateway");
  const folder = await mkdtemp(join(tmpdir(), "tollgate-browser-"));
  const settings = {
    TOLLGATE_LOG_LEVEL: "warn",
    ...(database ? { TOLLGATE_DATABASE: database } : {}),
  };
  const serve = ["serve", "--json", "--listen", "127.0.0.1:0", "--data-dir", folder];
  const gateway = await start(binary, serve, settings);
  const env = { ...environment, ...settings };
  /** What a command prints; also one whose answer is no (exit code 1), which says why. */
  const run = async (...args) => {
    const done = promisify(execFile)(binary, [...args, "--data-dir", folder], { env });
    const { stdout } = await done.catch((error) => {
      if (error.code === 1 && error.stdout) return error;
      throw error;
    });
    return stdout;
  };
  const once = new Map();
  const remembered = (key, ask) => {
    if (!once.has(key)) once.set(key, ask());
    return once.get(key);
  };
  return {
    url: gateway.url,
    run,
    async terminal(number = 42) {
      const show = ["terminal", "show", `${number}`, "--json", "--reveal"];
      return remembered(number, async () => JSON.parse(await run(...show)));
    },
    /** A terminal whose customers have this many seconds. */
    async hastyTerminal(seconds, ...flags) {
      const asked = ["--merchant", "1", "--name", "hasty", "--expires-after", `${seconds}`, ...flags];
      const add = ["terminal", "add", ...asked, "--json"];
      return remembered(asked.join(" "), async () => JSON.parse(await run(...add)));
    },
    /** The sandbox bank's books. */
    async bankJournal() {
      const lines = (await run("bank", "journal", "--json")).split("\n").filter(Boolean);
      return lines.map((line) => JSON.parse(line));
    },
    /** What the gateway's own proof says of its books and the bank's. */
    async verify() {
      return JSON.parse(await run("verify", "--bank", "--json"));
    },
    async stop() {
      await gateway.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** What the shop is told in its return address, the signature checked. */
export async function readReturn(address, gateway, terminal = 42) {
  const { cart, sig, ...signed } = Object.fromEntries(new URL(address).searchParams);
  if (cart !== "7") throw new Error(`the shop's own parameter is gone: ${address}`);
  const [secret] = (await gateway.terminal(terminal)).webhook_secrets;
  const text = Object.keys(signed)
    .sort()
    .map((name) => `${name}=${signed[name]}`)
    .join("\n");
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const expected = createHmac("sha256", key).update(text).digest("hex");
  if (sig !== expected) throw new Error(`sig is ${sig}, and not ${expected}`);
  return signed;
}

/**
 * A shop on loopback; `webhooks` are the bodies it received, `deliveries` all that came. What it
 * answers them with is `answer`, by the path that they come to.
 */
export async function startShop() {
  const webhooks = [];
  const deliveries = [];
  const answer = new Map();
  const server = createServer((request, response) => {
    if (request.method === "POST") {
      let body = "";
      request.on("data", (part) => (body += part));
      request.on("end", () => {
        deliveries.push({ headers: request.headers, body });
        webhooks.push(JSON.parse(body));
        response.statusCode = answer.get(request.url) ?? 200;
        response.end(response.statusCode === 200 ? "" : "the shop's database is away");
      });
      return;
    }
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(
      '<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Shop</title>' +
        "<main><h1>Thank you for your order</h1></main>",
    );
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  return {
    url,
    webhooks,
    deliveries,
    answer,
    async webhookOf(transId) {
      for (let wait = 0; wait < 100; wait += 1) {
        const found = webhooks.find((webhook) => webhook.transID === transId);
        if (found) return found;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error(`no webhook of ${transId}`);
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

let orders = 0;

/** Creates a payment that waits for its holder, and returns the API's answer. */
export async function createPayment(gateway, shop, fields = {}) {
  orders += 1;
  const answer = await fetch(`${gateway.url}/api/s2s`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      public_key: PUBLIC_KEY,
      terNO: "42",
      "integration-type": "s2s",
      bill_amt: "11.11",
      bill_currency: "USD",
      product_name: "Testing Product",
      reference: `browser-${orders}`,
      webhook_url: `${shop.url}/webhook`,
      return_url: `${shop.url}/return?cart=7`,
      bill_ip: "222.176.92.333",
      mop: "CC",
      ccno: "4111111111111111",
      ccvv: "123",
      month: "12",
      year: "2032",
      fullname: "Dev Tech",
      ...fields,
    }),
  });
  const body = await answer.json();
  if (answer.status !== 200) throw new Error(JSON.stringify(body));
  return body;
}
