#!/usr/bin/env python3
"""Runs every code sample of the developers' pages as it is printed there.

The create samples run against a real gateway (the binary named by TOLLGATE_BINARY) through a
recording proxy, so that what the gateway answered can be compared with what the sample printed.
The verify samples run against bodies and queries signed here by the rules of the documentation,
and against webhooks and returns that the gateway itself signed, genuine and tampered.

A missing interpreter is a failure. Debian packages: packages.txt beside this file.
"""

import base64
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from gateway import Gateway, Shop, payment  # noqa: E402, from tests/tools

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "crates" / "web" / "samples"
FIELDS = {
    "authstatus", "bill_currency", "transID", "mop", "ccno", "reference", "authurl",
    "order_status", "tdate", "response", "authdata", "bill_amt", "status",
}
RUN = {
    "curl.sh": ["bash"],
    "first_payment.sh": ["sh"],
    "php.php": ["php"],
    "Java.java": ["java"],
    "node.mjs": ["node"],
    "python.py": [sys.executable],
}
CSHARP_LIBRARIES = ["-r:System.Net.Http.dll", "-r:System.Runtime.Serialization.dll"]


def command(sample, scratch):
    """The command line that runs the sample; C# is compiled first."""
    if sample.suffix != ".cs":
        return [*RUN[sample.name], str(sample)]
    program = pathlib.Path(scratch) / f"{sample.parent.name}.exe"
    subprocess.run(
        ["mcs", "-warnaserror", *CSHARP_LIBRARIES, f"-out:{program}", str(sample)],
        check=True, capture_output=True, text=True, timeout=120,
    )
    return ["mono", str(program)]


class Recorder(http.server.ThreadingHTTPServer):
    """Passes requests on to the gateway and keeps the answers."""

    def __init__(self, gateway):
        super().__init__(("127.0.0.1", 0), Handler)
        self.target = urllib.parse.urlsplit(gateway).netloc
        self.answers = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        onward = http.client.HTTPConnection(self.server.target, timeout=60)
        headers = {"Content-Type": self.headers["Content-Type"]}
        onward.request("POST", self.path, body, headers)
        answer = onward.getresponse()
        text = answer.read()
        self.server.answers.append((answer.status, text))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def run(sample, scratch, environment, stdin=b""):
    return subprocess.run(
        command(sample, scratch), env={**os.environ, **environment}, input=stdin,
        capture_output=True, timeout=120,
    )


def check_create(sample, scratch, recorder, private_key="", check=None):
    recorder.answers.clear()
    done = run(sample, scratch, {"GATEWAY_URL": recorder.url, "PRIVATE_KEY": private_key})
    printed = done.stdout.decode()
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr.decode()}"
    assert len(recorder.answers) == 1, f"{len(recorder.answers)} requests were made"
    status, text = recorder.answers[0]
    assert status == 200, f"HTTP {status}: {text}"
    answer = json.loads(text)
    (check or check_answer)(answer)
    lines = printed.splitlines()
    assert lines == [f"transID: {answer['transID']}", f"authurl: {answer['authurl']}"], printed


def check_refused(sample, scratch, recorder, private_key):
    done = run(sample, scratch, {"GATEWAY_URL": recorder.url, "PRIVATE_KEY": private_key})
    told = done.stderr.decode()
    assert done.returncode != 0 and "5001" in told, f"exit {done.returncode}: {told}"


def check_answer(answer):
    check_waiting(answer, FIELDS)
    assert (answer["mop"], answer["ccno"]) == ("Visa", "411111XXXXXX1111"), answer
    assert (answer["bill_amt"], answer["bill_currency"]) == ("11.11", "USD"), answer


def check_net_banking_answer(answer):
    check_waiting(answer, FIELDS - {"ccno"} | {"upa"})
    assert (answer["mop"], answer["upa"]) == ("NB", "SBIN"), answer
    assert (answer["bill_amt"], answer["bill_currency"]) == ("11.11", "INR"), answer
    details = json.loads(base64.b64decode(answer["authdata"]))
    assert (details["action"], details["authdata"]) == ("redirect", {"step": "bank_page"}), details


def check_waiting(answer, fields):
    assert set(answer) == fields, f"fields differ: {sorted(set(answer) ^ fields)}"
    wrong = [name for name, value in answer.items() if not isinstance(value, str)]
    assert not wrong, f"not a string: {wrong}"
    assert re.fullmatch(r"[1-9][0-9]{17}", answer["transID"]), answer["transID"]
    assert (answer["order_status"], answer["status"]) == ("0", "Pending"), answer
    assert answer["authurl"].endswith("/api/authurl/" + answer["transID"]), answer["authurl"]
    assert answer["authstatus"].endswith("/api/authurl/s2s/" + answer["transID"])
    assert next(iter(json.loads(base64.b64decode(answer["authdata"])))) == "transID"


