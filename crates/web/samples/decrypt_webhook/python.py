# Decrypts a webhook's body. Check the signature over the body as it came before. PUBLIC_KEY and
# PRIVATE_KEY are the terminal's; while keys are rotated, try both pairs.
# Needs Python 3.8 or newer and the package cryptography.
import base64
import hashlib
import os
import sys
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7


def decrypt_webhook(body, public_key, private_key):
    """The fields; ValueError when this key pair does not open it."""
    data = dict(parse_qsl(body.decode()))["data"]
    ciphertext = base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))
    # The texts of the keys as they are printed: neither is decoded.
    key = private_key.encode()[:32]
    iv = hashlib.sha256(public_key.encode()).digest()[:16]
    decryptor = Cipher(AES(key), CBC(iv)).decryptor()
    unpadder = PKCS7(128).unpadder()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    query = unpadder.update(padded) + unpadder.finalize()
    fields = dict(parse_qsl(query.decode(), keep_blank_values=True))
    # One wrong key in some hundred has a right padding by chance.
    if "transID" not in fields:
        raise ValueError("no transID")
    return fields


try:
    fields = decrypt_webhook(
        sys.stdin.buffer.read(), os.environ["PUBLIC_KEY"], os.environ["PRIVATE_KEY"]
    )
except ValueError:
    sys.exit("This key pair does not open it.")
for name, value in fields.items():
    print(f"{name}: {value}")
