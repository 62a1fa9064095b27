# Checks a webhook's signature. Exits 0 when it is genuine, 1 when it is not.
# In a server take id, timestamp and signature from the headers webhook-id, webhook-timestamp and
# webhook-signature, and the body as raw bytes, before any JSON parser touches it.
import base64
import hashlib
import hmac
import os
import sys
import time


def is_genuine(id, timestamp, header, secrets, body):
    """secrets: the signing secret; while it is rotated, both, with a blank between."""
    # An old webhook that is sent again by somebody else is refused.
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > 300:
        return False
    signed = f"{id}.{timestamp}.".encode() + body
    for secret in secrets.split():
        key = base64.b64decode(secret[len("whsec_"):])
        expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        # While secrets are rotated the header carries one signature per secret; one match is enough.
        if any(hmac.compare_digest(expected, given.encode()) for given in header.split(" ")):
            return True
    return False


genuine = is_genuine(
    os.environ.get("WEBHOOK_ID", ""),
    os.environ.get("WEBHOOK_TIMESTAMP", ""),
    os.environ.get("WEBHOOK_SIGNATURE", ""),
    os.environ.get("WEBHOOK_SECRETS", ""),
    sys.stdin.buffer.read(),
)
# Two rules are left, for what you store. Once: a webhook-id that you stored before is the same
# message again, answer 2xx and stop. In order: of two webhooks about one transID the higher
# sequence counts, compared as a number.
print("genuine" if genuine else "not genuine")
sys.exit(0 if genuine else 1)
