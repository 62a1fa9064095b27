"""Webhooks for the samples that check and decrypt them: signed here by the rules of the
documentation, and real ones that a gateway sent, before its keys were rotated and after."""

import base64
import hashlib
import hmac
import itertools
import json
import re
import sqlite3
import time

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from gateway import Shop, payment

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
BODY = '{"transID":"417823250426141606","status":"Test Approved","x":"\u00fc \u20ac"}\n'.encode()
# Everything that a query string has to escape, and what a shell would take for a command.
REFERENCE = 'order \u00fc\u0939&=+1 100% \\x41 "$(id)" `id` %41'
# Longer than a gateway keeps a terminal in memory.
HEARD = 1.5


def key(secret):
    return base64.b64decode(secret.removeprefix("whsec_"))


def signature(identifier, timestamp, body, secret=SECRET):
    signed = f"{identifier}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key(secret), signed, hashlib.sha256)).decode()


def case(what, genuine, body, secrets, identifier, timestamp, header):
    """(what, environment, body, whether it is genuine)"""
    return what, {
        "WEBHOOK_ID": identifier, "WEBHOOK_TIMESTAMP": timestamp, "WEBHOOK_SIGNATURE": header,
        "WEBHOOK_SECRETS": secrets,
    }, body, genuine


def own_cases():
    now, old, early = (str(int(time.time()) + shift) for shift in (0, -3600, 3600))
    name = "msg_417823250426141606_1"
    good = signature(name, now, BODY)

    def one(what, genuine, body=BODY, secrets=SECRET, identifier=name, timestamp=now, header=good):
        return case(what, genuine, body, secrets, identifier, timestamp, header)

    return [
        one("genuine", True),
        one("second of two signatures", True, header=f"{signature(name, now, BODY, OTHER)} {good}"),
        one("line break taken away", False, body=BODY.rstrip(b"\n")),
        one("an hour old", False, timestamp=old, header=signature(name, old, BODY)),
        one("an hour early", False, timestamp=early, header=signature(name, early, BODY)),
        one("timestamp is no number", False, timestamp="x[$(id)]",
            header=signature(name, "x[$(id)]", BODY)),
        one("no signature", False, header=""),
        one("signature without its version", False, header=good.removeprefix("v1,")),
        one("no secret, signed with an empty one", False, secrets="",
            header=signature(name, now, BODY, "whsec_")),
    ]


class Delivery:
    """A webhook that a gateway sent."""

    def __init__(self, headers, body):
        lower = {name.lower(): value for name, value in headers.items()}
        self.identifier = lower["webhook-id"]
        self.timestamp = lower["webhook-timestamp"]
        self.signatures = lower["webhook-signature"].split(" ")
        self.content_type = lower["content-type"]
        self.body = body

    def case(self, what, genuine, secrets, **changes):
        parts = {
            "body": self.body, "identifier": self.identifier, "timestamp": self.timestamp,
            "header": " ".join(self.signatures), **changes,
        }
        return case(f"the gateway's own, {what}", genuine, secrets=secrets, **parts)

    def tampered(self, secrets):
        """One byte changed, in each of what is signed and in the signatures."""
        def other(text, place):
            return text[:place] + ("B" if text[place] == "A" else "A") + text[place + 1:]

        # A second more or less is in time still: only the signature tells.
        timestamp = str(int(self.timestamp) - 1)
        header = " ".join(other(one, 20) for one in self.signatures)
        body = bytes([self.body[0], self.body[1] ^ 1]) + self.body[2:]
        return [
            self.case("body tampered", False, secrets, body=body),
            self.case("one byte more", False, secrets, body=self.body + b" "),
            self.case("id tampered", False, secrets, identifier=other(self.identifier, 8)),
            self.case("timestamp tampered", False, secrets, timestamp=timestamp),
            self.case("signature tampered", False, secrets, header=header),
        ]


