#!/bin/sh
# Creates a payment by an encrypted request; PRIVATE_KEY is the test terminal's private key. For a
# look by hand, not for a server: the key stands on openssl's command line while it runs.
set -eu

gateway="${GATEWAY_URL:-http://localhost:9003}"
public_key="WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ="
# Your own order number. The same request with the same reference is never charged twice.
reference="order-$(date +%s)-$$"

# A query string: every value is percent-encoded.
fields="bill_amt=11.11&bill_currency=USD&product_name=Testing+Product&reference=$reference"
fields="$fields&webhook_url=https%3A%2F%2Fshop.example%2Fwebhook"
fields="$fields&return_url=https%3A%2F%2Fshop.example%2Freturn&bill_ip=198.51.100.7"
fields="$fields&mop=CC&ccno=4111111111111111&ccvv=123&month=01&year=30"

hex() { od -An -v -tx1 | tr -d ' \n'; }
# The texts of the keys as they are printed: neither is decoded.
key=$(printf '%s' "$PRIVATE_KEY" | head -c 32 | hex)
iv=$(printf '%s' "$public_key" | openssl dgst -sha256 -binary | head -c 16 | hex)
ciphertext=$(printf '%s' "$fields" | openssl enc -aes-256-cbc -K "$key" -iv "$iv" |
  openssl base64 -A | tr '+/' '-_' | tr -d '=')

# --fail-with-body: an HTTP error ends the script, with the error_number and its message shown.
answer=$(curl -sS --fail-with-body "$gateway/api/s2s/encrypt" \
  --data-urlencode "encrypted_data=$ciphertext$public_key") || { echo "$answer" >&2; exit 1; }

field() { printf '%s' "$answer" | sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }

echo "transID: $(field transID)"
# There is no authurl when the customer has nothing to do: the payment is decided already.
echo "authurl: $(field authurl)"
