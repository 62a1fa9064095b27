#!/usr/bin/env python3
"""Whether a webhook can be made to reach what it must not, shown by counting packets. Needs root
(network namespaces, nftables).

The gateway runs in a network namespace whose only way out leads to an outside world that answers at
every address there is, so that a forbidden address that is dialled would be reached. nftables counts
what the gateway sends to each forbidden network. Addresses in every spelling, names that mean
something else each time they are asked for, and redirects are the webhook_url of real payments; the
counters must stay at 0. As a control, the same counters must count when there is something to
count: plain connections, and a gateway that may dial private addresses."""

import collections
import http.client
import http.server
import ipaddress
import json
import os
import pathlib
import re
import signal
import socket
import socketserver
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
from gateway import payment  # noqa: E402

# What the gateway sends is told from what the test sends by the group it runs as.
GROUP = 65533
OURS, OURS6 = "11.22.33.44", "2606:4700:1234::44"
SHOP, SHOP6 = "11.22.33.5", "2606:4700:1234::5"
NAMES = "11.22.33.53"
BACK_DOOR = ("11.22.33.1", 9999)
PORT = 9003
# Here something listens at every address outside, and on the gateway's own machine.
LISTENING = [22, 25, 80, 443, 5432, 6379, 8080]
CLOSED = 6380

FORBIDDEN = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "::1/128", "::7f00:0/104",
    "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
    "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
]

