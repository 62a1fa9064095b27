#!/bin/bash
# Decrypts a webhook's body with openssl: for a look by hand, not for a server, because the key
# stands on openssl's command line while it runs. Check the signature over the body as it came
# before. PUBLIC_KEY and PRIVATE_KEY are the terminal's; while keys are rotated, try both pairs.
set -euo pipefail

fail() { echo "This key pair does not open it." >&2; exit 1; }
hex() { od -An -v -tx1 | tr -d ' \n'; }
# The texts of the keys as they are printed: neither is decoded.
key=$(printf '%s' "$PRIVATE_KEY" | head -c 32 | hex)
iv=$(printf '%s' "$PUBLIC_KEY" | openssl dgst -sha256 -binary | head -c 16 | hex)

# data=ciphertext, in base64url; openssl wants the padding that is left out there.
data=$(cat); data=${data#data=}
while ((${#data} % 4)); do data+="="; done
query=$(printf '%s' "$data" | tr -- '-_' '+/' | openssl base64 -d -A |
  openssl enc -d -aes-256-cbc -K "$key" -iv "$iv" 2>/dev/null | tr -d '\0') || fail
# One wrong key in some hundred has a right padding by chance.
[[ "&$query" == *"&transID="* ]] || fail

# A query string: fields joined by &, a blank is +, and bytes are %XX.
IFS='&' read -ra fields <<<"$query"
for field in "${fields[@]}"; do
  value=${field#*=}; value=${value//+/ }
  printf '%s: %b\n' "${field%%=*}" "${value//\%/\\x}"
done
