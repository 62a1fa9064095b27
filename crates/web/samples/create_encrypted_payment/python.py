# Creates a payment by an encrypted request; PRIVATE_KEY is the test terminal's private key.
# Needs Python 3.8 or newer and the package cryptography.
import base64
import hashlib
import json
import os
import sys
import uuid
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

gateway = os.environ.get("GATEWAY_URL") or "http://localhost:9003"
public_key = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ="
private_key = os.environ["PRIVATE_KEY"]

payment = {
    "bill_amt": "11.11",
    "bill_currency": "USD",
    "product_name": "Testing Product",
    # Your own order number. The same request with the same reference is never charged twice.
    "reference": f"order-{uuid.uuid4()}",
    "webhook_url": "https://shop.example/webhook",
    "return_url": "https://shop.example/return",
    "bill_ip": "198.51.100.7",
    "mop": "CC",
    "ccno": "4111111111111111",
    "ccvv": "123",
    "month": "01",
    "year": "30",
}

# The texts of the keys as they are printed: neither is decoded.
key = private_key.encode()[:32]
iv = hashlib.sha256(public_key.encode()).digest()[:16]
padder = PKCS7(128).padder()
padded = padder.update(urlencode(payment).encode()) + padder.finalize()
encryptor = Cipher(AES(key), CBC(iv)).encryptor()
encrypted = encryptor.update(padded) + encryptor.finalize()
ciphertext = base64.urlsafe_b64encode(encrypted).decode().rstrip("=")

form = urlencode({"encrypted_data": ciphertext + public_key})
request = Request(f"{gateway}/api/s2s/encrypt", data=form.encode())
# As urllib does by itself; it stands here for clients that do not.
request.add_header("Content-Type", "application/x-www-form-urlencoded")
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