URLS = [
    # IPv4 in the spellings that browsers, resolvers and inet_aton know.
    "http://127.0.0.1:{p}/", "http://127.0.0.2:{p}/", "http://127.255.255.254:{p}/", "http://127.1:{p}/",
    "http://127.0.1:{p}/", "http://0x7f000001:{p}/", "http://0x7f.1:{p}/", "http://0x7F.0x0.0x0.0x1:{p}/",
    "http://2130706433:{p}/", "http://017700000001:{p}/", "http://0177.0.0.1:{p}/", "http://0177.1:{p}/",
    "http://00000177.0.0.1:{p}/", "http://127.0.0.1.:{p}/", "http://127.000.000.001:{p}/",
    "http://①②⑦.⓪.⓪.①:{p}/", "http://127。0。0。1:{p}/", "http://１２７.0.0.1:{p}/",
    "http://%31%32%37.0.0.1:{p}/", "http://127%2e0%2e0%2e1:{p}/", "http://127.0.0.1%00.shop.test:{p}/",
    "http://0:{p}/", "http://0.0.0.0:{p}/", "http://0.1.2.3:{p}/", "http://00:{p}/", "http://0x0:{p}/",
    # Names of this machine.
    "http://localhost:{p}/", "http://LOCALHOST:{p}/", "http://localhost.:{p}/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{p}/",
    "http://sub.localhost:{p}/", "http://ip6-localhost:{p}/", "http://localhost.localdomain:{p}/",
    # IPv6, and IPv4 inside it.
    "http://[::1]:{p}/", "http://[0:0:0:0:0:0:0:1]:{p}/", "http://[::]:{p}/", "http://[0000::0001]:{p}/",
    "http://[::ffff:127.0.0.1]:{p}/", "http://[::ffff:7f00:1]:{p}/", "http://[::FFFF:10.0.0.1]:{p}/",
    "http://[0:0:0:0:0:ffff:7f00:0001]:{p}/", "http://[::127.0.0.1]:{p}/", "http://[::ffff:0:127.0.0.1]:{p}/",
    "http://[64:ff9b::7f00:1]:{p}/", "http://[64:ff9b::10.0.0.1]:{p}/", "http://[64:ff9b:1::a00:1]:{p}/",
    "http://[2002:7f00:1::]:{p}/", "http://[2002:a00:1::1]:{p}/", "http://[2002:a9fe:a9fe::]:{p}/",
    "http://[2001:0:7f00:1::]:{p}/", "http://[2001:0:4136:e378:8000:63bf:f5ff:fffe]:{p}/",
    "http://[fc00::1]:{p}/", "http://[fd00::1]:{p}/", "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fe80::1]:{p}/", "http://[fe80::1%25v0]:{p}/", "http://[fe80::1%v0]:{p}/", "http://[fec0::1]:{p}/",
    "http://[ff02::1]:{p}/", "http://[100::1]:{p}/", "http://[5f00::1]:{p}/", "http://[3fff::1]:{p}/",
    "http://[2001:db8::1]:{p}/", "http://[2001:2::1]:{p}/", "http://[::1%25lo]:{p}/",
    # Networks that are nobody's business.
    "http://10.0.0.1:{p}/", "http://10.255.255.255:{p}/", "http://012.0.0.1:{p}/", "http://167772161:{p}/",
    "http://172.16.0.1:{p}/", "http://172.31.255.254:{p}/", "http://192.168.0.1:{p}/", "http://192.168.1.1/",
    "http://100.64.0.1:{p}/", "http://100.127.255.254:{p}/", "http://192.0.0.1:{p}/", "http://192.0.2.1:{p}/",
    "http://192.88.99.1:{p}/", "http://198.18.0.1:{p}/", "http://198.51.100.1:{p}/", "http://203.0.113.1:{p}/",
    "http://224.0.0.1:{p}/", "http://239.255.255.250:1900/", "http://240.0.0.1:{p}/", "http://255.255.255.255:{p}/",
    # Where clouds keep credentials.
    "http://169.254.169.254/latest/meta-data/", "http://2852039166/latest/meta-data/",
    "http://0xA9FEA9FE/", "http://0251.0376.0251.0376/", "http://169.254.43518/", "http://[::ffff:a9fe:a9fe]/",
    "http://169.254.170.2/v2/credentials/", "http://metadata.test/computeMetadata/v1/", "http://100.100.100.200/",
    # User info, and addresses that two readers may read differently.
    "http://shop.test@127.0.0.1:{p}/", "http://127.0.0.1:{p}@10.0.0.1/", "http://shop.test:80@[::1]/",
    "http://127.0.0.1:{p}\\@shop.test/", "http://127.0.0.1:{p}#@shop.test/", "http:127.0.0.1:{p}/",
    "http:///127.0.0.1:{p}/", "http://127.0.0.1:{p}?@shop.test/", "//127.0.0.1:{p}/", "http://[::1/",
    # Other things than http.
    "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "ftp://127.0.0.1/", "dict://127.0.0.1:6379/",
    "ldap://127.0.0.1/", "jar:http://127.0.0.1!/", "unix:/run/x.sock",
    # Services.
    *[f"http://127.0.0.1:{port}/" for port in (22, 25, 5432, 6379)],
    *[f"http://{SHOP}:{port}/" for port in (22, 25)], "http://shop.test:25/", f"http://[{SHOP6}]:22/",
    # The gateway itself, and its machine by its public address.
    f"http://127.0.0.1:{PORT}/api/s2s", f"http://localhost:{PORT}/", f"http://[::1]:{PORT}/metrics",
    f"http://{OURS}:{PORT}/api/s2s", f"http://[{OURS6}]:{PORT}/", f"http://{OURS}:6379/", "http://ours.test:5432/",
    # Names that lead inside.
    *[f"http://{name}.test:{{p}}/" for name in ("inside", "chain", "mapped", "nat64", "six", "all-inside")],
]
# What an outcome looks like for all of them.
REFUSED = "the address is not allowed"