def check_refund(sample, scratch, recorder, trans_id):
    recorder.answers.clear()
    done = run(sample, scratch, {"GATEWAY_URL": recorder.url, "TRANS_ID": trans_id})
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr.decode()}"
    assert len(recorder.answers) == 1, f"{len(recorder.answers)} requests were made"
    status, text = recorder.answers[0]
    answer = json.loads(text)
    assert status == 200, f"HTTP {status}: {text}"
    wanted = {"transID": trans_id, "refundAmount": "1.5", "refundReference": "return-1001"}
    assert wanted.items() <= answer.items(), answer
    lines = done.stdout.decode().splitlines()
    assert lines == ["order_status: 8", "refundStatus: pending"], lines
    # A second payment's number is wrong: the error is told, and the exit code is 1.
    done = run(sample, scratch, {"GATEWAY_URL": recorder.url, "TRANS_ID": "999999991231235959"})
    told = done.stderr.decode()
    assert done.returncode != 0 and "1500" in told, f"exit {done.returncode}: {told}"


def paid(gateway, reference):
    """The number of a new payment that is approved at once."""
    host = urllib.parse.urlsplit(gateway.url).netloc
    connection = http.client.HTTPConnection(host, timeout=30)
    fields = json.dumps(payment(reference, ccno="4012000033330026"))
    connection.request("POST", "/api/s2s", fields, {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer["order_status"] == "25", answer
    return answer["transID"]


def check_first_payment(sample, scratch, recorder):
    """The paste-ready command of the start page: it names its address, so that is set here."""
    recorder.answers.clear()
    copy = pathlib.Path(scratch) / sample.name
    text = sample.read_text()
    assert text.count("http://localhost:9003") == 1, "the address stands exactly once"
    copy.write_text(text.replace("http://localhost:9003", recorder.url))
    done = run(copy, scratch, {})
    assert done.returncode == 0, done.stderr.decode()
    check_answer(json.loads(done.stdout))


SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
BODY = '{"transID":"417823250426141606","status":"Test Approved","x":"\u00fc \u20ac"}\n'.encode()


def key(secret):
    return base64.b64decode(secret.removeprefix("whsec_"))


def signature(identifier, timestamp, body, secret=SECRET):
    signed = f"{identifier}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key(secret), signed, hashlib.sha256)).decode()


def webhook_cases():
    """(what, environment, body, whether it is genuine)"""
    now, old, early = (str(int(time.time()) + shift) for shift in (0, -3600, 3600))
    name = "msg_417823250426141606_1"
    good = signature(name, now, BODY)

    def case(what, body, genuine, identifier=name, timestamp=now, header=good):
        headers = {
            "WEBHOOK_ID": identifier, "WEBHOOK_TIMESTAMP": timestamp,
            "WEBHOOK_SIGNATURE": header, "WEBHOOK_SECRET": SECRET,
        }
        return what, headers, body, genuine

    return [
        case("genuine", BODY, True),
        case("second of two signatures", BODY, True,
             header=f"{signature(name, now, BODY, OTHER)} {good}"),
        case("tampered body", BODY.replace(b"Approved", b"Declined"), False),
        case("line break taken away", BODY.rstrip(b"\n"), False),
        case("other webhook-id", BODY, False, identifier="msg_417823250426141606_2"),
        case("other secret", BODY, False, header=signature(name, now, BODY, OTHER)),
        case("an hour old", BODY, False, timestamp=old, header=signature(name, old, BODY)),
        case("an hour early", BODY, False, timestamp=early, header=signature(name, early, BODY)),
        case("timestamp is no number", BODY, False, timestamp="x[$(id)]",
             header=signature(name, "x[$(id)]", BODY)),
        case("no signature", BODY, False, header=""),
    ]


def return_cases():
    fields = {
        "transID": "417823250426141606", "order_status": "25", "status": "Test Approved",
        "bill_amt": "11.11", "bill_currency": "USD", "tdate": "2025-04-26 14:16:06.000657",
        "response": "Payment successful", "reference": "order \u00fc&=+1", "mop": "Visa",
        "ccno": "411111XXXXXX1111", "rrn": "511614001234",
    }
    text = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    sig = hmac.new(key(SECRET), text.encode(), hashlib.sha256).hexdigest()

    def case(what, genuine, **changes):
        query = urllib.parse.urlencode({"cart": "7", **fields, "sig": sig, **changes})
        return what, {"RETURN_QUERY": query, "WEBHOOK_SECRET": SECRET}, b"", genuine

    return [
        case("genuine", True),
        case("own parameter changed", True, cart="8"),
        case("tampered status", False, order_status="26"),
        case("parameter added", False, upa="x"),
        case("other signature", False, sig="0" * 64),
        case("empty signature", False, sig=""),
    ]


def check_verify(sample, scratch, case):
    what, environment, body, genuine = case
    done = run(sample, scratch, environment, body)
    expected = (0, "genuine") if genuine else (1, "")
    said = done.stdout.decode().strip()
    assert done.returncode == expected[0], f"{what}: exit {done.returncode} {done.stderr.decode()}"
    assert genuine == (said == "genuine"), f"{what}: said {said!r}"


def real_cases(gateway):
    """The same two kinds of cases, with what the gateway itself signed: a payment that is decided
    in the create call, and one that its holder cancels."""
    shop = Shop()
    secret = gateway.webhook_secret()
    webhooks, returns = [], []
    host = urllib.parse.urlsplit(gateway.url).netloc
    for what, card in (("approved", "4012000033330026"), ("cancelled", "4111111111111111")):
        fields = payment(
            f"order \u00fc&=+1 {what}", ccno=card, webhook_url=f"{shop.url}/webhook",
            return_url=f"{shop.url}/return?cart=7")
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.request(
            "POST", "/api/s2s", json.dumps(fields), {"Content-Type": "application/json"})
        page = "/api/authurl/" + json.loads(connection.getresponse().read())["transID"]
        if what == "cancelled":
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", page, "cancel=1", form)
        else:
            connection.request("GET", page)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 303, answer.status
        connection.close()
        query = urllib.parse.urlsplit(answer.headers["Location"]).query
        for changed, genuine in ((query, True), (query.replace("11.11", "11.12"), False)):
            environment = {"RETURN_QUERY": changed, "WEBHOOK_SECRET": secret}
            returns.append((f"the gateway's own, {what}, {genuine}", environment, b"", genuine))
        headers, body = shop.webhooks.get(timeout=30)
        lower = {name.lower(): value for name, value in headers.items()}
        environment = {
            "WEBHOOK_ID": lower["webhook-id"], "WEBHOOK_TIMESTAMP": lower["webhook-timestamp"],
            "WEBHOOK_SIGNATURE": lower["webhook-signature"], "WEBHOOK_SECRET": secret,
        }
        for changed, genuine in ((body, True), (body + b" ", False)):
            webhooks.append((f"the gateway's own, {what}, {genuine}", environment, changed, genuine))
    return webhooks, returns


def checks(scratch, recorder, gateway):
    """(name, check) of everything there is."""
    yield "first_payment.sh", lambda: check_first_payment(
        SAMPLES / "first_payment.sh", scratch, recorder)
    for sample in sorted((SAMPLES / "create_payment").iterdir()):
        yield f"create_payment/{sample.name}", (
            lambda sample=sample: check_create(sample, scratch, recorder))
    for sample in sorted((SAMPLES / "create_net_banking_payment").iterdir()):
        yield f"create_net_banking_payment/{sample.name}", (
            lambda sample=sample: check_create(
                sample, scratch, recorder, check=check_net_banking_answer))
    private_key = gateway.shown()["private_key"]
    for sample in sorted((SAMPLES / "create_encrypted_payment").iterdir()):
        yield f"create_encrypted_payment/{sample.name}", (
            lambda sample=sample: check_create(sample, scratch, recorder, private_key))
        yield f"create_encrypted_payment/{sample.name}, another key", (
            lambda sample=sample: check_refused(sample, scratch, recorder, private_key[::-1]))
    for sample in sorted((SAMPLES / "refund").iterdir()):
        yield f"refund/{sample.name}", lambda sample=sample: check_refund(
            sample, scratch, recorder, paid(gateway, f"refund {sample.name}"))
    webhooks, returns = real_cases(gateway)
    for folder, cases in (
        ("verify_webhook", lambda: webhook_cases() + webhooks),
        ("verify_return_url", lambda: return_cases() + returns),
    ):
        for sample in sorted((SAMPLES / folder).iterdir()):
            # Made anew for each sample: the timestamps must be fresh.
            for case in cases():
                yield f"{folder}/{sample.name}: {case[0]}", (
                    lambda sample=sample, case=case: check_verify(sample, scratch, case))


def main():
    passed = failed = 0
    for interpreter in ("bash", "curl", "openssl", "php", "java", "node", "mcs", "mono"):
        if shutil.which(interpreter) is None:
            failed += 1
            print(f"FAILED interpreter {interpreter}: not installed")
    with tempfile.TemporaryDirectory(prefix="tollgate-samples-") as scratch:
        try:
            gateway = Gateway(scratch)
        except (AssertionError, OSError, ValueError) as error:
            print(f"FAILED the gateway: {error}")
            print(f"{passed} passed, {failed + 1} failed")
            return 1
        try:
            for name, check in checks(scratch, Recorder(gateway.url), gateway):
                try:
                    check()
                    passed += 1
                    print(f"ok     {name}")
                except (AssertionError, OSError, ValueError, KeyError,
                        subprocess.SubprocessError) as error:
                    failed += 1
                    print(f"FAILED {name}: {error}")
                    print(getattr(error, "stdout", None) or "", end="")
        finally:
            gateway.stop()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
