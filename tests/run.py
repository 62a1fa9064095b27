#!/usr/bin/env python3
"""Installs what the tests need, then runs them all: formatting, lints, Rust tests, code samples in
eight languages, webhooks before independent libraries, the OpenAPI document, UPI's texts, the pages in a real browser, durability, packets to
where webhooks must not go, documentation.

Needs Rust, git and Python; everything else it installs itself (Debian packages, npm and PyPI
packages). The last line is `N passed, N failed`, and the exit code is 1 if anything failed."""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "test-output"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
VENV = TARGET / "test-venv"
BROWSER = ROOT / "tests" / "browser"
WEBHOOKS = ROOT / "tests" / "webhooks"
TIMEOUT = 600
LONG_TIMEOUT = 7200
BINARY = TARGET / "debug" / "tollgate"
EXAMPLES = TARGET / "debug" / "examples"
# What shows that no money is lost or taken twice, and that no address is reached that must not be,
# gets no second try: there, failing once is a fault.
NO_SECOND_TRY = re.compile("kill|crash|simulat|audit|verify|canar|durab|ssrf|lost|double|money|ledger|race|archiv")


class Results:
    def __init__(self):
        self.done = []  # (name, passed, seconds)
        self.unsteady = []  # names of those that passed at the second try
        self.lock = threading.Lock()

    def add(self, name, passed, seconds, output=""):
        with self.lock:
            self.done.append((name, passed, seconds))
            if not passed:
                print(f"FAILED {name} ({seconds:.1f} s)\n{output[-8000:]}\n", flush=True)

    def add_unsteady(self, name, seconds, output):
        """It failed beside the others, and passed when it ran again alone."""
        with self.lock:
            self.unsteady.append(name)
            print(f"UNSTEADY {name}: its first try failed\n{output[-8000:]}\n", flush=True)
        self.add(name, True, seconds)

    def finish(self):
        print("\nSlowest tests:")
        for name, _passed, seconds in sorted(self.done, key=lambda one: -one[2])[:15]:
            print(f"  {seconds:7.1f} s  {name}")
        failed = [name for name, passed, _seconds in self.done if not passed]
        for name in self.unsteady:
            print(f"  passed at the second try only, to be mended: {name}")
        for name in failed:
            print(f"  failed: {name}")
        print(f"{len(self.done) - len(failed)} passed, {len(failed)} failed", flush=True)
        return 1 if failed or not self.done else 0


def say(text):
    print(f"== {text}", flush=True)