# A name's addresses; another name stands for CNAME. Asked for again, `rebind` names mean the next.
ZONE = {
    "shop": [SHOP, SHOP6], "ours": [OURS, OURS6], "inside": ["10.0.0.5"], "six": ["::1", "fd00::5"],
    "chain": ["inside"], "metadata": ["169.254.169.254"], "mapped": ["::ffff:127.0.0.1"],
    "nat64": ["64:ff9b::a00:5"], "all-inside": ["10.0.0.5", "127.0.0.1", "::1", "192.168.0.1"],
    "mixed": ["10.0.0.7", "127.0.0.1", SHOP, "169.254.169.254", "::1", "fd00::7"],
}
REBIND = [
    [SHOP], ["127.0.0.1"], [SHOP, "10.0.0.9"], ["10.0.0.9"], [SHOP6], ["::1"], ["inside"], [SHOP],
    ["169.254.169.254"], [SHOP6, "fd00::9"], ["::ffff:10.0.0.9"], ["192.168.0.9", SHOP],
]


class Names(socketserver.BaseRequestHandler):
    """A name server, TTL 0."""

    asked, turns, lock = collections.Counter(), collections.Counter(), threading.Lock()

    def handle(self):
        question, reply = self.request
        labels, place = [], 12
        while question[place]:
            labels.append(question[place + 1 : place + 1 + question[place]].decode(errors="replace").lower())
            place += 1 + question[place]
        kind = int.from_bytes(question[place + 1 : place + 3], "big")
        answers = self.found(labels, kind)
        parts = []
        for name, value in answers or []:
            if value in ZONE:
                what, data = 5, wire([value, "test"])
            else:
                address = ipaddress.ip_address(value)
                what, data = (1 if address.version == 4 else 28), address.packed
            head = what.to_bytes(2, "big") + b"\0\x01" + bytes(4) + len(data).to_bytes(2, "big")
            parts.append(wire(name) + head + data)
        flags = b"\x85\x80" if answers is not None else b"\x85\x83"
        counts = b"\0\x01" + len(parts).to_bytes(2, "big") + bytes(4)
        reply.sendto(question[:2] + flags + counts + question[12 : place + 5] + b"".join(parts), self.client_address)

    def found(self, labels, kind):
        """Pairs of name and address, or other name; None for a name that there is not."""
        if labels[-1:] == ["localhost"]:
            values = ["127.0.0.1", "::1"]
        elif labels[-2:] == ["rebind", "test"]:
            with self.lock:
                # Each kind of question about a name goes round by itself.
                key = (tuple(labels), kind)
                start = sum(map(ord, labels[0]))
                values = REBIND[(start + self.turns[key] * 5) % len(REBIND)]
                self.turns[key] += 1
                self.asked["rebind"] += 1
        elif len(labels) == 2 and labels[1] == "test" and labels[0] in ZONE:
            values = ZONE[labels[0]]
        else:
            return None
        pairs = []
        for value in values:
            if value in ZONE:
                pairs += [(labels, value)] + [((value, "test"), v) for v in ZONE[value]]
            else:
                pairs.append((labels, value))
        right = {1: 4, 28: 6}.get(kind)
        return [p for p in pairs if p[1] in ZONE or ipaddress.ip_address(p[1]).version == right]


def wire(labels):
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


