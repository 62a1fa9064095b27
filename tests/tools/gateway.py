"""A real gateway on fresh demo data, and a shop, for the tools that test from outside."""

import http.client
import http.server
import json
import os
import pathlib
import queue
import signal
import subprocess
import threading

PUBLIC_KEY = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ="


class Gateway:
    """Started in the folder given, and stopped at the end. The binary is the one named, else the
    one that TOLLGATE_BINARY names."""

    def __init__(self, folder, binary=None):
        # What the tests were told is no setting of the gateway.
        self.environment = dict(os.environ)
        named = self.environment.pop("TOLLGATE_BINARY", None)
        self.binary = binary or named or "tollgate"
        self.data = str(pathlib.Path(folder) / "data")
        self.process = subprocess.Popen(
            [self.binary, "serve", "--json", "--listen", "127.0.0.1:0", "--data-dir", self.data],
            stdout=subprocess.PIPE, text=True, env=self.environment,
        )
        line = self.process.stdout.readline()
        ready = json.loads(line) if line else {}
        assert ready.get("ready") is True, f"the gateway did not start: {line!r}"
        self.url = ready["url"].rstrip("/")

    def webhook_secret(self):
        """The demo terminal's."""
        return self.shown()["webhook_secrets"][0]

    def shown(self):
        """The demo terminal with its secrets."""
        shown = subprocess.run(
            [self.binary, "terminal", "show", "42", "--json", "--reveal", "--data-dir", self.data],
            check=True, capture_output=True, text=True, timeout=30, env=self.environment,
        )
        return json.loads(shown.stdout)

    def invited(self, email, role):
        """The link that somebody gets who is invited to the demo merchant."""
        invite = [self.binary, "user", "invite", "--merchant", "1", "--email", email, "--name", "Tester",
                  "--role", role, "--json", "--data-dir", self.data]
        told = subprocess.run(
            invite, check=True, capture_output=True, text=True, timeout=30, env=self.environment,
        )
        return json.loads(told.stdout)["link"]

    def rotate_keys(self):
        """Gives the demo terminal new keys and a new signing secret; the terminal with its secrets."""
        rotated = subprocess.run(
            [self.binary, "terminal", "rotate-keys", "42", "--json", "--reveal", "--data-dir",
             self.data],
            check=True, capture_output=True, text=True, timeout=30, env=self.environment,
        )
        return json.loads(rotated.stdout)

    def post(self, path, fields):
        """What it answers to these fields as JSON."""
        status, answer = self.asked("POST", path, json.dumps(fields), "application/json")
        assert status == 200, f"HTTP {status}: {answer}"
        return json.loads(answer)

    def get(self, path):
        """What it answers there."""
        status, answer = self.asked("GET", path)
        assert status == 200, f"HTTP {status}: {answer}"
        return json.loads(answer)

    def form(self, path, body):
        """The HTTP status of the answer to a form."""
        return self.asked("POST", path, body, "application/x-www-form-urlencoded")[0]

    def asked(self, method, path, body=None, content_type=None, private_key=None):
        """(HTTP status, body) of one request on a connection of its own."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=60)
        headers = {"Content-Type": content_type} if body else {}
        if private_key:
            headers["Authorization"] = f"Bearer {private_key}"
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        told = answer.status, answer.read().decode()
        connection.close()
        return told

    def encrypted(self, query):
        """The query string as the demo terminal's merchant sends it encrypted."""
        made = subprocess.run(
            [self.binary, "terminal", "encrypt", "42", "-", "--data-dir", self.data], input=query,
            check=True, capture_output=True, text=True, timeout=30, env=self.environment,
        )
        return made.stdout.strip()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Shop(http.server.ThreadingHTTPServer):
    """Keeps the webhooks it gets, headers and bytes."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), ShopHandler)
        self.answer = 204
        self.webhooks = queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def webhook_of(self, trans_id):
        """The body of the next webhook that tells of this payment."""
        while True:
            _headers, body = self.webhooks.get(timeout=20)
            told = json.loads(body)
            if told["transID"] == trans_id:
                return told


class ShopHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.webhooks.put((dict(self.headers), body))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_):
        pass


def payment(reference, **changes):
    """A request that passes; a change to None leaves the field out."""
    fields = {
        "public_key": PUBLIC_KEY, "terNO": 42, "integration-type": "s2s", "bill_amt": "11.11",
        "bill_currency": "USD", "product_name": "Testing Product", "reference": reference,
        "webhook_url": "http://127.0.0.1:9/webhook", "return_url": "https://shop.example/return",
        "bill_ip": "198.51.100.7", "mop": "CC", "ccno": "4111111111111111", "ccvv": "123",
        "month": "12", "year": "2040", **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}
