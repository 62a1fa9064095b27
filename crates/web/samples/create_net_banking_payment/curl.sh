#!/bin/sh
# Creates a net banking payment on the test terminal; prints its transID and the customer's page.
set -eu

gateway="${GATEWAY_URL:-http://localhost:9003}"
# Your own order number. The same request with the same reference is never charged twice.
reference="order-$(date +%s)-$$"

# --fail-with-body: an HTTP error ends the script, with the error_number and its message shown.
answer=$(curl -sS --fail-with-body "$gateway/api/s2s" \
  -H 'Content-Type: application/json' \
  --data @- <<JSON
{
  "public_key": "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=",
  "terNO": 42,
  "integration-type": "s2s",
  "bill_amt": "11.11",
  "bill_currency": "INR",
  "product_name": "Testing Product",
  "reference": "$reference",
  "webhook_url": "https://shop.example/webhook",
  "return_url": "https://shop.example/return",
  "bill_ip": "198.51.100.7",
  "mop": "NB",
  "bankcode": "SBIN"
}
JSON
) || { echo "$answer" >&2; exit 1; }

field() { printf '%s' "$answer" | sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }

echo "transID: $(field transID)"
# There is no authurl when the customer has nothing to do: the payment is decided already.
echo "authurl: $(field authurl)"