class UdpServer(socketserver.ThreadingUDPServer):
    allow_reuse_address, daemon_threads, max_packet_size = True, True, 4096


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes every webhook; `/redirect/30x` sends it on to an address inside."""

    reached, lock = collections.Counter(), threading.Lock()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.lock:
            self.reached[self.connection.getsockname()[0].removeprefix("::ffff:")] += 1
        redirect = re.match(r"/redirect/(\d+)", self.path)
        self.send_response(int(redirect[1]) if redirect else 200)
        if redirect:
            self.send_header("Location", "http://10.0.0.1/inside")
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *_):
        pass


class Everywhere(http.server.ThreadingHTTPServer):
    address_family, request_queue_size, daemon_threads = socket.AF_INET6, 512, True


class BackDoor(http.server.BaseHTTPRequestHandler):
    """Tells the test what the outside world saw."""

    def do_GET(self):
        text = json.dumps({"reached": Receiver.reached, "asked": Names.asked["rebind"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    log_message = Receiver.log_message


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def outside():
    """The world: everything that comes in is at home here, whatever address it is for."""
    print("ready", flush=True)
    sys.stdin.readline()  # the link has been moved here
    ip("link", "set", "lo", "up")
    ip("link", "set", "v1", "up")
    for address in ("11.22.33.1/24", f"{SHOP}/24", f"{NAMES}/24"):
        ip("addr", "add", address, "dev", "v1")
    for address in ("2606:4700:1234::1/64", f"{SHOP6}/64"):
        ip("addr", "add", address, "dev", "v1", "nodad")
    for network in map(ipaddress.ip_network, FORBIDDEN):
        # Others cannot be a destination of TCP.
        if network.version == 4 and not network.is_multicast and not network.is_loopback:
            ip("route", "add", "local", str(network), "dev", "lo")
    # Of IPv6 all there is at once; IPv4 would then not find back.
    ip("-6", "rule", "add", "iif", "v1", "lookup", "100")
    ip("-6", "route", "add", "local", "default", "dev", "lo", "table", "100")
    servers = [Everywhere(("::", port), Receiver) for port in LISTENING]
    servers += [UdpServer((NAMES, 53), Names), http.server.ThreadingHTTPServer(BACK_DOOR, BackDoor)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()  # to its end, when the test has ended


class Outside:
    def __init__(self):
        self.process = subprocess.Popen(
            ["unshare", "--net", sys.executable, __file__, "--outside"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        assert self.process.stdout.readline() == "ready\n"
        ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
        ip("link", "set", "v1", "netns", str(self.process.pid))
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "ready\n"
        ip("link", "set", "lo", "up")
        ip("link", "set", "v0", "up")
        ip("addr", "add", f"{OURS}/24", "dev", "v0")
        ip("addr", "add", f"{OURS6}/64", "dev", "v0", "nodad")
        ip("route", "add", "default", "via", "11.22.33.1")
        ip("-6", "route", "add", "default", "via", "2606:4700:1234::1")

    def told(self):
        connection = http.client.HTTPConnection(*BACK_DOOR, timeout=10)
        connection.request("GET", "/")
        return json.loads(connection.getresponse().read())

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


def own_files(folder):
    """The resolver of this namespace."""
    files = {
        "resolv.conf": f"nameserver {NAMES}\noptions timeout:1 attempts:2\n",
        "hosts": "127.0.0.1 localhost localhost.localdomain\n::1 localhost ip6-localhost\n",
        "nsswitch.conf": "hosts: files dns\n",
    }
    for name, text in files.items():
        path = folder / name
        path.write_text(text)
        place = pathlib.Path("/etc") / name
        place.touch()
        subprocess.run(["mount", "--bind", path, place.resolve()], check=True)


class Counters:
    """What the gateway's group sends to each forbidden network, and to this machine's own public
    addresses. Beginnings of TCP connections, and anything at all by UDP."""

    def __init__(self):
        self.networks = FORBIDDEN + [OURS, OURS6]
        rules = ["table inet ssrf {"]
        rules += [f"counter c{number} {{}}" for number in range(len(self.networks))]
        rules.append("chain out { type filter hook output priority 0;")
        rules.append(f"meta skgid != {GROUP} accept")
        for number, network in enumerate(self.networks):
            family = "ip6" if ":" in network else "ip"
            for what in ("tcp flags & (syn | ack) == syn", "meta l4proto udp"):
                rules.append(f'{family} daddr {network} {what} counter name "c{number}"')
        rules += ["}", "}"]
        subprocess.run(["nft", "-f", "-"], input="\n".join(rules), text=True, check=True)

    def read(self):
        told = subprocess.run(["nft", "-j", "list", "counters"], check=True, capture_output=True)
        counted = {}
        for entry in json.loads(told.stdout)["nftables"]:
            if "counter" in entry:
                counter = entry["counter"]
                counted[self.networks[int(counter["name"][1:])]] = counter["packets"]
        assert len(counted) == len(self.networks)
        return counted

    def reset(self):
        subprocess.run(["nft", "reset", "counters"], check=True, capture_output=True)

    def nonzero(self):
        return {network: count for network, count in self.read().items() if count}


class Gateway:
    def __init__(self, folder, **settings):
        self.data, self.log = folder / "data", folder / "log"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TOLLGATE_")}
        environment |= {f"TOLLGATE_{name}": value for name, value in settings.items()}
        self.process = subprocess.Popen(
            [os.environ["TOLLGATE_BINARY"], "serve", "--json", "--listen", f"[::]:{PORT}", "--data-dir", self.data],
            stdout=subprocess.PIPE, stderr=open(self.log, "w"), text=True, env=environment, group=GROUP, extra_groups=[],
        )
        line = self.process.stdout.readline()
        assert line, f"the gateway did not start: {self.log.read_text()}"
        self.http = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)

    def shops(self, count):
        """Terminals of so many merchants, as fields of payments. A place that fails five times in a row
        is left alone for a while, for each merchant by itself."""

        def run(*arguments):
            command = [os.environ["TOLLGATE_BINARY"], *arguments, "--json", "--data-dir", self.data]
            return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

        for number in range(count):
            merchant = run("merchant", "add", "--name", f"Shop {number}")["merchant"]
            terminal = run("terminal", "add", "--merchant", str(merchant), "--name", "Web shop")
            yield {"terNO": terminal["ter_no"], "public_key": terminal["public_key"]}

    def pay(self, reference, url, **shop):
        """The status and body of the answer to a payment that is decided at once."""
        body = json.dumps(payment(reference, webhook_url=url, ccno="4012000033330026", **shop))
        self.http.request("POST", "/api/s2s", body, {"content-type": "application/json"})
        answer = self.http.getresponse()
        return answer.status, json.loads(answer.read())

    def deliveries(self):
        """Address, attempts, seconds from the decision to the attempt, status, error: a line each."""
        database = sqlite3.connect(f"file:{self.data}/tollgate.db?mode=ro", uri=True, timeout=10)
        try:
            return database.execute(
                "SELECT url, attempts, (last_at - created_at) / 1e6, last_status, last_error FROM deliveries"
            ).fetchall()
        finally:
            database.close()

    def attempted(self):
        """The same when every delivery was attempted."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            lines = self.deliveries()
            if all(attempts for _url, attempts, *_rest in lines):
                return lines
            time.sleep(0.2)
        raise AssertionError(f"not attempted: {[line[0] for line in lines if not line[1]]}")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)


