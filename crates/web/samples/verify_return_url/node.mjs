// Checks `sig` of a customer's return. Exits 0 when the query is genuine, 1 when it is not.
import { createHmac, timingSafeEqual } from "node:crypto";

const SIGNED = [
  "bill_amt", "bill_currency", "ccno", "descriptor", "mop", "order_status", "reference",
  "response", "rrn", "status", "tdate", "transID", "upa",
];

function isGenuine(query, secret) {
  const given = new URLSearchParams(query);
  // SIGNED is sorted; parameters of your own address are not signed and stay out.
  const lines = SIGNED.filter((name) => given.has(name)).map((name) => `${name}=${given.get(name)}`);
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = Buffer.from(createHmac("sha256", key).update(lines.join("\n")).digest("hex"));
  const sig = Buffer.from(given.get("sig") ?? "");
  return sig.length === expected.length && timingSafeEqual(sig, expected);
}

const genuine = isGenuine(process.env.RETURN_QUERY ?? "", process.env.WEBHOOK_SECRET ?? "");
console.log(genuine ? "genuine" : "not genuine");
process.exitCode = genuine ? 0 : 1;
