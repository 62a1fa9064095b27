#!/usr/bin/env python3
"""Runs every code sample of the developers' pages as it is printed there.

The create samples run against a real gateway (the binary named by TOLLGATE_BINARY) through a
recording proxy, so that what the gateway answered can be compared with what the sample printed.
The verify samples run against bodies and queries signed here by the rules of the documentation,
and against webhooks and returns that the gateway itself signed, genuine and tampered, before its
keys were rotated and after; the decrypt samples against encrypted webhooks of the gateway.

A missing interpreter is a failure. Debian packages: packages.txt beside this file. The Rust samples
are examples of the crate web, which the build of the tests makes.
"""

import base64
import concurrent.futures
import functools
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
import webhooks  # noqa: E402, beside this file
from gateway import Gateway, Shop, payment  # noqa: E402, from tests/tools
from webhooks import SECRET, key  # noqa: E402

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "crates" / "web" / "samples"
FIELDS = {
    "authstatus", "bill_currency", "transID", "mop", "ccno", "reference", "authurl",
    "order_status", "tdate", "response", "authdata", "bill_amt", "status",
}
RUN = {
    "curl.sh": ["bash"],
    "first_payment.sh": ["sh"],
    "endpoint.sh": ["sh"],
    "replay.sh": ["sh"],
    "follow.sh": ["sh"],
    "php.php": ["php"],
    "node.mjs": ["node"],
    "python.py": [sys.executable],
}
EXAMPLES = pathlib.Path(os.environ["TOLLGATE_BINARY"]).parent / "examples"
CSHARP_LIBRARIES = ["-r:System.Net.Http.dll", "-r:System.Runtime.Serialization.dll"]


@functools.cache
def command(sample, scratch):
    """The command line that runs the sample, which is compiled first where its language is."""
    if sample.name in RUN:
        return [*RUN[sample.name], str(sample)]
    program = pathlib.Path(scratch) / f"{sample.parent.name}-{sample.suffix[1:]}"
    if sample.suffix == ".rs":
        built = EXAMPLES / sample.parent.name
        assert built.is_file(), f"{built} is not there: cargo build -p web --examples"
        return [str(built)]
    environment = {**os.environ, "GOCACHE": f"{scratch}/go-build", "GOFLAGS": "", "GOPROXY": "off"}
    build, run_it = {
        ".cs": (["mcs", "-warnaserror", *CSHARP_LIBRARIES, f"-out:{program}"], ["mono", program]),
        ".go": (["go", "build", "-o", program], [program]),
        # Many short lives: what the compiler in the machine would gain is not worth its start.
        ".java": (["javac", "-Xlint:all", "-Werror", "-d", program],
                  ["java", "-XX:TieredStopAtLevel=1", "-cp", program, sample.stem]),
    }[sample.suffix]
    subprocess.run(
        [*build, sample], check=True, capture_output=True, text=True, timeout=120, env=environment)
    return [str(part) for part in run_it]


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


def paid(gateway, reference, **changes):
    """The number of a new payment that is approved at once."""
    answer = gateway.post("/api/s2s", payment(reference, ccno="4012000033330026", **changes))
    assert answer["order_status"] == "25", answer
    return answer["transID"]


def check_endpoint(sample, scratch, gateway, private_key):
    shop = Shop()
    environment = {"GATEWAY_URL": gateway.url, "ENDPOINT_URL": shop.url}
    done = run(sample, scratch, {**environment, "PRIVATE_KEY": private_key})
    assert done.returncode == 0, f"exit {done.returncode}: {done.stdout} {done.stderr}"
    number, secret, told = done.stdout.decode().splitlines()
    assert json.loads(told)["acknowledged"] is True, told
    headers, body = shop.webhooks.get(timeout=30)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(key(secret.removeprefix("secret: ")), signed, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    assert headers["webhook-signature"] == expected, headers
    path = f"/api/v1/webhooks/endpoints/{number.removeprefix('endpoint: ')}?terNO=42"
    status, answer = gateway.asked("DELETE", path, private_key=private_key)
    assert status == 200, f"HTTP {status}: {answer}"
    # Another key: the error is told, and the exit code is not 0.
    done = run(sample, scratch, {**environment, "PRIVATE_KEY": private_key[::-1]})
    assert done.returncode != 0 and b'"101"' in done.stderr, f"exit {done.returncode}: {done}"


def check_replay(sample, scratch, gateway, private_key):
    shop = Shop()
    # Whoever answers 410 wants no second try.
    shop.answer = 410
    trans_id = paid(gateway, "given up", webhook_url=shop.url)
    path = f"/api/v1/webhooks/deliveries?terNO=42&state=dead&payment={trans_id}"
    deadline = time.monotonic() + 30
    while not json.loads(gateway.asked("GET", path, private_key=private_key)[1])["deliveries"]:
        assert time.monotonic() < deadline, "the delivery was not given up"
        time.sleep(0.1)
    shop.webhook_of(trans_id)
    shop.answer = 204
    since = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400))
    environment = {"GATEWAY_URL": gateway.url, "PRIVATE_KEY": private_key, "SINCE": since}
    done = run(sample, scratch, environment)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stdout} {done.stderr}"
    listed, counted, replayed = map(json.loads, done.stdout.decode().splitlines())
    assert trans_id in [one["transID"] for one in listed["deliveries"]], listed
    assert counted["count"] == replayed["replayed"] == len(listed["deliveries"]), done.stdout
    shop.webhook_of(trans_id)


