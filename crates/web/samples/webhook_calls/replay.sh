#!/bin/sh
# Lists what was given up since SINCE, such as 2025-04-26, and has it all sent again. PRIVATE_KEY is
# the terminal's.
set -eu

calls="${GATEWAY_URL:-http://localhost:9003}/api/v1/webhooks"

call() {
  curl -sS --fail-with-body -H "Authorization: Bearer $PRIVATE_KEY" \
    -H 'Content-Type: application/json' "$@"
  echo
}

call -G "$calls/deliveries" -d terNO=42 -d state=dead --data-urlencode "from=$SINCE"

# How many there are; nothing is sent yet.
call "$calls/replay?terNO=42" --data "{\"from\": \"$SINCE\", \"dry_run\": true}"

# Made again after an answer that was lost, it finds only what is still given up.
call "$calls/replay?terNO=42" --data "{\"from\": \"$SINCE\"}"
