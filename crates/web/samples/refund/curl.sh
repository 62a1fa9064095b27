#!/bin/sh
# Refunds a part of a payment: TRANS_ID names it. Prints how it stands.
set -eu

gateway="${GATEWAY_URL:-http://localhost:9003}"
# Live terminals need their private key; on a test terminal it may be left out.
private_key="${PRIVATE_KEY:-}"

# --fail-with-body: an HTTP error ends the script, with the error_number and its message shown.
answer=$(curl -sS --fail-with-body "$gateway/api/transactions/refund-request" \
  -H 'Content-Type: application/json' ${private_key:+-H "Authorization: Bearer $private_key"} \
  --data @- <<JSON
{
  "public_key": "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=",
  "transID": "$TRANS_ID",
  "refundAmount": "1.50",
  "refundReference": "return-1001",
  "refundReason": "One of two items came back"
}
JSON
) || { echo "$answer" >&2; exit 1; }

field() { printf '%s' "$answer" | sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }

echo "order_status: $(field order_status)"
# The webhook tells when the bank has decided.
echo "refundStatus: $(field refundStatus)"
