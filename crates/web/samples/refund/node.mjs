// Refunds a part of a payment: TRANS_ID names it. Prints how it stands.
// Needs Node 20 or newer, and no packages.
const gateway = process.env.GATEWAY_URL || "http://localhost:9003";

const refund = {
  public_key: "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=",
  // Text, not a number: it is too long for a number in JavaScript.
  transID: process.env.TRANS_ID,
  refundAmount: "1.50",
  // Your own name of the refund. The same name and amount never refund twice.
  refundReference: "return-1001",
  refundReason: "One of two items came back",
};

const headers = { "Content-Type": "application/json" };
// Live terminals need their private key; on a test terminal it may be left out.
if (process.env.PRIVATE_KEY) {
  headers.Authorization = `Bearer ${process.env.PRIVATE_KEY}`;
}

// If this throws, the outcome is not known: send the very same request again.
const response = await fetch(`${gateway}/api/transactions/refund-request`, {
  method: "POST",
  headers,
  body: JSON.stringify(refund),
  signal: AbortSignal.timeout(60_000),
});
const answer = await response.json();

if (!response.ok) {
  console.error(`Error ${answer.error_number}: ${answer.error_message}`);
  process.exit(1);
}

console.log(`order_status: ${answer.order_status}`);
// The webhook tells when the bank has decided.
console.log(`refundStatus: ${answer.refundStatus}`);
