// Checks a webhook's signature. Exits 0 when it is genuine, 1 when it is not.
// In a server take id, timestamp and signature from the headers webhook-id, webhook-timestamp
// and webhook-signature, and the body as raw bytes, before any JSON parser touches it.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

/** secrets: the signing secret; while it is rotated, both, with a blank between. */
function isGenuine({ id, timestamp, signature, secrets, body }) {
  // An old webhook that is sent again by somebody else is refused.
  const age = Math.abs(Date.now() / 1000 - Number(timestamp));
  if (!/^\d+$/.test(timestamp) || age > 300) return false;

  return secrets.split(" ").some((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    if (key.length === 0) return false;
    const hmac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body);
    const expected = Buffer.from(`v1,${hmac.digest("base64")}`);
    // While secrets are rotated the header carries one signature per secret; one match is enough.
    return signature.split(" ").some((candidate) => {
      const given = Buffer.from(candidate);
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
  });
}

const genuine = isGenuine({
  id: process.env.WEBHOOK_ID ?? "",
  timestamp: process.env.WEBHOOK_TIMESTAMP ?? "",
  signature: process.env.WEBHOOK_SIGNATURE ?? "",
  secrets: process.env.WEBHOOK_SECRETS ?? "",
  body: readFileSync(0),
});
// Two rules are left, for what you store. Once: a webhook-id that you stored before is the same
// message again, answer 2xx and stop. In order: of two webhooks about one transID the higher
// sequence counts, compared as a number.
console.log(genuine ? "genuine" : "not genuine");
process.exitCode = genuine ? 0 : 1;
