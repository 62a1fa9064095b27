#!/usr/bin/env python3
"""Webhooks of a real gateway, judged by independent libraries: `standardwebhooks` of PyPI, in this
process, and of npm (judge.mjs beside this file).

1,000 payments are made at the API in parallel. Both libraries must verify each one's webhook, and
refuse each with one byte changed in its body, id, timestamp or signature. Then some come again, and
the keys are rotated under load, while one receiver knows only the old secret and another only the
new one. The binary is the one that TOLLGATE_BINARY names."""

import base64
import concurrent.futures
import dataclasses
import http.client
import http.server
import itertools
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

from standardwebhooks import Webhook, WebhookVerificationError

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[0] / "tools"))
from gateway import Gateway, payment  # noqa: E402, from tests/tools

PAYMENTS = 1000
AT_ONCE = 8
# Every so many payments have a receiver that fails the first time.
FAILING = 25
# Seconds of load before the rotation, and after it.
LOAD_BEFORE, LOAD_AFTER = 2, 4
# Longer than a gateway keeps a terminal in memory, and a whole second of the timestamp.
HEARD = 2
# The gap to the second try, with its jitter and what a busy machine adds.
SECOND_TRY = range(4, 16)
SIZE_AT_MOST = 20_000
CARDS = [
    "4012000033330026", "5123450000000008", "4043409999991437", "5555229999997722",
]


@dataclasses.dataclass(frozen=True)
class Delivery:
    """A try, as it came: the three headers and the bytes."""

    path: str
    headers: tuple
    body: bytes
    came: float

    @property
    def identifier(self):
        return self.headers[0]

    @property
    def timestamp(self):
        return int(self.headers[1])

    def named(self):
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        return dict(zip(names, self.headers, strict=True))

    def verified(self, secret):
        """What PyPI's library says."""
        try:
            Webhook(secret).verify(self.body, self.named())
        except WebhookVerificationError:
            return False
        return True

    def with_one_byte_changed(self, number, chance):
        """What is changed goes by the number, the place by chance."""
        identifier, timestamp, signature = self.headers
        body = bytearray(self.body)
        what = ("body", "id", "timestamp", "signature")[number % 4]
        if what == "body":
            body[chance.randrange(len(body))] ^= 1
        elif what == "id":
            identifier = changed(identifier, chance.randrange(len(identifier)))
        elif what == "timestamp":
            # The last digit, so that it is in time still and only the signature tells.
            timestamp = changed(timestamp, len(timestamp) - 1)
        else:
            # The last letter of the base64 has bits that stand for nothing.
            place = chance.randrange(len("v1,"), len(signature) - 2)
            letter = "B" if signature[place] == "A" else "A"
            signature = signature[:place] + letter + signature[place + 1:]
        return dataclasses.replace(
            self, headers=(identifier, timestamp, signature), body=bytes(body))


def changed(text, place):
    """The lowest bit of a letter turned; a digit stays a digit."""
    return text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1:]


class Receiver(http.server.ThreadingHTTPServer):
    """A merchant's server. By the path, it accepts all, fails each message's first try, or holds one
    secret, with which it checks as PyPI's library does."""

    request_queue_size = 256

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.came = []
        self.refused = []
        self.accepted = {}
        self.failed_once = set()
        self.secrets = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def answer(self, delivery):
        """The HTTP status."""
        secret = self.secrets.get(delivery.path)
        good = secret is None or delivery.verified(secret)
        with self.lock:
            self.came.append(delivery)
            if delivery.path == "/failing" and delivery.identifier not in self.failed_once:
                self.failed_once.add(delivery.identifier)
                return 500
            if not good:
                self.refused.append(delivery)
                return 401
            self.accepted.setdefault(delivery.path, set()).add(delivery.identifier)
            return 204

    def tries(self, *paths):
        """All tries by message, in the order in which they came."""
        found = {}
        with self.lock:
            for delivery in self.came:
                if delivery.path in paths:
                    found.setdefault(delivery.identifier, []).append(delivery)
        return found


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        headers = tuple(self.headers[name] for name in names)
        self.send_response(self.server.answer(Delivery(self.path, headers, body, time.time())))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Clients:
    """Merchants who create payments, each on a connection that is kept open."""

    def __init__(self, gateway):
        self.host = gateway.url.removeprefix("http://")
        self.own = threading.local()

    def create(self, reference, **changes):
        """The number of a new payment, which is decided at once."""
        if not hasattr(self.own, "connection"):
            self.own.connection = http.client.HTTPConnection(self.host, timeout=60)
        fields = json.dumps(payment(reference, **changes))
        self.own.connection.request("POST", "/api/s2s", fields, {"Content-Type": "application/json"})
        answer = self.own.connection.getresponse()
        told = json.loads(answer.read())
        assert answer.status == 200 and told["order_status"] in ("25", "26"), told
        return told["transID"]


