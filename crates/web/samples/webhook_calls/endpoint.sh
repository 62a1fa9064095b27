#!/bin/sh
# Adds an endpoint at ENDPOINT_URL, and has a sample sent to it. PRIVATE_KEY is the terminal's.
set -eu

calls="${GATEWAY_URL:-http://localhost:9003}/api/v1/webhooks"

call() {
  curl -sS --fail-with-body -H "Authorization: Bearer $PRIVATE_KEY" \
    -H 'Content-Type: application/json' "$@"
}

added=$(call "$calls/endpoints?terNO=42" --data @- <<JSON
{
  "url": "$ENDPOINT_URL",
  "events": ["payment.*", "refund.*"],
  "description": "Warehouse"
}
JSON
) || { echo "$added" >&2; exit 1; }

number=$(printf '%s' "$added" | sed -n 's/.*"number":\([0-9]*\).*/\1/p')
echo "endpoint: $number"
# Only this answer has it. Keep it where your server finds it.
echo "secret: $(printf '%s' "$added" | sed -n 's/.*"secret":"\([^"]*\)".*/\1/p')"

call "$calls/endpoints/$number/test?terNO=42" --data '{"type": "payment.approved"}'
