// Creates a payment by an encrypted request; PRIVATE_KEY is the test terminal's private key.
// Needs Node 20 or newer, and no packages.
import { createCipheriv, createHash, randomUUID } from "node:crypto";

const gateway = process.env.GATEWAY_URL || "http://localhost:9003";
const publicKey = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";
const privateKey = process.env.PRIVATE_KEY;

const payment = new URLSearchParams({
  bill_amt: "11.11",
  bill_currency: "USD",
  product_name: "Testing Product",
  // Your own order number. The same request with the same reference is never charged twice.
  reference: `order-${randomUUID()}`,
  webhook_url: "https://shop.example/webhook",
  return_url: "https://shop.example/return",
  bill_ip: "198.51.100.7",
  mop: "CC",
  ccno: "4111111111111111",
  ccvv: "123",
  month: "01",
  year: "30",
});

// The texts of the keys as they are printed: neither is decoded.
const key = Buffer.from(privateKey).subarray(0, 32);
const iv = createHash("sha256").update(publicKey).digest().subarray(0, 16);
const cipher = createCipheriv("aes-256-cbc", key, iv);
const encrypted = Buffer.concat([cipher.update(payment.toString()), cipher.final()]);

// If this throws, the outcome is not known: send the very same request again.
const response = await fetch(`${gateway}/api/s2s/encrypt`, {
  method: "POST",
  body: new URLSearchParams({ encrypted_data: encrypted.toString("base64url") + publicKey }),
  signal: AbortSignal.timeout(60_000),
});
const answer = await response.json();

if (!response.ok) {
  console.error(`Error ${answer.error_number}: ${answer.error_message}`);
  process.exit(1);
}

console.log(`transID: ${answer.transID}`);
// There is no authurl when the customer has nothing to do: the payment is decided already.
console.log(`authurl: ${answer.authurl ?? ""}`);