def with_gateway(**settings):
    """A test's function gets a gateway of its own, and says what is wrong."""

    def decorate(test):
        def run(world, counters):
            with tempfile.TemporaryDirectory(prefix="tollgate-ssrf-") as folder:
                gateway = Gateway(pathlib.Path(folder), **settings)
                try:
                    return list(test(gateway, world, counters))
                finally:
                    gateway.end()

        return run

    return decorate


CLOSED_WORLD = {"WEBHOOKS_ALLOW_PRIVATE": "false"}


@with_gateway(**CLOSED_WORLD, LOG_LEVEL="debug")
def addresses(gateway, world, counters):
    """Every spelling of a forbidden address is refused, here or at the dial, and nothing is sent."""
    urls = [url.format(p=8080) for url in URLS]
    if len(set(urls)) < 80:
        yield f"only {len(set(urls))} addresses"
    refused = 0
    shops = list(gateway.shops(8))
    for number, url in enumerate(urls):
        status, body = gateway.pay(f"address {number}", url, **shops[number % len(shops)])
        if status == 400 and [error["field"] for error in body["errors"]] == ["webhook_url"]:
            refused += 1
        elif status != 200:
            yield f"{url}: {status} {body}"
    lines = gateway.attempted()
    print(f"{len(urls)} addresses, {refused} refused at once, {len(lines)} at the dial")
    if refused + len(lines) != len(urls):
        yield f"{len(urls)} addresses gave {refused} refusals and {len(lines)} deliveries"
    for url, _attempts, _took, status, error in lines:
        # What these name is the shop, in whatever way it is written.
        if status is not None or error != REFUSED:
            yield f"{url}: {status} {error}"
    told = [line for line in gateway.log.read_text().splitlines() if "is not dialled" in line]
    if not any("169.254.169.254:80" in line and "a link-local address" in line for line in told):
        yield f"the operator is not told why: {told[:2]}"
    yield from nothing_was_sent(counters)