class Real:
    """What a gateway sent for payments of its own, before its keys were rotated and after."""

    def __init__(self, gateway):
        self.gateway, self.shop = gateway, Shop()
        before = gateway.shown()
        self.approved = self.sent("approved")
        self.cancelled = self.sent("cancelled", "cancelled")
        self.encrypted = [self.opened("encrypted", encryption_method="aes256")]
        self.plain_names = set(json.loads(self.approved.body))
        self.old = before["webhook_secrets"][0]
        after = gateway.rotate_keys()
        self.new, kept = after["webhook_secrets"]
        assert kept == self.old and self.new != self.old, "a rotation keeps the earlier secret"
        time.sleep(HEARD)
        self.rotated = self.sent("rotated")
        self.encrypted.append(self.opened("encrypted again", encryption_method="aes256"))
        self.pairs = [before, after]

    def sent(self, reference, ends="approved", **changes):
        """The webhook of a new payment."""
        card = "4012000033330026" if ends == "approved" else "4111111111111111"
        fields = payment(
            f"{REFERENCE} {reference}", ccno=card, webhook_url=f"{self.shop.url}/webhook", **changes)
        self.created = self.gateway.post("/api/s2s", fields)
        if ends == "cancelled":
            page = "/api/authurl/" + self.created["transID"]
            assert self.gateway.form(page, "cancel=1") == 303
        return Delivery(*self.shop.webhooks.get(timeout=30))

    def opened(self, reference, **changes):
        """An encrypted webhook, and the fields that the gateway tells in the clear of its payment."""
        delivery = self.sent(reference, **changes)
        assert delivery.content_type == "application/x-www-form-urlencoded", delivery.content_type
        return delivery, self.gateway.get("/api/authurl/s2s/" + self.created["transID"])

    def verify_cases(self):
        old, new, both = self.old, self.new, f"{self.new} {self.old}"
        assert len(self.approved.signatures) == 1, self.approved.signatures
        assert len(self.rotated.signatures) == 2, self.rotated.signatures
        an_hour_ago = str(int(time.time()) - 3600)
        replayed = signature(self.approved.identifier, an_hour_ago, self.approved.body, old)
        return [
            self.approved.case("approved", True, old),
            self.approved.case("by a shop that has the next secret already", True, both),
            self.approved.case("another secret", False, OTHER),
            self.approved.case("two other secrets", False, f"{OTHER} {SECRET}"),
            self.approved.case("an hour old", False, old, timestamp=an_hour_ago, header=replayed),
            *self.approved.tampered(old),
            self.cancelled.case("cancelled", True, old),
            self.encrypted[0][0].case("encrypted", True, old),
            self.rotated.case("while rotating, the old secret", True, old),
            self.rotated.case("while rotating, the new secret", True, new),
            self.rotated.case("while rotating, both secrets", True, both),
            self.rotated.case("while rotating, another secret", False, OTHER),
            self.rotated.case("while rotating, tampered", False, both, body=self.rotated.body + b" "),
        ]

    def decrypt_cases(self):
        """(what, environment, body, the fields or none when the keys do not fit)"""
        for (delivery, told), shown in zip(self.encrypted, self.pairs):
            keys = {"PUBLIC_KEY": shown["public_key"], "PRIVATE_KEY": shown["private_key"]}
            yield "its own keys", keys, delivery.body, told
        yield "another pair", keys, self.encrypted[0][0].body, None
        by_chance = {**keys, "PRIVATE_KEY": with_right_padding(delivery.body, keys["PUBLIC_KEY"])}
        yield "another private key, a right padding by chance", by_chance, delivery.body, None

    def check_fields(self, printed, told):
        """Field by field: the status query tells the same payment in the clear, and a plain webhook
        has the same names."""
        fields = dict(line.split(": ", 1) for line in printed.splitlines())
        assert set(fields) == self.plain_names, sorted(set(fields) ^ self.plain_names)
        beside = {"webhook_notify_time", "sequence"}
        same = set(fields) - beside
        assert same <= set(told), f"the status query lacks {sorted(same - set(told))}"
        for name in same:
            assert fields[name] == told[name], f"{name}: {fields[name]!r}, not {told[name]!r}"
        assert fields["sequence"] == "1", fields
        assert re.fullmatch(r"[-0-9]{10} [:0-9]{8}\.[0-9]{6}", fields["webhook_notify_time"]), fields


def with_right_padding(body, public_key):
    """A wrong private key under which this ciphertext ends in a right padding."""
    text = body.removeprefix(b"data=") + b"=="
    ciphertext = base64.urlsafe_b64decode(text)
    iv = hashlib.sha256(public_key.encode()).digest()[:16]
    for number in itertools.count():
        private_key = f"{number:044}"[::-1]
        decryptor = Cipher(AES(private_key.encode()[:32]), CBC(iv)).decryptor()
        unpadder = PKCS7(128).unpadder()
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        try:
            unpadder.update(padded)
            unpadder.finalize()
        except ValueError:
            continue
        return private_key


def check_once_and_in_order(sample, gateway):
    """A payment with three webhooks: whatever comes late and twice, the last one's word stays."""
    shop = Shop()
    fields = payment("in order", ccno="4012000033330026", webhook_url=f"{shop.url}/webhook")
    trans_id = gateway.post("/api/s2s", fields)["transID"]
    deliveries = [Delivery(*shop.webhooks.get(timeout=30))]
    for amount in ("1.5", "9.61"):
        gateway.post("/api/transactions/refund-request", {
            "transID": trans_id, "refundAmount": amount, "public_key": fields["public_key"],
            "refundReference": amount,
        })
        deliveries.append(Delivery(*shop.webhooks.get(timeout=30)))
    told = [(one.identifier, json.loads(one.body)) for one in deliveries]
    assert [body["sequence"] for _, body in told] == ["1", "2", "3"], told
    assert [body["order_status"] for _, body in told] == ["25", "12", "3"], told
    # Nine and ten are in another order as texts.
    later = [(f"later {number}", {**told[0][1], "sequence": number}) for number in ("9", "10")]
    for messages in (told, later):
        for order in itertools.permutations(messages * 2, len(messages) * 2):
            kept, stopped = once_and_in_order(sample.read_text(), order)
            last = messages[-1][1]
            wanted = (trans_id, last["order_status"], int(last["sequence"]))
            assert kept == [wanted] and stopped == len(messages), (kept, stopped, order)


def once_and_in_order(text, messages):
    """What is kept of these messages by the statements of the sample, and how often it stopped."""
    statements = [part for part in re.sub(r"--.*", "", text).split(";") if part.strip()]
    *tables, once, in_order = statements
    with sqlite3.connect(":memory:") as database:
        for table in tables:
            database.execute(table)
        stopped = 0
        for identifier, body in messages:
            if database.execute(once, {"webhook_id": identifier}).rowcount == 0:
                stopped += 1
            else:
                database.execute(in_order, body)
        return list(database.execute("SELECT * FROM payments")), stopped
