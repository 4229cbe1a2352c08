"""Processor time that a stranger can buy with one request, as a multiple of an HMAC over the same bytes.

Usage: ``python -m tests.hostile.cost``.
"""

import gzip
import hmac
import io
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from bridge.settings import Settings, ToSegment, ToVoucherify
from bridge.web import create_app
from bridge.write_keys import WriteKey

SIZES = (1_000, 32_000, 400_000, 1_000_000)
ROUNDS = 9

PIECES: Mapping[str, tuple[bytes, bytes, bytes]] = {
    "quotes": (b"", b'"', b""),
    "blanks": (b"", b" ", b""),
    "quotes and blanks": (b"", b'" ', b""),
    "brackets": (b"", b"[", b""),
    "numbers": (b"[", b"1,", b"1]"),
    "numbers and blanks": (b"[", b"1, ", b"1]"),
    "texts and blanks": (b"[", b'"a", ', b"1]"),
    "objects": (b'{"batch":[', b'{"a":1},', b"{}]}"),
    "keys": (b"{", b'"writeKey":"x",', b'"a":1}'),
    "surrogates": (b'{"a":"', b"\\ud83d", b'"}'),
}
"""Bodies: a beginning, a piece that fills the rest, and an end."""

DOORS: Mapping[str, Mapping[str, str]] = {
    "/webhooks/voucherify": {"X-Voucherify-Signature": "0" * 64},
    "/webhooks/segment": {"X-Signature": "0" * 40},
    "/v1/batch": {},
    "/segmentio/event-processing": {"Authorization": "Basic eDp5", "Secret-Key": "eDp5"},
}
"""Doors, each with headers of the right form and the wrong content."""


class Cost(NamedTuple):
    """Cost of a request by a stranger.

    Attributes:
        seconds: processor time beyond that of the same request with an empty body.
        ratio: of ``seconds`` to the processor time of an HMAC over the same bytes.
    """

    door: str
    body: str
    size: int
    seconds: float
    ratio: float


def costs(app: Flask) -> Iterator[Cost]:
    """Measure each body of each size at each door."""
    for door, headers in DOORS.items():
        empty = request(app, door, headers, b"")
        for name, (first, piece, last) in PIECES.items():
            for size in SIZES:
                body = first + piece * ((size - len(first) - len(last)) // len(piece)) + last
                yield _cost(door, name, body, request(app, door, headers, body), empty)
    headers = {"Content-Encoding": "gzip"}
    empty = request(app, "/v1/batch", headers, gzip.compress(b""))
    for name, piece in {"gzip: blanks": b" ", "gzip: objects": b'{"a":1},'}.items():
        body = piece * (400_000 // len(piece))
        yield _cost("/v1/batch", name, body, request(app, "/v1/batch", headers, gzip.compress(body)), empty)


def _cost(door: str, name: str, body: bytes, ask: Callable[[], None], empty: Callable[[], None]) -> Cost:
    """Compare the fastest of several rounds: interruptions only ever add time."""
    rounds = [(spent(ask), spent(empty), spent(lambda: hmac.digest(b"secret", body, "sha256"))) for _ in range(ROUNDS)]
    whole, nothing, digest = (min(times) for times in zip(*rounds, strict=True))
    return Cost(door, name, len(body), whole - nothing, (whole - nothing) / digest)


def request(app: Flask, path: str, headers: Mapping[str, str], body: bytes) -> Callable[[], None]:
    environ = EnvironBuilder(
        path, method="POST", headers=list(headers.items()), content_type="application/json"
    ).get_environ()

    def ask() -> None:
        given = {**environ, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
        _, status, _ = run_wsgi_app(app, given, buffered=True)
        assert status.startswith(("401", "400")), status

    return ask


def spent(work: Callable[[], object]) -> float:
    """Return the processor time of this thread: the application's own threads have other work."""
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


def application(folder: Path) -> Flask:
    return create_app(
        Settings(
            to_segment=ToSegment("write-key", "http://127.0.0.1:9", gzip=False, webhook_secrets=("secret",)),
            to_voucherify=ToVoucherify("app", "key", None, (WriteKey("write-key"),), ("shared",)),
            voucherify_url="http://127.0.0.1:9",
            database_url=f"sqlite:///{folder / 'bridge.db'}",
            embedded_worker=False,
            max_body_bytes=1_048_576,
            max_age=86_400.0,
            log_level="error",
        )
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for cost in costs(application(Path(folder))):
            sys.stdout.write(
                f"{cost.door:30} {cost.body:20} {cost.size:9,} {cost.seconds * 1e6:9.0f} µs {cost.ratio:6.1f}\n"
            )


if __name__ == "__main__":
    main()