@with_gateway(**CLOSED_WORLD)
def rebinding(gateway, world, counters):
    """Names whose meaning changes with every question: the judged address is dialled or none."""
    before = world.told()
    for number in range(600):
        gateway.pay(f"rebind {number}", f"http://n{number}.rebind.test/")
    for number in range(20):
        gateway.pay(f"mixed {number}", f"http://mixed.test/hook{number}")
    lines = gateway.attempted()
    told = world.told()
    asked = told["asked"] - before["asked"]
    delivered = sum(1 for line in lines if line[3] == 200)
    print(f"{asked} questions, {delivered} of {len(lines)} delivered, reached {told['reached']}")
    if asked < 1000:
        yield f"only {asked} questions"
    if set(told["reached"]) != {SHOP, SHOP6}:
        yield f"reached {told['reached']}"
    if not 150 < delivered < 450:
        yield f"{delivered} were delivered: names do not alternate"
    if any(line[3] != 200 for line in lines if "mixed" in line[0]):
        yield "an address that is allowed was not dialled because of others beside it"
    errors = {line[4] for line in lines if line[4]}
    if errors != {REFUSED}:
        yield f"errors {errors}"
    yield from nothing_was_sent(counters)


@with_gateway(**CLOSED_WORLD)
def redirects(gateway, world, counters):
    """Redirects to inside are answers, and are not followed."""
    statuses = (301, 302, 303, 307, 308)
    for status in statuses:
        gateway.pay(f"redirect {status}", f"http://shop.test/redirect/{status}")
    lines = gateway.attempted()
    if sorted(line[3] for line in lines) != list(statuses):
        yield f"answers {lines}"
    yield from nothing_was_sent(counters)


@with_gateway(**CLOSED_WORLD)
def times(gateway, world, counters):
    """How long a refusal takes does not tell whether anything listens."""
    places = ("127.0.0.1:6379", f"127.0.0.1:{CLOSED}", "10.9.9.9", "inside.test")
    kinds = {f"http://{place}/": [] for place in places}
    shops = list(gateway.shops(8))
    for number in range(25):
        for kind in kinds:
            gateway.pay(f"time {kind} {number}", f"{kind}{number}", **shops[number % len(shops)])
            time.sleep(0.01)
    for url, attempts, took, _status, _error in gateway.attempted():
        if attempts == 1:
            kinds[url.rsplit("/", 1)[0] + "/"].append(took)
    medians = {kind: statistics.median(took) for kind, took in kinds.items()}
    print({kind: f"{1000 * median:.1f} ms" for kind, median in medians.items()})
    if max(medians.values()) - min(medians.values()) >= 0.05:
        yield f"{medians}"
    yield from nothing_was_sent(counters)


def nothing_was_sent(counters):
    sent = counters.nonzero()
    if sent:
        yield f"packets went to {sent}"


@with_gateway(WEBHOOKS_ALLOW="10.1.2.0/24, *.test:80", WEBHOOKS_DENY="10.1.2.9, mixed.test")
def lists(gateway, world, counters):
    """An operator's lists: a private network opens, the rest of the world is shut, deny wins."""
    # In demo data private addresses are open; the lists shut what they do not name all the same.
    expected = {
        "http://10.1.2.3/": True, "http://[::ffff:a01:204]:8080/": True, "http://shop.test/": True,
        "http://10.1.3.3/": False, "http://10.1.2.9/": False, "http://[::ffff:a01:209]/": False,
        "http://mixed.test/": False, "http://mixed.test./": False, "http://shop.test:8080/": False,
        f"http://{SHOP}/": False, "http://127.0.0.1:6379/": False, "http://metadata.test/": False,
    }
    for number, url in enumerate(expected):
        gateway.pay(f"list {number}", url)
    found = {url: status for url, _attempts, _took, status, _error in gateway.attempted()}
    if len(found) != len(expected):
        yield f"{len(found)} deliveries"
    for url, is_open in expected.items():
        status = found.get(url, "none")
        if (status == 200) != is_open:
            yield f"{url}: {status}"
    if counters.nonzero() != {"10.0.0.0/8": 2}:
        yield f"{counters.nonzero()}"


