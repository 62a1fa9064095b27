// Decrypts a webhook's body. Check the signature over the body as it came before. PUBLIC_KEY and
// PRIVATE_KEY are the terminal's; while keys are rotated, try both pairs.
import { createDecipheriv, createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** The fields; throws when this key pair does not open it. */
function decryptWebhook(body, publicKey, privateKey) {
  const data = new URLSearchParams(body).get("data");
  const ciphertext = Buffer.from(data, "base64url");
  // The texts of the keys as they are printed: neither is decoded.
  const key = Buffer.from(privateKey).subarray(0, 32);
  const iv = createHash("sha256").update(publicKey).digest().subarray(0, 16);
  const decipher = createDecipheriv("aes-256-cbc", key, iv);
  const query = Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  const fields = new URLSearchParams(query.toString());
  // One wrong key in some hundred has a right padding by chance.
  if (!fields.has("transID")) throw new Error("no transID");
  return fields;
}

try {
  const body = readFileSync(0, "utf8");
  const fields = decryptWebhook(body, process.env.PUBLIC_KEY, process.env.PRIVATE_KEY);
  for (const [name, value] of fields) console.log(`${name}: ${value}`);
} catch {
  console.error("This key pair does not open it.");
  process.exitCode = 1;
}
