#!/usr/bin/env python3
"""Checks the gateway's OpenAPI document, and the gateway against it.

Starts the binary that --binary or TOLLGATE_BINARY names, fetches /openapi.json, and checks it with
openapi-spec-validator, an implementation that is not ours; checks that each example passes its own
schema; then sends requests of many kinds, and checks each answer's status, media type and body
against what the document says of that operation. Needs the packages of requirements.txt beside
this file. The last line says "N passed, N failed".
"""

import argparse
import json
import queue
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from gateway import PUBLIC_KEY, Gateway, Shop, payment
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from person import Person

CREATE = "/api/s2s"
ENCRYPTED = "/api/s2s/encrypt"
BALANCE = "/api/v1/balance"
PAYMENTS = "/api/v1/payments"
METHODS = "/api/methods"
STATUS = "/api/authurl/s2s/{transIDOrReference}"
PAGE = "/api/authurl/{transID}"
OLDER_PAGE = "/api/authurl/auth_3ds/{transID}"
REFUND = "/api/transactions/refund-request"
RESULT = "/api/authurl/{transID}/result"
RETURN = "/api/authurl/{transID}/return"
EVENTS = "/api/authurl/{transID}/events"
COUNTER = "/sandbox-bank/{order}"
CALLS = "/api/v1/webhooks"
DELIVERIES = f"{CALLS}/deliveries"
ENDPOINTS = f"{CALLS}/endpoints"
STREAM = f"{CALLS}/stream"
WITH_KEY = (BALANCE, PAYMENTS, DELIVERIES, ENDPOINTS, STREAM)
UNKNOWN = "100000200101000000"


def media_types(node, path=""):
    """Every object with a schema and an example."""
    if isinstance(node, dict):
        if "schema" in node and "example" in node:
            yield path, node["schema"], node["example"]
        for name, schema in (node.get("schemas") or {}).items():
            for example in schema.get("examples", []):
                yield f"{path}/schemas/{name}", schema, example
            for field, inner in schema.get("properties", {}).items():
                for example in inner.get("examples", []):
                    yield f"{path}/schemas/{name}/{field}", inner, example
        for name, child in node.items():
            yield from media_types(child, f"{path}/{name}")
    elif isinstance(node, list):
        for place, child in enumerate(node):
            yield from media_types(child, f"{path}/{place}")


def resolve(document, node):
    while "$ref" in node:
        found = document
        for name in node["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        node = found
    return node


def problems_of(document, schema, value):
    """What is wrong with a value, a field that the schema does not name included."""
    rooted = {**schema, "components": document["components"]}
    problems = [error.message for error in Draft202012Validator(rooted).iter_errors(value)]
    known = resolve(document, schema).get("properties")
    if known and isinstance(value, dict):
        problems += [f"{name} is not documented" for name in value if name not in known]
    return problems


def check_document(document):
    """(name, problems) of the document alone."""
    problems = OpenAPIV31SpecValidator(document).iter_errors()
    yield "document", [f"{one.message} at {list(one.absolute_path)}" for one in problems]
    operations = [
        operation.get("operationId")
        for item in [*document["paths"].values(), *document["webhooks"].values()]
        for method, operation in item.items() if method in ("get", "post", "patch", "delete")
    ]
    distinct = len(set(operations)) == len(operations) and None not in operations
    yield "operationId", [] if distinct else ["missing, or one stands twice"]
    for path, schema, example in media_types(document):
        yield f"example at {path}", problems_of(document, schema, example)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))