@with_gateway(WEBHOOKS_ALLOW_PRIVATE="true")
def control_gateway(gateway, world, counters):
    """The counters count what a gateway sends that may dial private addresses."""
    networks = {"10.0.0.0/8": "10.0.0.1", "192.168.0.0/16": "192.168.0.1", "100.64.0.0/10": "100.64.0.1",
                "127.0.0.0/8": "127.0.0.1", "fc00::/7": "[fd00::1]", OURS: OURS}
    for number, address in enumerate(networks.values()):
        gateway.pay(f"control {number}", f"http://{address}:8080/")
    for url, _attempts, _took, status, error in gateway.attempted():
        if status != 200:
            yield f"{url}: {status} {error}"
    counted = counters.nonzero()
    for network in networks:
        if network not in counted:
            yield f"{network} was reached and not counted"
    reached = world.told()["reached"]
    if not reached.get("10.0.0.1") or not reached.get("fd00::1"):
        yield f"the outside world does not answer at every address: {reached}"


CONNECT = """
import socket, sys
for address in sys.argv[1:]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            with socket.socket(family, kind) as plain:
                plain.settimeout(0.2)
                plain.connect(socket.getaddrinfo(address, 8080, family, kind)[0][4])
                plain.send(b"x")
        except OSError:
            pass
"""


def control_plain(world, counters):
    """The counters count plain connections, or datagrams, to every forbidden network."""
    addresses = {}
    for network in counters.networks:
        inside_it = ipaddress.ip_network(network)
        address = str(inside_it[min(1, inside_it.num_addresses - 1)])
        addresses[network] = address
    # These need a link to be sent to.
    addresses |= {"fe80::/10": "fe80::1%v0", "ff00::/8": "ff02::1%v0"}
    subprocess.run([sys.executable, "-c", CONNECT, *addresses.values()], check=True, group=GROUP, extra_groups=[], timeout=60)
    counted = counters.nonzero()
    return [f"{network} is not counted" for network in counters.networks if network not in counted]


def inside():
    with tempfile.TemporaryDirectory(prefix="tollgate-ssrf-") as folder:
        own_files(pathlib.Path(folder))
        world = Outside()
        for port in LISTENING:
            server = Everywhere(("::", port), Receiver)
            threading.Thread(target=server.serve_forever, daemon=True).start()
        counters = Counters()
        tests = [addresses, rebinding, redirects, times, lists, control_gateway, control_plain]
        names = ["addresses", "rebinding", "redirects", "times", "lists", "control: a gateway", "control: plain connections"]
        failed = 0
        for name, test in zip(names, tests, strict=True):
            began = time.monotonic()
            counters.reset()
            problems = test(world, counters)
            failed += bool(problems)
            word = "FAILED" if problems else "ok"
            print(f"{word} {name} ({time.monotonic() - began:.1f} s)", *problems[:10], sep="\n  ", flush=True)
        world.end()
        print(f"{len(tests) - failed} passed, {failed} failed")
        return 1 if failed else 0


def main():
    if sys.argv[1:] == ["--outside"]:
        return outside()
    if sys.argv[1:] == ["--inside"]:
        return inside()
    if os.geteuid() != 0:
        raise SystemExit("this test needs root: it makes network namespaces and counts packets")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    command = ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, __file__, "--inside"]
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
