// The gateway's own binary with fresh data, and the shop: a page to return to and a receiver of
// webhooks.

import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { environment, start } from "./process.js";

/** The demo terminal of the contract, section 7. */
const PUBLIC_KEY = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";

export async function startGateway() {
  const binary = process.env.TOLLGATE_BINARY;
  if (!binary) throw new Error("TOLLGATE_BINARY names no binary of the gateway");
  const folder = await mkdtemp(join(tmpdir(), "tollgate-browser-"));
  const gateway = await start(binary, [
    ...["serve", "--json", "--listen", "127.0.0.1:0", "--data-dir", folder],
  ]);
  const tollgate = async (...args) => {
    const done = promisify(execFile)(binary, [...args, "--data-dir", folder], { env: environment });
    return JSON.parse((await done).stdout);
  };
  return {
    url: gateway.url,
    async terminal(number = 42) {
      return tollgate("terminal", "show", `${number}`, "--json", "--reveal");
    },
    /** A terminal whose customers have this many seconds. */
    async hastyTerminal(seconds) {
      const asked = ["--merchant", "1", "--name", "hasty", "--expires-after", `${seconds}`];
      return tollgate("terminal", "add", ...asked, "--json");
    },
    async stop() {
      await gateway.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** A shop on loopback; `webhooks` are the bodies it received. */
export async function startShop() {
  const webhooks = [];
  const server = createServer((request, response) => {
    if (request.method === "POST") {
      let body = "";
      request.on("data", (part) => (body += part));
      request.on("end", () => {
        webhooks.push(JSON.parse(body));
        response.end();
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