def send(url, body=None, headers=None, method=None):
    """(status, headers, text)"""
    request = urllib.request.Request(url, body, headers or {}, method=method)
    try:
        answer = OPENER.open(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers, answer.read().decode()


class Live:
    """Sends requests, and compares answers with the document."""

    def __init__(self, document, gateway):
        self.document = document
        self.url = gateway.url
        self.last = {}

    def check(self, what, route, expected, *, path=None, body=None, headers=None, replayed=None,
              method=None):
        """(name, problems) of one request; `self.last` is the answer's body."""
        method = method or ("get" if body is None else "post")
        status, given, text = send(self.url + (path or route), body, headers, method.upper())
        name = f"{what}: {method.upper()} {route} {expected}"
        if status != expected:
            return name, [f"answered {status}: {text[:300]}"]
        documented = self.document["paths"][route][method]["responses"].get(str(status))
        if documented is None:
            return name, [f"{status} is not documented"]
        documented = resolve(self.document, documented)
        media = (given.get("Content-Type") or "").split(";")[0]
        problems = []
        if "content" in documented and media not in documented["content"]:
            problems.append(f"{media} is not documented")
        elif media.endswith("json"):
            self.last = json.loads(text)
            schema = documented["content"][media]["schema"]
            problems += problems_of(self.document, schema, self.last)
        if replayed is not None and replayed != (given.get("Idempotent-Replayed") == "true"):
            problems.append(f"Idempotent-Replayed is {given.get('Idempotent-Replayed')}")
        documented_headers = {name.lower() for name in documented.get("headers", {})}
        for header in ("idempotent-replayed", "retry-after"):
            if header in given and header not in documented_headers:
                problems.append(f"header {header} is not documented")
        return name, problems

    def create(self, what, expected, fields, replayed=None, **headers):
        headers = {"Content-Type": "application/json", **headers}
        body = json.dumps(fields).encode()
        return self.check(what, CREATE, expected, body=body, headers=headers, replayed=replayed)

    def refund(self, what, expected, fields, replayed=None, **headers):
        headers = {"Content-Type": "application/json", **headers}
        body = json.dumps(fields).encode()
        return self.check(what, REFUND, expected, body=body, headers=headers, replayed=replayed)

    def numbers(self, *expected):
        """(name, problems): the error numbers of the last answer, all at once."""
        given = [error["error_number"] for error in self.last.get("errors", [])]
        wrong = sorted(given) != sorted(expected) or self.last.get("error_number") != given[0]
        return f"numbers {', '.join(expected)}", [f"given {given}"] if wrong else []


def check_encrypted(live, gateway):
    """(name, problems) of encrypted requests, to the create call and for a refund."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def body(fields, name="encrypted_data"):
        value = gateway.encrypted(urllib.parse.urlencode(fields))
        return urllib.parse.urlencode({name: value}).encode()

    fields = payment("encrypted", encryption_method="aes256")
    yield live.check("good", ENCRYPTED, 200, body=body(fields), headers=form, replayed=False)
    first = live.last
    yield live.check("again", CREATE, 200, body=body(fields, "encrypted_payload"), headers=form,
                     replayed=True)
    yield live.create("in the clear", 200, fields, replayed=True)
    yield "the same answer", [] if live.last == first else [f"{live.last} is not {first}"]
    page = urllib.parse.urlsplit(first["authurl"]).path
    for path, expected in ((page, 200), (f"/api/authurl/{first['transID']}", 404)):
        yield live.check("token or number", PAGE, expected, path=path)
    yield live.check("in JSON", ENCRYPTED, 400, headers={"Content-Type": "application/json"},
                     body=json.dumps({"encrypted_data": "A" * 64 + PUBLIC_KEY}).encode())
    yield live.numbers("5001")
    yield live.check("nothing", ENCRYPTED, 400, body=b"x=1", headers=form)
    yield live.numbers("1040")
    stranger = urllib.parse.urlencode({"encrypted_data": "A" * 107 + "="}).encode()
    yield live.check("other key", ENCRYPTED, 401, body=stranger, headers=form)
    yield live.check("incomplete", ENCRYPTED, 400, body=body({"terNO": 42}), headers=form)
    fields = {"transID": UNKNOWN, "refundAmount": "1"}
    yield live.check("refund", REFUND, 404, body=body(fields), headers=form)
    yield live.check("not text", STATUS, 400, path="/api/authurl/s2s/%FF")


def check_refunds(live, trans_id):
    """(name, problems) of requests to refund a payment of 11.11."""
    good = {"public_key": PUBLIC_KEY, "transID": trans_id, "refundAmount": "1.50"}
    named = {**good, "refundReference": "return ü 1", "refundReason": "too small", "terNO": 42}
    yield live.refund("a part", 200, named, replayed=False)
    yield "order_status 8", [] if live.last["order_status"] == "8" else [str(live.last)]
    yield live.refund("replayed", 200, named, replayed=True)
    yield live.refund("by number", 200, {**good, "transID": int(trans_id), "refundAmount": 1.5})
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urllib.parse.urlencode(good).encode()
    yield live.check("a form", REFUND, 200, body=body, headers=form)
    keyed = {"Idempotency-Key": "refund-1"}
    yield live.refund("with a key", 200, good, replayed=False, **keyed)
    yield live.refund("with a key again", 200, good, replayed=True, **keyed)
    for what, expected, changes, numbers in (
        ("a key's other use", 422, {"refundAmount": "1.51"}, ["422"]),
        ("empty", 400, {name: None for name in good}, ["1040", "1040", "1502"]),
        ("wrong forms", 400, {"transID": "1", "refundAmount": "x"}, ["1043", "1502"]),
        ("other key", 401, {"public_key": "A" * 43 + "="}, ["101"]),
        ("unknown", 404, {"transID": UNKNOWN}, ["1500"]),
        ("too much", 409, {"refundAmount": "11.12"}, ["1504"]),
        ("other amount", 409, {"refundReference": "return ü 1", "refundAmount": "2"}, ["5012"]),
    ):
        headers = keyed if expected == 422 else {}
        yield live.refund(what, expected, {**good, **changes}, **headers)
        yield live.numbers(*numbers)
    yield live.refund("wrong private key", 401, good, Authorization="Bearer x")
    yield live.numbers("1501")
    problem = {"Accept": "application/problem+json"}
    yield live.refund("problem details", 409, {**good, "refundAmount": "99"}, **problem)
    yield live.refund("too large", 413, {**good, "refundReason": "x" * 70_000})
    yield live.check("no media type", REFUND, 415, body=b"x", headers={"Content-Type": "text/x"})


def check_orders(live):
    """(name, problems) of payments that are paid at a bank, in a wallet or by UPI."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    key = urllib.parse.urlencode({"public_key": PUBLIC_KEY})
    yield live.check("its key", METHODS, 200, path=f"{METHODS}?{key}")
    offered = [method["mop"] for method in live.last["methods"]]
    all_of_them = ["CC", "DC", "NB", "WALLET", "UPICOLLECT", "QRINTENT"]
    yield "six methods", [] if offered == all_of_them else [str(offered)]
    yield live.check("no key", METHODS, 400)
    yield live.check("other key", METHODS, 401, path=f"{METHODS}?public_key={'A' * 43}=")
    no_card = {"ccno": None, "ccvv": None, "month": None, "year": None, "bill_currency": "INR"}

    def order(name, mop, **more):
        return payment(f"order {name}", **{**no_card, "mop": mop, **more})

    yield live.create("by wallet", 200, order("wallet", "WALLET", bankcode="PAYTM"))
    yield live.create("by UPI request", 200, order("upi", "UPICOLLECT", upi_address="a@bank"))
    yield live.create("by QR code", 200, order("qr", "QRINTENT"))
    yield live.create("no UPI address", 400, order("none", "UPICOLLECT"))
    yield live.numbers("1040")
    yield live.create("no such bank", 400, order("none", "NB", bankcode="NOSUCHBANK"))
    yield live.numbers("1043")
    yield live.create("dollars", 400, order("none", "QRINTENT", bill_currency="USD"))
    yield live.numbers("1051")
    yield live.create("a bank is chosen", 200, order("bank", "NB"))
    trans_id = live.last["transID"]
    page = f"/api/authurl/{trans_id}"
    yield live.check("in German", PAGE, 200, path=f"{page}?lang=de")
    yield live.check("no such bank", PAGE, 303, path=page, body=b"bankcode=NOSUCHBANK")
    yield live.check("chosen", PAGE, 303, path=page, body=b"bankcode=SBIN")
    yield live.check("back too early", RETURN, 200, path=f"{page}/return")
    yield live.check("back by form", RETURN, 200, path=f"{page}/return", body=b"x=y", headers=form)
    counter = f"/sandbox-bank/{trans_id}-2"
    yield live.check("open", COUNTER, 200, path=counter)
    yield live.check("arrives by form", COUNTER, 200, path=counter, body=b"order=1")
    yield live.check("another site", COUNTER, 403, path=counter, body=b"decision=approve",
                     headers={"Origin": "https://other.example"})
    yield live.check("too large", COUNTER, 413, path=counter, body=b"x=" + b"1" * 5000)
    yield live.check("pays", COUNTER, 303, path=counter, body=b"decision=approve")
    yield live.check("back", RETURN, 303, path=f"{page}/return")
    yield live.check("paid", STATUS, 200, path=f"/api/authurl/s2s/{trans_id}")
    yield "status 25", [] if live.last["order_status"] == "25" else [str(live.last)]
    # A payment that is decided already: the one event comes at once.
    yield live.check("gone on", EVENTS, 200, path=f"{page}/events")
    for what, route, path in (
        ("unknown", RETURN, f"/api/authurl/{UNKNOWN}/return"),
        ("unknown", EVENTS, f"/api/authurl/{UNKNOWN}/events"),
        ("unknown", COUNTER, "/sandbox-bank/x-1"),
        ("unknown", "/assets/logo/{file}", "/assets/logo/42.none.png"),
    ):
        yield live.check(what, route, 404, path=path)


def streamed(live, bearer, shop):
    """(name, problems) of the stream, up to its first event."""
    request = urllib.request.Request(f"{live.url}{STREAM}?terNO=42", headers=bearer)
    with OPENER.open(request, timeout=30) as stream:
        media = stream.headers["Content-Type"]
        yield "stream", [] if media.startswith("text/event-stream") else [media]
        yield live.create("told", 200, payment("told", ccno="4012000033330026", webhook_url=shop))
        lines = iter(stream.readline, b"")
        data = next(line for line in lines if line.startswith(b"data: "))
    told = json.loads(data.removeprefix(b"data: "))
    schema = {"$ref": "#/components/schemas/StreamedDelivery"}
    yield "streamed delivery", problems_of(live.document, schema, told)


def check_webhook_calls(live, bearer):
    """(name, problems) of endpoints, the log, replay and the stream."""
    shop = Shop()
    bearer = {**bearer, "Content-Type": "application/json"}

    def call(what, expected, method, path, fields=None, query="", **headers):
        body = None if fields is None else json.dumps(fields).encode()
        parts = path.split("/")
        name = {"deliveries": "{id}", "endpoints": "{number}"}.get(parts[0])
        route = "/".join([CALLS, *[name if place == 1 else part for place, part in enumerate(parts)]])
        return live.check(what, route, expected, method=method, body=body,
                          path=f"{CALLS}/{path}?terNO=42{query}", headers={**bearer, **headers})

    wish = {"url": shop.url, "events": ["payment.*", "refund.*"], "description": "Warehouse"}
    keyed = {"Idempotency-Key": "endpoint-1"}
    yield call("adds", 201, "post", "endpoints", wish, **keyed)
    yield "its secret", [] if live.last["secret"].startswith("whsec_") else ["no secret"]
    yield call("adds again", 201, "post", "endpoints", wish, **keyed)
    yield "no secret", ["told again"] if "secret" in live.last else []
    yield call("a key's other use", 422, "post", "endpoints", {**wish, "events": ["*"]}, **keyed)
    number = live.last.get("number", 1)
    endpoint = f"endpoints/{number}"
    yield call("lists", 200, "get", "endpoints")
    yield call("shows", 200, "get", endpoint)
    yield call("changes", 200, "patch", endpoint, {"description": ""})
    yield call("tries out", 200, "post", f"{endpoint}/test", {"type": "payment.approved"})
    _headers, sample = shop.webhooks.get(timeout=30)
    schema = {"$ref": "#/components/schemas/Event"}
    yield "sample", problems_of(live.document, schema, json.loads(sample))
    yield call("rotates", 200, "post", f"{endpoint}/rotate-secret")
    yield from streamed(live, bearer, shop.url)
    for _own_and_event in range(2):
        _headers, body = shop.webhooks.get(timeout=30)
        told = json.loads(body)
        name = "Event" if "data" in told else "Webhook"
        yield name, problems_of(live.document, {"$ref": f"#/components/schemas/{name}"}, told)
    yield call("lists", 200, "get", "deliveries", query="&limit=1&state=any")
    delivery = f"deliveries/{live.last['deliveries'][0]['id']}"
    cursor = urllib.parse.quote(live.last["next_cursor"])
    yield call("next page", 200, "get", "deliveries", query=f"&cursor={cursor}")
    yield call("shows", 200, "get", delivery)
    yield call("resends", 202, "post", f"{delivery}/resend")
    yield call("counts", 200, "post", "replay", {"dry_run": True})
    yield call("replays", 200, "post", "replay", {"from": "2200-01-01"})
    yield call("removes", 200, "delete", endpoint)
    for what, expected, method, path, fields in (
        ("removed", 404, "get", endpoint, None),
        ("removed", 404, "patch", endpoint, {}),
        ("removed", 404, "delete", endpoint, None),
        ("removed", 404, "post", f"{endpoint}/test", {"type": "payout.paid"}),
        ("removed", 404, "post", f"{endpoint}/rotate-secret", None),
        ("unknown", 404, "get", "deliveries/x", None),
        ("unknown", 404, "post", "deliveries/x/resend", None),
        ("no fields", 400, "post", "endpoints", {}),
        ("wrong forms", 400, "patch", endpoint, {"url": 1, "events": 1, "state": 1}),
        ("no bounds", 400, "post", "replay", {"state": "any"}),
        ("too large", 413, "post", "replay", {"from": "x" * 70_000}),
    ):
        yield call(what, expected, method, path, fields)
    yield call("no media type", 415, "post", "replay", {}, **{"Content-Type": "text/x"})
    yield call("unknown name", 400, "get", "deliveries", query="&sate=dead")
    yield call("a place that is none", 400, "get", "stream", **{"Last-Event-ID": "x"})
    for path in ("deliveries", "endpoints", "stream"):
        yield call("other key", 401, "get", path, Authorization=f"Bearer {'A' * 43}=")


def check_answers(document, gateway, receiver):
    """(name, problems) of everything that is sent to the live gateway."""
    live = Live(document, gateway)
    url = f"{receiver.url}/webhook"
    # The document's own example, as it is printed.
    example = document["paths"][CREATE]["post"]["requestBody"]["content"]["application/json"]
    yield live.create("the example", 200, example["example"], replayed=False)
    waiting = payment("order ü&=+1", webhook_url=url)
    yield live.create("waits", 200, waiting, replayed=False)
    first = live.last
    yield live.create("replayed", 200, waiting, replayed=True)
    yield "the same answer", [] if live.last == first else [f"{live.last} is not {first}"]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urllib.parse.urlencode(payment("form")).encode()
    yield live.check("a form", CREATE, 200, body=body, headers=form)
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in payment("multipart").items())
    yield live.check("multipart", CREATE, 200, body=f"{parts}--x--\r\n".encode(),
                     headers={"Content-Type": "multipart/form-data; boundary=x"})
    approved = payment("approved", ccno="4012000033330026", webhook_url=url)
    yield live.create("approved at once", 200, approved)
    yield "status 25", [] if live.last["order_status"] == "25" else [str(live.last)]
    decided = live.last["transID"]
    yield live.create("declined at once", 200, payment("declined", ccno="4043409999991437"))
    yield "status 26", [] if live.last["order_status"] == "26" else [str(live.last)]

    yield live.create("empty", 400, {})
    yield live.create("problems", 400, payment(
        "x", bill_amt=None, product_name=None, ccno=None, ccvv=None, month=None, year=None))
    yield live.numbers("1040", "1111", "1113", "154", "155", "156")
    problem = {"Accept": "application/problem+json"}
    yield live.create("problem details", 400, payment("x", bill_amt="0"), **problem)
    yield live.numbers("1112")
    yield live.check("no JSON", CREATE, 400, body=b"{", headers={"Content-Type": "application/json"})
    yield live.create("other key", 401, payment("x", public_key="A" * 43 + "="))
    yield live.numbers("101")
    yield live.create("reference used", 409, payment("order ü&=+1", bill_amt="12", webhook_url=url))
    yield live.numbers("5012")
    keyed = {"Idempotency-Key": '"key-1"'}
    yield live.create("with a key", 200, payment("keyed"), replayed=False, **keyed)
    yield live.create("with a key again", 200, payment("keyed"), replayed=True, **keyed)
    yield live.create("a key's other use", 422, payment("other"), **keyed)
    yield live.numbers("422")
    yield live.create("too large", 413, payment("x", fullname="x" * 70_000))
    yield live.check("no media type", CREATE, 415, body=b"x", headers={"Content-Type": "text/x"})

    yield from check_refunds(live, decided)
    yield from check_encrypted(live, gateway)
    yield from check_orders(live)
    for name in (first["transID"], decided):
        yield live.check("by number", STATUS, 200, path=f"/api/authurl/s2s/{name}")
    key = urllib.parse.urlencode({"public_key": PUBLIC_KEY})
    reference = urllib.parse.quote("order ü&=+1", safe="")
    yield live.check("by reference", STATUS, 200, path=f"/api/authurl/s2s/{reference}?{key}")
    yield "the same payment", [] if live.last["transID"] == first["transID"] else [str(live.last)]
    yield live.check("other key", STATUS, 401, path=f"/api/authurl/s2s/x?public_key={'A' * 43}=")
    yield live.check("unknown", STATUS, 404, path=f"/api/authurl/s2s/{UNKNOWN}")
    yield live.check("no number", STATUS, 404, path="/api/authurl/s2s/x")

    page = f"/api/authurl/{first['transID']}"
    yield live.check("waits", PAGE, 200, path=page)
    yield live.check("older name", OLDER_PAGE, 200, path=page.replace("url/", "url/auth_3ds/"))
    yield live.check("again", PAGE, 200, path=f"{page}?again=wrong")
    yield live.check("in the challenge", STATUS, 200, path=first["authstatus"][len(live.url):])
    yield "status 27", [] if live.last["order_status"] == "27" else [str(live.last)]
    yield live.check("another site", PAGE, 403, path=page, body=b"cancel=1",
                     headers={"Origin": "https://other.example"})
    yield live.check("no code", PAGE, 303, path=page, body=b"otp=")
    yield live.check("wrong code", PAGE, 303, path=page, body=b"otp=000000")
    yield live.check("too large", PAGE, 413, path=page, body=b"otp=" + b"1" * 5000)
    yield live.check("cancelled", PAGE, 303, path=page, body=b"cancel=1")
    yield live.check("decided", PAGE, 303, path=page)
    yield live.check("decided", RESULT, 200, path=f"{page}/result")
    yield live.check("unknown", RESULT, 404, path=f"/api/authurl/{UNKNOWN}/result")
    yield live.check("unknown", PAGE, 404, path=f"/api/authurl/{UNKNOWN}")

    # 405 and 404 belong to no operation; their shape is that of every error.
    error = {"$ref": "#/components/schemas/Error"}
    for path, expected in ((f"{CREATE}?ccno=4111111111111111", 405), ("/api/nowhere", 404)):
        status, _headers, text = send(live.url + path)
        wrong = [] if status == expected else [f"answered {status}"]
        yield f"GET {path} {expected}", wrong or problems_of(document, error, json.loads(text))
    for path, item in document["paths"].items():
        if "{" not in path and "get" in item and path not in (CREATE, METHODS, "/", *WITH_KEY):
            yield live.check("plain", path, 200)
    bearer = {"Authorization": f"Bearer {gateway.shown()['private_key']}"}
    yield live.check("its own key", BALANCE, 200, path=f"{BALANCE}?terNO=42", headers=bearer)
    yield live.check("no terminal", BALANCE, 400, path=BALANCE, headers=bearer)
    yield live.check("no key", BALANCE, 401, path=f"{BALANCE}?terNO=42")
    wrong = {"Authorization": f"Bearer {'A' * 43}="}
    yield live.check("other key", BALANCE, 401, path=f"{BALANCE}?terNO=42", headers=wrong)

    person = Person(gateway, "dev@shop.example", "developer")
    token = {"Authorization": f"Bearer {person.token('payments:read', 'balance:read')}"}
    yield live.check("all", PAYMENTS, 200, headers=token)
    listed = [payment["transID"] for payment in live.last["payments"]]
    yield "all are listed", [] if first["transID"] in listed else [str(listed)]
    page = f"{PAYMENTS}?state=approved&limit=1"
    yield live.check("one approved", PAYMENTS, 200, path=page, headers=token)
    yield live.check("wrong limit", PAYMENTS, 400, path=f"{PAYMENTS}?limit=0", headers=token)
    yield live.check("no token", PAYMENTS, 401)
    yield live.check("a token", BALANCE, 200, path=f"{BALANCE}?terNO=42", headers=token)
    log = f"{DELIVERIES}?terNO=42"
    yield live.check("a token without the scope", DELIVERIES, 403, path=log, headers=token)
    yield from check_webhook_calls(live, bearer)

    schema = document["webhooks"]["paymentDecided"]["post"]["requestBody"]
    schema = schema["content"]["application/json"]["schema"]
    # The approved one's, then those of its refunds, then the cancelled one's.
    for trans_id in (decided, decided, first["transID"]):
        body = receiver.webhook_of(trans_id)
        yield f"webhook {body['order_status']}", problems_of(document, schema, body)
    for _guess in range(40):
        live.check("guess", STATUS, 404, path=f"/api/authurl/s2s/{UNKNOWN}")
    yield live.check("guessing", STATUS, 429, path=f"/api/authurl/s2s/{UNKNOWN}")
    yield live.check("guessing", PAGE, 429, path=f"/api/authurl/{UNKNOWN}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", help="the gateway; else what TOLLGATE_BINARY names")
    binary = parser.parse_args().binary
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="tollgate-openapi-") as folder:
        gateway = Gateway(folder, binary)
        try:
            document = json.loads(send(f"{gateway.url}/openapi.json")[2])
            everything = [check_document(document), check_answers(document, gateway, Shop())]
            for checks in everything:
                for name, problems in checks:
                    passed += not problems
                    failed += bool(problems)
                    for problem in problems:
                        print(f"FAILED {name}: {problem}")
        except (OSError, ValueError, KeyError, queue.Empty) as error:
            failed += 1
            print(f"FAILED the checks broke off: {error!r}")
        finally:
            gateway.stop()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
