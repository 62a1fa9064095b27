# Checks `sig` of a customer's return. Exits 0 when the query is genuine, 1 when it is not.
import base64
import hashlib
import hmac
import os
import sys
from urllib.parse import parse_qsl

SIGNED = [
    "bill_amt", "bill_currency", "ccno", "descriptor", "mop", "order_status", "reference",
    "response", "rrn", "status", "tdate", "transID", "upa",
]


def is_genuine(query, secret):
    given = dict(parse_qsl(query, keep_blank_values=True))
    # SIGNED is sorted; parameters of your own address are not signed and stay out.
    text = "\n".join(f"{name}={given[name]}" for name in SIGNED if name in given)
    key = base64.b64decode(secret[len("whsec_"):])
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), given.get("sig", "").encode())


genuine = is_genuine(os.environ.get("RETURN_QUERY", ""), os.environ.get("WEBHOOK_SECRET", ""))
print("genuine" if genuine else "not genuine")
sys.exit(0 if genuine else 1)
