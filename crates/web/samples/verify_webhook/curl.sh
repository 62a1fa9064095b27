#!/bin/bash
# Checks a webhook's signature with openssl: for a look by hand, not for a server, because the
# secrets stand on openssl's command line while it runs. Exits 0 when the webhook is genuine.
# WEBHOOK_SECRETS is the signing secret; while it is rotated, both, with a blank between.
set -euf -o pipefail

refuse() { echo "not genuine" >&2; exit 1; }
hmac() { openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -binary | openssl base64 -A; }

# Byte for byte as it arrived; the full stop keeps the line breaks at the end.
body=$(cat; printf '.'); body=${body%.}

# An old webhook that is sent again by somebody else is refused. Digits only: bash would run a
# command that hides in a number.
[[ $WEBHOOK_TIMESTAMP =~ ^[1-9][0-9]{0,11}$ ]] || refuse
age=$(($(date +%s) - WEBHOOK_TIMESTAMP))
((age <= 300 && age >= -300)) || refuse

# bash compares letter by letter and stops at the first that differs. What it compares here are
# hashes under a key that nobody knows, so that the time it takes tells nothing.
blind=$(openssl rand -hex 32)
genuine=no
for secret in $WEBHOOK_SECRETS; do
  key=$(printf '%s' "${secret#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
  expected=$(printf '%s.%s.%s' "$WEBHOOK_ID" "$WEBHOOK_TIMESTAMP" "$body" | hmac "$key")
  expected=$(printf 'v1,%s' "$expected" | hmac "$blind")
  # While secrets are rotated the header carries one signature per secret; one match is enough.
  for signature in $WEBHOOK_SIGNATURE; do
    if [[ $(printf '%s' "$signature" | hmac "$blind") == "$expected" ]]; then genuine=yes; fi
  done
done
[[ $genuine == yes ]] || refuse

# Two rules are left, for what a server stores. Once: a webhook-id that was stored before is the
# same message again, answer 2xx and stop. In order: of two webhooks about one transID the higher
# sequence counts, compared as a number.
echo "genuine"
