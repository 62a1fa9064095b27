#!/bin/sh
# Prints each delivery of the terminal as it is written, until it is interrupted. PRIVATE_KEY is the
# terminal's.
set -eu

gateway="${GATEWAY_URL:-http://localhost:9003}"

# --no-buffer: what comes is shown at once.
exec curl -sS --no-buffer --fail-with-body -H "Authorization: Bearer $PRIVATE_KEY" \
  "$gateway/api/v1/webhooks/stream?terNO=42"
