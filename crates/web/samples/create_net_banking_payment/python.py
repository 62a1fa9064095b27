# Creates a net banking payment on the test terminal; prints its transID and the customer's page.
# Needs Python 3.8 or newer, and no packages.
import json
import os
import sys
import uuid
from urllib.error import HTTPError
from urllib.request import Request, urlopen

gateway = os.environ.get("GATEWAY_URL") or "http://localhost:9003"

payment = {
    "public_key": "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=",
    "terNO": 42,
    "integration-type": "s2s",
    "bill_amt": "11.11",
    "bill_currency": "INR",
    "product_name": "Testing Product",
    # Your own order number. The same request with the same reference is never charged twice.
    "reference": f"order-{uuid.uuid4()}",
    "webhook_url": "https://shop.example/webhook",
    "return_url": "https://shop.example/return",
    "bill_ip": "198.51.100.7",
    "mop": "NB",
    # State Bank of India. Without this line the customer chooses a bank on our page.
    "bankcode": "SBIN",
}

request = Request(
    f"{gateway}/api/s2s",
    data=json.dumps(payment).encode(),
    headers={"Content-Type": "application/json"},
)
try:
    # If this times out, the outcome is not known: send the very same request again.
    with urlopen(request, timeout=60) as response:
        answer = json.load(response)
except HTTPError as error:
    refusal = json.load(error)
    sys.exit(f"Error {refusal['error_number']}: {refusal['error_message']}")

print("transID:", answer["transID"])
# There is no authurl when the customer has nothing to do: the payment is decided already.
print("authurl:", answer.get("authurl", ""))
