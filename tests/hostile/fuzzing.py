"""Random requests from a seed: sound ones, with a few changes."""

import json
import random
from base64 import b64encode

from bridge.credentials import sign as sha1
from bridge.doors import DOORS
from bridge.signature import HEADER, sign
from tests.benchmarks import redemption

APP_ID, SECRET_KEY, WRITE_KEY, SHARED_SECRET, ADMIN_TOKEN = (
    "fuzz-app",
    "fuzz-key",
    "fuzz-write",
    "fuzz-shared",
    "t" * 40,
)

ENVIRONMENT = {
    "VOUCHERIFY_APP_ID": APP_ID,
    "VOUCHERIFY_SECRET_KEY": SECRET_KEY,
    "VOUCHERIFY_API_URL": "http://127.0.0.1:9",
    "BRIDGE_WRITE_KEYS": WRITE_KEY,
    "SEGMENT_WEBHOOK_SECRET": SHARED_SECRET,
    "BRIDGE_ADMIN_TOKEN": ADMIN_TOKEN,
}
"""Opens all doors, and the console."""

CONSOLE = ("", "/events", "/events/x", "/replays", "/audit", "/sign-in", "/api/events", "/api/status", "/static/a")
PATHS = (
    *(f"/{path}" for path in DOORS),
    *("/healthz", "/readyz", "/metrics", "/openapi.json", "/segmentio/test-authentication", "/", "/nowhere"),
    *(f"/console{path}" for path in CONSOLE),
)
METHODS = ("POST", "POST", "GET", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT")
VALUES = (
    "",
    "0",
    "-1",
    "1e999",
    "null",
    "a..b",
    "x" * 64,
    "[",
    "%00",
    "%ff",
    "\x7f",
    "é",
    "😀",
    "../..",
    "a" * 5000,
    "';--",
)
QUERIES = ("since", "until", "status", "q", "next", "writeKey", "page", "event", "direction", "\x00", "")
NAMES = (
    "Host",
    "Content-Type",
    "Content-Encoding",
    "Prefer",
    "Cookie",
    "Authorization",
    "X-Request-Id",
    "Accept",
    "Range",
)
CHANGED = (
    "X-Forwarded-Proto",
    "X-Forwarded-For",
    "Expect",
    "Connection",
    "Upgrade",
    "Transfer-Encoding",
    "If-None-Match",
)
BODIES = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b'"\\ud800"',
    b"[" * 5000,
    b'{"a":' * 300,
    b"\xff\xfe",
    b"1" * 5000,
    b'{"batch": [1, {}, null]}',
    b'{"a": 1, "a": 2}',
)


class Fuzzer:
    """Endless source of requests; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._number = 1

    def request(self) -> bytes:
        """Return the bytes of one request, which may be none."""
        body = self._body()
        path = self._random.choice(PATHS)
        headers = {"Host": "a", "Content-Type": "application/json", **self._proof(body), **self._more_headers()}
        if self._often(0.4):
            path += f"?{self._random.choice(QUERIES)}={self._random.choice(VALUES)}"
        framed = self._framed(body, headers)
        lines = [
            f"{self._random.choice(METHODS)} {path} HTTP/1.1",
            *(f"{name}: {text}" for name, text in headers.items()),
        ]
        request = "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + framed
        return self._broken(request) if self._often(0.3) else request

    def _often(self, share: float) -> bool:
        return self._random.random() < share

    def _body(self) -> bytes:
        self._number += 1
        choice = self._random.random()
        if choice < 0.3:
            return self._random.choice(BODIES)
        if choice < 0.5:
            return json.dumps({self._random.choice(VALUES): self._random.choice(VALUES), "userId": "a"}).encode()
        body = redemption.body(self._number)
        return self._broken(body) if choice < 0.8 else body

    def _broken(self, data: bytes) -> bytes:
        """Change a few bytes, or cut or repeat a part."""
        changed = bytearray(data)
        for _ in range(self._random.randint(1, 4)):
            at = self._random.randrange(len(changed) + 1)
            match self._random.randrange(4):
                case 0:
                    changed[at : at + 1] = self._random.randbytes(1)
                case 1:
                    del changed[at : at + self._random.randint(1, 40)]
                case 2:
                    changed[at:at] = changed[at : at + 40]
                case _:
                    changed[at:at] = self._random.choice(VALUES).encode()
        return bytes(changed)

    def _proof(self, body: bytes) -> dict[str, str]:
        """Return credentials of one door, right in most cases."""
        basic = b64encode(f"{WRITE_KEY}:".encode()).decode()
        return self._random.choice(
            [
                {},
                {HEADER: sign(body, redemption.SECRET)},
                {HEADER: self._random.choice(VALUES)},
                {"X-Signature": sha1(body, SHARED_SECRET)},
                {"Authorization": f"Basic {basic}"},
                {"Authorization": f"Bearer {ADMIN_TOKEN}"},
                {"X-App-Id": APP_ID, "X-App-Token": SECRET_KEY},
            ]
        )

    def _more_headers(self) -> dict[str, str]:
        if self._often(0.5):
            return {}
        return {self._random.choice((*NAMES, *CHANGED)): self._random.choice(VALUES)}

    def _framed(self, body: bytes, headers: dict[str, str]) -> bytes:
        """Return the body as it is sent, and add the header that says how long it is."""
        if self._often(0.8):
            headers["Content-Length"] = str(len(body))
            return body
        headers["Transfer-Encoding"] = "chunked"
        cut = self._random.randrange(len(body) + 1)
        parts = [part for part in (body[:cut], body[cut:]) if part]
        return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
