"""Table of attacks. ``conftest.py`` says how to add one."""

import random
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from tests.benchmarks import load

MANY = 500
"""Connections of slow peers."""

FLOOD_PER_SECOND = 1_000

Attacker = Callable[[int, float], object]


@dataclass(frozen=True, slots=True)
class Attack:
    """One row.

    Attributes:
        text: what the attacker does, for the document.
        act: attacks a port until a time on the monotonic clock.
    """

    name: str
    text: str
    act: Attacker


def _opened(port: int, opening: bytes, receive_buffer: int = 0) -> socket.socket:
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect(("127.0.0.1", port))
    connection.settimeout(0.0)
    with suppress(OSError):
        connection.send(opening)
    return connection


def dripping(opening: bytes, drop: bytes, port: int, until: float, *, reads: bool = True) -> None:
    """Hold many connections: send ``opening`` on each, then ``drop`` once a second. Lost ones are opened again."""
    buffer = 0 if reads else 4096
    connections = [_opened(port, opening, buffer) for _ in range(MANY)]
    while time.monotonic() < until:
        for number, connection in enumerate(connections):
            try:
                if drop:
                    connection.send(drop)
                if reads and not connection.recv(65_536):
                    raise ConnectionError
            except BlockingIOError:
                continue
            except OSError:
                connection.close()
                connections[number] = _opened(port, opening, buffer)
        time.sleep(max(0.0, min(1.0, until - time.monotonic())))
    for connection in connections:
        connection.close()


def pouring(requests: Sequence[bytes], port: int, until: float) -> None:
    """Send the requests in turn, each on its own connection, and read until it is closed."""
    number = 0
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 2.0) as connection:
            connection.sendall(requests[number % len(requests)])
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass
        number += 1


def endless(opening: bytes, drop: bytes, port: int, until: float) -> None:
    """Send ``opening``, then ``drop`` as fast as it is taken, on eight connections."""
    selector = selectors.DefaultSelector()

    def begin() -> None:
        selector.register(_opened(port, opening), selectors.EVENT_WRITE)

    for _ in range(8):
        begin()
    while time.monotonic() < until:
        for key, _ in selector.select(0.1):
            try:
                key.fileobj.send(drop)  # type: ignore[union-attr] # they are sockets
            except OSError:
                selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr] # as above
                begin()
    selector.close()


def flooding(request: bytes, port: int, until: float) -> int:
    """Send a request 1,000 times a second, on 64 connections; return how many were answered.

    If the bridge closes one of them, all are opened again.
    """
    tally, began, sent = load.Tally(), time.monotonic(), 0
    while time.monotonic() < until:
        pool = load.Pool(port, load.CONNECTIONS)
        idle = list(pool.clients)
        with suppress(OSError):
            while (now := time.monotonic()) < until:
                while idle and sent < (now - began) * FLOOD_PER_SECOND:
                    idle.pop().send(request)
                    sent += 1
                idle += pool.answered(tally, 0.002)
        pool.close()
    return len(tally.seconds)


def _post(*lines: str, path: str = "/webhooks/voucherify") -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: a", "Content-Type: application/json", *lines, "", ""]).encode()


_GET = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
_UNSIGNED = _post("X-Voucherify-Signature: " + "0" * 64, "Content-Length: 4096") + b"x" * 4096

MALFORMED = (
    b"\r\n\r\n",
    b"GET / HTTP/1.1\nHost: a\n\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET  / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\n\n",
    b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\n: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
    _post("Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    _post("Content-Length: -1"),
    _post("Content-Length: 5", "Content-Length: 6") + b"123456",
    _post("Transfer-Encoding: chunked") + b"no size\r\n",
    _post("Transfer-Encoding: chunked") + b"1\r\nab\r\n0\r\n\r\n",
    _post("Transfer-Encoding: gzip, chunked, chunked"),
    _post("Expect: nothing"),
    random.Random(1).randbytes(4096) + b"\r\n\r\n",
)

ATTACKS = (
    Attack(
        "slow headers",
        f"{MANY} connections send one header a second",
        partial(dripping, b"POST /webhooks/voucherify HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n"),
    ),
    Attack(
        "slow chunks",
        f"{MANY} connections send one chunk a second",
        partial(dripping, _post("Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
    ),
    Attack(
        "slow bodies",
        f"{MANY} connections send one byte of a body a second",
        partial(dripping, _post("Content-Length: 100000"), b"x"),
    ),
    Attack("idle connections", f"{MANY} connections send nothing", partial(dripping, b"", b"")),
    Attack(
        "slow readers",
        f"{MANY} connections request many answers and read none",
        partial(dripping, _GET * 20, _GET, reads=False),
    ),
    Attack(
        "large unfinished bodies",
        f"{MANY} connections send a body of 1 MB but for its end",
        partial(dripping, _post("Content-Length: 1048576") + b"x" * 1_000_000, b"x" * 10),
    ),
    Attack(
        "unsigned flood",
        f"{FLOOD_PER_SECOND:,} webhooks of 4 KB a second with a wrong signature",
        partial(flooding, _UNSIGNED),
    ),
    Attack("malformed requests", "one after the other, as fast as they are refused", partial(pouring, MALFORMED)),
    Attack(
        "headers without end",
        "8 connections send headers as fast as the bridge takes them",
        partial(endless, b"GET / HTTP/1.1\r\n", b"X-A: b\r\n" * 100),
    ),
)