def wait_until(what, is_so, seconds):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"{what} within {seconds} s"
        time.sleep(0.05)


def said_by_npm(judged):
    """What npm's library says of each (delivery, secret)."""
    listed = [
        {"secret": secret, "headers": delivery.named(),
         "body": base64.b64encode(delivery.body).decode()}
        for delivery, secret in judged
    ]
    done = subprocess.run(
        ["node", str(HERE / "judge.mjs")], input=json.dumps(listed), capture_output=True, text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert len(said) == len(judged), f"{len(said)} of {len(judged)} were judged"
    return said


def said(judged):
    """How many of each (delivery, secret) the two libraries verify: PyPI's, npm's."""
    return (
        sum(delivery.verified(secret) for delivery, secret in judged),
        sum(said_by_npm(judged)),
    )


def thousand(receiver, clients):
    """Makes the payments; their first webhooks, with the card that each was paid with."""
    def make(number):
        path = "/failing" if number % FAILING == 0 else "/webhook"
        card = CARDS[number % len(CARDS)]
        reference = f"order {number} \u00fc \u20ac \"'&<\\"
        return clients.create(reference, ccno=card, webhook_url=receiver.url(path)), card

    with concurrent.futures.ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        cards = dict(pool.map(make, range(PAYMENTS)))
    assert len(cards) == PAYMENTS, f"{len(cards)} numbers of payments"
    found = lambda: receiver.tries("/webhook", "/failing")
    wait_until(f"{PAYMENTS} webhooks", lambda: len(found()) >= PAYMENTS, 60)
    firsts = [tries[0] for tries in found().values()]
    return firsts, cards


def check_all_verified(firsts, secret):
    counts = said([(delivery, secret) for delivery in firsts])
    assert counts == (PAYMENTS, PAYMENTS), f"{counts} of {PAYMENTS} verified"


def check_all_changed_refused(firsts, secret):
    chance = random.Random(42)
    changed = [
        (delivery.with_one_byte_changed(number, chance), secret)
        for number, delivery in enumerate(firsts)
    ]
    for (one, _), delivery in zip(changed, firsts, strict=True):
        was = [text.encode() for text in delivery.headers] + [delivery.body]
        now = [text.encode() for text in one.headers] + [one.body]
        differ = sum(a != b for x, y in zip(was, now) for a, b in zip(x, y, strict=True))
        assert differ == 1, f"{differ} bytes differ: {delivery} {one}"
    counts = said(changed)
    assert counts == (0, 0), f"{counts} of {PAYMENTS} verified with a byte changed"


def check_bodies(firsts, cards):
    """Small, every value a string, and of the card no more than is printed on a receipt."""
    seen = set()
    for delivery in firsts:
        assert len(delivery.body) <= SIZE_AT_MOST, f"{len(delivery.body)} bytes: {delivery.body}"
        told = json.loads(delivery.body)
        assert all(isinstance(value, str) for value in told.values()), told
        card = cards[told["transID"]]
        seen.add(told["transID"])
        assert told["ccno"] == f"{card[:6]}XXXXXX{card[-4:]}", told
        digits = re.sub(rb"[^0-9]", b"", delivery.body)
        assert card.encode() not in digits, delivery.body
    assert seen == set(cards), f"{len(seen)} of {len(cards)} payments were told"


def check_largest(receiver, clients):
    """The longest reference in the longest letters, plain and encrypted."""
    for encryption in ("none", "aes256"):
        path = f"/largest-{encryption}"
        clients.create(
            "\U0001d11e" * 122 + encryption, ccno=CARDS[0], webhook_url=receiver.url(path),
            encryption_method=encryption)
        wait_until("a large webhook", lambda: receiver.tries(path), 20)
        (tries,) = receiver.tries(path).values()
        assert 500 < len(tries[0].body) <= SIZE_AT_MOST, len(tries[0].body)


def check_second_tries(receiver, secret):
    """What failed comes again: the same message, at another time, rightly signed."""
    found = lambda: receiver.tries("/failing").values()
    wait_until("second tries", lambda: all(len(tries) >= 2 for tries in found()), 30)
    judged = []
    for first, second, *more in found():
        assert not more, f"{first.identifier} came {len(more) + 2} times"
        assert second.body == first.body, first.identifier
        assert second.timestamp - first.timestamp in SECOND_TRY, (first.headers, second.headers)
        assert abs(second.came - second.timestamp) < 5, (second.came, second.timestamp)
        assert second.headers[2] != first.headers[2], second.headers
        judged += [(first, secret), (second, secret)]
    assert len(judged) == 2 * PAYMENTS // FAILING, len(judged)
    counts = said(judged)
    assert counts == (len(judged), len(judged)), f"{counts} of {len(judged)} verified"


def rotated_under_load(gateway, receiver, clients, old):
    """Rotates while payments are made for two receivers: one keeps to the old secret, the other takes
    the new one as soon as it is told. How many were made, the new secret, when it was told."""
    receiver.secrets.update({"/old": old, "/new": old})
    stop = threading.Event()
    numbers = itertools.count()
    created = []

    def load():
        while not stop.is_set():
            number = next(numbers)
            path = "/old" if number % 2 else "/new"
            clients.create(f"load {number}", ccno=CARDS[0], webhook_url=receiver.url(path))
            created.append(path)

    with concurrent.futures.ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        try:
            loads = [pool.submit(load) for _ in range(AT_ONCE)]
            time.sleep(LOAD_BEFORE)
            new, kept = gateway.rotate_keys()["webhook_secrets"]
            receiver.secrets["/new"] = new
            told = time.time()
            assert kept == old and new != old, "the earlier secret is kept beside the new one"
            time.sleep(LOAD_AFTER)
        finally:
            stop.set()
        for one in loads:
            one.result()
    for path in ("/old", "/new"):
        count = created.count(path)
        wait_until(
            f"{count} webhooks at {path}", lambda: len(receiver.accepted.get(path, ())) >= count, 40)
    return created, new, told


def check_rotation(gateway, receiver, clients, old):
    created, new, told = rotated_under_load(gateway, receiver, clients, old)
    assert created.count("/old") > 50 and created.count("/new") > 50, len(created)
    for path in ("/old", "/new"):
        came, accepted = len(receiver.tries(path)), len(receiver.accepted[path])
        assert came == accepted == created.count(path), (path, came, accepted)
    # Only who took the new secret before the gateway did refused any, and all of those came again.
    late = [one for one in receiver.refused if one.path == "/old" or one.timestamp > told + HEARD]
    assert not late, f"{len(late)} refused: {late[0]}"
    after = [
        tries[0] for tries in receiver.tries("/old", "/new").values()
        if tries[0].timestamp > told + HEARD
    ]
    assert len(after) > 50, f"only {len(after)} webhooks came after the rotation"
    judged = [(one, secret) for one in after for secret in (old, new)]
    counts = said(judged)
    assert counts == (len(judged), len(judged)), f"{counts} of {len(judged)} verified"


def checks(gateway):
    """(name, check)"""
    receiver, clients = Receiver(), Clients(gateway)
    secret = gateway.webhook_secret()
    firsts, cards = thousand(receiver, clients)
    yield f"{PAYMENTS} verified", lambda: check_all_verified(firsts, secret)
    yield f"{PAYMENTS} with a byte changed refused", lambda: check_all_changed_refused(firsts, secret)
    yield "small bodies, masked cards", lambda: check_bodies(firsts, cards)
    yield "the largest bodies", lambda: check_largest(receiver, clients)
    yield "second tries", lambda: check_second_tries(receiver, secret)
    yield "rotation under load", lambda: check_rotation(gateway, receiver, clients, secret)


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="tollgate-webhooks-") as scratch:
        gateway = None
        try:
            gateway = Gateway(scratch)
            for name, check in checks(gateway):
                began = time.monotonic()
                try:
                    check()
                except (AssertionError, OSError, ValueError, KeyError,
                        subprocess.SubprocessError) as error:
                    failed += 1
                    print(f"FAILED {name}: {type(error).__name__}: {error}")
                else:
                    passed += 1
                    print(f"ok     {name} ({time.monotonic() - began:.1f} s)")
        except (AssertionError, OSError, ValueError, http.client.HTTPException) as error:
            failed += 1
            print(f"FAILED the payments: {type(error).__name__}: {error}")
        finally:
            if gateway:
                gateway.stop()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