def run(command, cwd=ROOT, env=None, timeout=None):
    """Runs a command; returns (exit code, what it printed)."""
    full = {**os.environ, **(env or {})}
    try:
        done = subprocess.run(
            [str(part) for part in command], cwd=cwd, env=full, timeout=timeout,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
    except subprocess.TimeoutExpired as error:
        return 124, (error.stdout or b"").decode(errors="replace") + "\n(timed out)"
    except FileNotFoundError as error:
        return 127, str(error)
    return done.returncode, done.stdout.decode(errors="replace")


def step(results, name, command, **options):
    say(name)
    began = time.monotonic()
    code, output = run(command, **options)
    results.add(name, code == 0, time.monotonic() - began, output)
    return code == 0


def must(command, **options):
    code, output = run(command, **options)
    if code != 0:
        raise SystemExit(f"could not run {' '.join(map(str, command))}:\n{output[-4000:]}")
    return output


def works(*command):
    return run(command)[0] == 0


def has_font(language):
    """Whether a font has this language's letters."""
    if not shutil.which("fc-list"):
        return False
    return bool(subprocess.run(["fc-list", f":lang={language}"], capture_output=True, text=True).stdout)


def install_packages():
    """Debian packages, only those whose command does not work yet."""
    wanted = {
        "cc": (["gcc", "libc6-dev"], lambda: bool(shutil.which("cc"))),
        "curl": (["curl"], lambda: bool(shutil.which("curl"))),
        "openssl": (["openssl"], lambda: bool(shutil.which("openssl"))),
        "gdb": (["gdb"], lambda: bool(shutil.which("gcore"))),
        "postgresql": (["postgresql"], lambda: bool(shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")))),
        "chromium": (["chromium"], lambda: bool(shutil.which("chromium"))),
        "node": (["nodejs", "npm"], lambda: bool(shutil.which("node") and shutil.which("npm"))),
        "php": (["php-cli", "php-curl"], lambda: works("php", "-r", "exit(extension_loaded('curl') ? 0 : 1);")),
        "java": (["openjdk-17-jdk-headless"], lambda: bool(shutil.which("javac"))),
        "mono": (["mono-mcs", "mono-runtime", "libmono-system-net-http4.0-cil", "ca-certificates-mono"],
                 lambda: bool(shutil.which("mcs") and shutil.which("mono"))),
        "strace": (["strace"], lambda: bool(shutil.which("strace"))),
        "mkfs.ext4": (["e2fsprogs", "mount"], lambda: bool(shutil.which("mkfs.ext4", path="/usr/sbin:/sbin:/usr/bin"))),
        "nft": (["nftables"], lambda: bool(shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin"))),
        "ip": (["iproute2"], lambda: bool(shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin"))),
        "zbarimg": (["zbar-tools"], lambda: bool(shutil.which("zbarimg"))),
        "rsvg-convert": (["librsvg2-bin"], lambda: bool(shutil.which("rsvg-convert"))),
        # Pages in Hindi and Chinese are looked at, and measured, in their own letters.
        "fonts": (["fontconfig", "fonts-lohit-deva", "fonts-wqy-microhei"], lambda: has_font("hi") and has_font("zh-cn")),
        "venv": (["python3-venv"], lambda: works(sys.executable, "-c", "import ensurepip, venv")),
    }
    extra = ROOT / "tests" / "samples" / "packages.txt"
    missing = [package for packages, there in wanted.values() if not there() for package in packages]
    if extra.is_file():
        names = [line.strip() for line in extra.read_text().splitlines()]
        names = [name for name in names if name and not name.startswith("#")]
        missing += [name for name in names if not works("dpkg", "-s", name)]
    if not missing:
        return
    missing = sorted(set(missing))
    say("installing " + " ".join(missing))
    root = [] if os.geteuid() == 0 else ["sudo"]
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    must(root + ["apt-get", "update"], env=env)
    must(root + ["apt-get", "install", "-y", "--no-install-recommends", *missing], env=env)


def install_tools():
    if not (VENV / "bin" / "python").is_file():
        must([sys.executable, "-m", "venv", VENV])
    requirements = ROOT / "tests" / "tools" / "requirements.txt"
    stamp = VENV / "requirements.txt"
    if requirements.is_file() and (not stamp.is_file() or stamp.read_text() != requirements.read_text()):
        say("installing Python tools")
        must([VENV / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements])
        shutil.copy(requirements, stamp)
    for folder in (BROWSER, WEBHOOKS):
        lock = folder / "package-lock.json"
        stamp = folder / "node_modules" / ".installed-lock.json"
        if lock.is_file() and (not stamp.is_file() or stamp.read_text() != lock.read_text()):
            say(f"installing npm tools for tests/{folder.name}")
            must(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, env={"PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"})
            shutil.copy(lock, stamp)


def build_tests():
    """Builds all tests and the binary; returns the test executables with their folders."""
    say("building")
    code, output = run(["cargo", "test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"])
    if code != 0:
        return None, output
    found = []
    for line in output.splitlines():
        if not line.startswith("{"):
            continue
        message = json.loads(line)
        if message.get("reason") == "compiler-artifact" and message.get("executable") and message["profile"]["test"]:
            found.append((message["target"]["name"], message["executable"], Path(message["manifest_path"]).parent))
    return found, output


def rust_tests(results, word):
    executables, output = build_tests()
    if executables is None:
        results.add("cargo test --no-run", False, 0, output)
        return
    tests = []
    for name, executable, folder in executables:
        listed = must([executable, "--list", "--format", "terse"], cwd=folder)
        for line in listed.splitlines():
            test, _, kind = line.rpartition(": ")
            if kind == "test" and word in f"{name}::{test}":
                tests.append((f"{name}::{test}", executable, test, folder))
    # The long ones first, so that they do not run alone at the end.
    tests.sort(key=lambda one: "::long_" not in one[0])
    say(f"{len(tests)} Rust tests")

    def one(test):
        _name, executable, exact, folder = test
        began = time.monotonic()
        env = {"CARGO_MANIFEST_DIR": str(folder)}
        limit = LONG_TIMEOUT if "LONG_TESTS" in os.environ else TIMEOUT
        code, output = run([executable, "--exact", exact, "--nocapture"], cwd=folder, env=env, timeout=limit)
        return code == 0, time.monotonic() - began, output

    again = []  # (test, output of its first try)

    def first(test):
        passed, seconds, output = one(test)
        if passed or NO_SECOND_TRY.search(test[0]):
            results.add(test[0], passed, seconds, output)
        else:
            again.append((test, output))

    with concurrent.futures.ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        list(pool.map(first, tests))
    for test, before in again:
        passed, seconds, output = one(test)
        if passed:
            results.add_unsteady(test[0], seconds, before)
        else:
            results.add(test[0], False, seconds, output)
    step(results, "documentation examples", ["cargo", "test", "--doc", "-p", "domain", "--quiet"])


def counted(results, name, command, **options):
    """A tool whose last line is `N passed, N failed`: so many tests."""
    say(name)
    began = time.monotonic()
    code, output = run(command, **options)
    seconds = time.monotonic() - began
    (OUTPUT / f"{name.replace(' ', '-')}.log").write_text(output)
    last = output.strip().splitlines()[-1:] or [""]
    counts = re.fullmatch(r"(\d+) passed, (\d+) failed", last[0])
    passed, failed = map(int, counts.groups()) if counts else (0, 0)
    # A tool that broke off, or whose exit code contradicts its count, has failed once at least.
    failed = max(failed, int(code != 0 or not passed))
    say(f"{name}: {passed} passed, {failed} failed")
    each = seconds / (passed + failed)
    for number in range(passed):
        results.add(f"{name} {number + 1}", True, each)
    for number in range(failed):
        results.add(f"{name}, failure {number + 1}", False, each, "" if number else output)


def browser_tests(results, word):
    say("pages in a browser")
    report = OUTPUT / "browser.json"
    env = {
        "TOLLGATE_BINARY": str(BINARY),
        "PAGES_PREVIEW": str(EXAMPLES / "pages_preview"),
        "PLAYWRIGHT_JSON_OUTPUT_NAME": str(report),
    }
    began = time.monotonic()
    command = ["npx", "playwright", "test", "--reporter=json"] + ([word] if word else [])
    code, output = run(command, cwd=BROWSER, env=env, timeout=2700)
    (OUTPUT / "browser.log").write_text(output)
    try:
        told = json.loads(report.read_text())
        suites, beside = told["suites"], told["errors"]
    except (OSError, ValueError, KeyError):
        results.add("pages in a browser", False, time.monotonic() - began, output)
        return

    def walk(suite, path):
        for inner in suite.get("suites", []):
            walk(inner, path + [inner["title"]])
        for spec in suite.get("specs", []):
            for test in spec["tests"]:
                name = " › ".join(["browser", test["projectName"], *path, spec["title"]])
                seconds = sum(result["duration"] for result in test["results"]) / 1000
                errors = "\n".join(e.get("message", "") for r in test["results"] for e in r.get("errors", []))
                if test["status"] == "flaky":
                    results.add_unsteady(name, seconds, errors)
                else:
                    results.add(name, test["status"] in ("expected", "skipped"), seconds, errors)

    for suite in suites:
        walk(suite, [])
    # What belongs to no test, as the comparison of the books when a worker ends.
    for error in beside:
        results.add("browser, beside the tests", False, 0, error.get("message", ""))
    if code != 0 and all(passed for _n, passed, _s in results.done):
        results.add("pages in a browser", False, time.monotonic() - began, output)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["lint", "rust", "durability", "ssrf", "samples", "webhooks", "openapi", "upi", "browser", "docs"], help="one part")
    parser.add_argument("--long", action="store_true", help="the long campaigns as well (kills: 1,000 instead of 200; power cuts: 200 instead of 20; simulator: 100,000 seeds instead of 2,000)")
    parser.add_argument("word", nargs="?", default="", help="only Rust and browser tests whose name has this")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    OUTPUT.mkdir(exist_ok=True)
    if arguments.long:
        os.environ["LONG_TESTS"] = "1"
    only = arguments.only or ("rust" if arguments.word else None)
    wants = lambda part: only in (None, part)
    results = Results()
    install_packages()
    install_tools()
    if wants("lint"):
        step(results, "formatting", ["cargo", "fmt", "--all", "--check"])
        step(results, "lints", ["cargo", "clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
    if wants("rust"):
        rust_tests(results, arguments.word)
    elif any(map(wants, ["durability", "ssrf", "samples", "webhooks", "openapi", "upi", "browser"])):
        # The same build as the Rust tests', so that nothing is compiled twice.
        executables, output = build_tests()
        if executables is None:
            raise SystemExit(output)
    env = {"TOLLGATE_BINARY": str(BINARY)}
    python = VENV / "bin" / "python"
    if wants("durability"):
        writer = EXAMPLES / "power_cut_writer"
        cuts = 200 if arguments.long else 20
        command = [python, "tests/durability/durability.py", "--writer", writer, "--cuts", cuts]
        # It mounts file systems of its own.
        root = [] if os.geteuid() == 0 else ["sudo", f"TOLLGATE_BINARY={BINARY}"]
        counted(results, "durability", root + command, env=env, timeout=1800)
    if wants("ssrf"):
        # It makes network namespaces of its own.
        root = [] if os.geteuid() == 0 else ["sudo", f"TOLLGATE_BINARY={BINARY}"]
        counted(results, "ssrf", root + [python, "tests/ssrf/ssrf.py"], env=env, timeout=300)
    if wants("samples"):
        counted(results, "code samples", [python, "tests/samples/run.py"], env=env, timeout=900)
    if wants("webhooks"):
        counted(results, "webhooks", [python, "tests/webhooks/run.py"], env=env, timeout=600)
    if wants("openapi"):
        counted(results, "openapi document", [python, "tests/tools/check_openapi.py"], env=env, timeout=300)
    if wants("upi"):
        texts = EXAMPLES / "upi_texts"
        counted(results, "upi texts", ["node", "tests/browser/check_upi.js", texts], timeout=300)
    if wants("browser"):
        browser_tests(results, arguments.word)
    if wants("docs"):
        docs = ["cargo", "doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"]
        step(results, "documentation", docs, env={"RUSTDOCFLAGS": "-D warnings"})
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
