"""Somebody who works for the demo merchant: follows an invitation, signs in, makes an API token."""

import base64
import hashlib
import hmac
import re
import time
import urllib.parse
import urllib.request

PASSWORD = "correct horse battery"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def one_time_code(secret):
    """RFC 6238: six digits, thirty seconds."""
    letters = secret.replace(" ", "")
    key = base64.b32decode(letters + "=" * (-len(letters) % 8))
    digest = hmac.new(key, int(time.time() // 30).to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[19] & 15
    number = int.from_bytes(digest[offset:offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


class Person:
    def __init__(self, gateway, email, role):
        """Accepts the invitation, and signs in with a recovery code."""
        self.url = gateway.url
        jar = urllib.request.HTTPCookieProcessor()
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)
        link = gateway.invited(email, role)
        path = urllib.parse.urlsplit(link).path
        page = self.ask(path)
        secret = re.search(r'id="totp-secret">([^<]+)<', page)[1]
        fields = {"name": "Tester", "password": PASSWORD, "code": one_time_code(secret)}
        page = self.ask(path, fields)
        recovery = re.search(r"<li><code>([^<]+)</code>", page)[1]
        self.ask("/account/sign-in", {"email": email, "password": PASSWORD, "code": recovery, "next": ""})

    def ask(self, path, fields=None):
        """The page, or the one that follows on this form."""
        body = urllib.parse.urlencode(fields, doseq=True).encode() if fields else None
        request = urllib.request.Request(self.url + path, body, FORM if body else {})
        with self.opener.open(request, timeout=60) as answer:
            return answer.read().decode()

    def token(self, *scopes):
        """A new API token for test money."""
        csrf = re.search(r'name="csrf" value="([^"]+)"', self.ask("/portal/tokens"))[1]
        fields = {"csrf": csrf, "name": "Check", "mode": "test", "days": 7, "scope": scopes}
        page = self.ask("/portal/tokens", fields)
        return re.search(r'id="new-token">([^<]+)<', page)[1]