def check_follow(sample, scratch, gateway, private_key):
    environment = {**os.environ, "GATEWAY_URL": gateway.url, "PRIVATE_KEY": private_key}
    process = subprocess.Popen(
        command(sample, scratch), env=environment, stdout=subprocess.PIPE, text=True)
    lines = queue.Queue()
    threading.Thread(target=lambda: [lines.put(line) for line in process.stdout]).start()
    try:
        # Only what is written from now on is told, and when that began is not: so pay until it is.
        for number in range(30):
            trans_id = paid(gateway, f"followed {number}")
            try:
                while not (line := lines.get(timeout=2)).startswith("data: "):
                    pass
            except queue.Empty:
                continue
            told = json.loads(line.removeprefix("data: "))
            assert {"id", "headers", "body"} <= set(told), told
            assert json.loads(told["body"])["transID"] == trans_id, told
            return
        raise AssertionError("nothing was told")
    finally:
        process.terminate()
        process.wait(timeout=30)


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


def real_return_cases(gateway):
    """The same with what the gateway itself signed: a payment that is decided in the create call, and
    one that its holder cancels."""
    secret = gateway.webhook_secret()
    returns = []
    host = urllib.parse.urlsplit(gateway.url).netloc
    for what, card in (("approved", "4012000033330026"), ("cancelled", "4111111111111111")):
        fields = payment(
            f"order \u00fc&=+1 {what}", ccno=card, return_url="https://shop.example/return?cart=7")
        page = "/api/authurl/" + gateway.post("/api/s2s", fields)["transID"]
        connection = http.client.HTTPConnection(host, timeout=30)
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
    return returns


def check_decrypt(sample, scratch, real, case):
    what, environment, body, told = case
    done = run(sample, scratch, environment, body)
    said = done.stderr.decode()
    if told is None:
        assert done.returncode == 1 and not done.stdout, f"{what}: exit {done.returncode} {said}"
        assert "This key pair does not open it." in said, f"{what}: {said}"
    else:
        assert done.returncode == 0, f"{what}: exit {done.returncode} {said}"
        real.check_fields(done.stdout.decode(), told)


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
    for name, check in (
        ("endpoint", check_endpoint), ("replay", check_replay), ("follow", check_follow),
    ):
        sample = SAMPLES / "webhook_calls" / f"{name}.sh"
        yield f"webhook_calls/{sample.name}", (
            lambda sample=sample, check=check: check(sample, scratch, gateway, private_key))
    yield "once_and_in_order.sql", lambda: webhooks.check_once_and_in_order(
        SAMPLES / "once_and_in_order.sql", gateway)


def checks_of_what_came(scratch, gateway):
    """(name, check) of the samples that look at what the gateway signed. They have nothing in common
    but the gateway's keys, which are rotated here."""
    returns = real_return_cases(gateway)
    real = webhooks.Real(gateway)
    for folder, cases in (
        ("verify_webhook", webhooks.own_cases() + real.verify_cases()),
        ("verify_return_url", return_cases() + returns),
    ):
        for sample in sorted((SAMPLES / folder).iterdir()):
            for case in cases:
                yield f"{folder}/{sample.name}: {case[0]}", (
                    lambda sample=sample, case=case: check_verify(sample, scratch, case))
    for sample in sorted((SAMPLES / "decrypt_webhook").iterdir()):
        for case in real.decrypt_cases():
            yield f"decrypt_webhook/{sample.name}: {case[0]}", (
                lambda sample=sample, case=case: check_decrypt(sample, scratch, real, case))


def outcome(check):
    """Why it failed; none when it passed."""
    try:
        check()
    except subprocess.CalledProcessError as error:
        return f"{error}\n{error.stdout}{error.stderr}"
    except (AssertionError, OSError, ValueError, KeyError, queue.Empty,
            subprocess.SubprocessError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def main():
    outcomes = []
    for program in ("bash", "curl", "openssl", "php", "java", "javac", "node", "mcs", "mono", "go"):
        if shutil.which(program) is None:
            outcomes.append((f"program {program}", "not installed"))
    with tempfile.TemporaryDirectory(prefix="tollgate-samples-") as scratch:
        gateway = None
        try:
            gateway = Gateway(scratch)
            for name, check in checks(scratch, Recorder(gateway.url), gateway):
                outcomes.append((name, outcome(check)))
            for sample in sorted(SAMPLES.glob("*/*")):
                outcomes.append((f"build {sample.parent.name}/{sample.name}",
                                 outcome(lambda sample=sample: command(sample, scratch))))
            names, last = zip(*checks_of_what_came(scratch, gateway))
            with concurrent.futures.ThreadPoolExecutor(max_workers=max(2, os.cpu_count())) as pool:
                outcomes += zip(names, pool.map(outcome, last))
        except (AssertionError, OSError, ValueError, queue.Empty) as error:
            outcomes.append(("the gateway", f"{type(error).__name__}: {error}"))
        finally:
            if gateway:
                gateway.stop()
    for name, why in outcomes:
        print(f"FAILED {name}: {why}" if why else f"ok     {name}")
    failed = sum(why is not None for _name, why in outcomes)
    print(f"{len(outcomes) - failed} passed, {failed} failed")
    return 1 if failed or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
