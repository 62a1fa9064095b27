// Creates a net banking payment on the test terminal; prints its transID and the customer's page.
// Needs Node 20 or newer, and no packages.
import { randomUUID } from "node:crypto";

const gateway = process.env.GATEWAY_URL || "http://localhost:9003";

const payment = {
  public_key: "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=",
  terNO: 42,
  "integration-type": "s2s",
  bill_amt: "11.11",
  bill_currency: "INR",
  product_name: "Testing Product",
  // Your own order number. The same request with the same reference is never charged twice.
  reference: `order-${randomUUID()}`,
  webhook_url: "https://shop.example/webhook",
  return_url: "https://shop.example/return",
  bill_ip: "198.51.100.7",
  mop: "NB",
  // State Bank of India. Without this line the customer chooses a bank on our page.
  bankcode: "SBIN",
};

// If this throws, the outcome is not known: send the very same request again.
const response = await fetch(`${gateway}/api/s2s`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(payment),
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
