# Refunds a part of a payment: TRANS_ID names it. Prints how it stands.
# Needs Python 3.8 or newer, and no packages.
import json
import os
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

gateway = os.environ.get("GATEWAY_URL") or "http://localhost:9003"

refund = {
    "public_key": "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=",
    "transID": os.environ["TRANS_ID"],
    "refundAmount": "1.50",
    # Your own name of the refund. The same name and amount never refund twice.
    "refundReference": "return-1001",
    "refundReason": "One of two items came back",
}

headers = {"Content-Type": "application/json"}
# Live terminals need their private key; on a test terminal it may be left out.
if os.environ.get("PRIVATE_KEY"):
    headers["Authorization"] = "Bearer " + os.environ["PRIVATE_KEY"]

request = Request(
    f"{gateway}/api/transactions/refund-request", data=json.dumps(refund).encode(), headers=headers
)
try:
    # If this times out, the outcome is not known: send the very same request again.
    with urlopen(request, timeout=60) as response:
        answer = json.load(response)
except HTTPError as error:
    refusal = json.load(error)
    sys.exit(f"Error {refusal['error_number']}: {refusal['error_message']}")

print("order_status:", answer["order_status"])
# The webhook tells when the bank has decided.
print("refundStatus:", answer["refundStatus"])
