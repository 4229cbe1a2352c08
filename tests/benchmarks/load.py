"""Posts webhooks as fast as they are answered.

``python -m tests.benchmarks.load PORT SEGMENT_PORT SECONDS FIRST_NUMBER``

One thread, raw sockets, requests that were made before: what it costs itself is small, and the same whoever answers.
"""

import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection

from tests.benchmarks import redemption

CONNECTIONS = 64
WARM_UP = 2.0
"""Seconds that are not measured: connections and threads come up."""

MOST = 5_000
"""Requests a second that are prepared. Who answers more ends the run early."""


@dataclass(slots=True)
class Tally:
    """What was answered."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0


class Client:
    """One keep-alive connection with one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._since = 0.0

    def send(self, request: bytes) -> None:
        self._since = time.perf_counter()
        self.socket.sendall(request)

    def receive(self, tally: Tally) -> bool:
        """Take what has come; whether that completes the answer."""
        chunk = self.socket.recv(65_536)
        if not chunk:
            raise ConnectionError("the server has closed a connection")
        self._received += chunk
        head, found, content = self._received.partition(b"\r\n\r\n")
        if not found or len(content) < int(head.lower().partition(b"content-length:")[2].split(maxsplit=1)[0]):
            return False
        tally.seconds.append(time.perf_counter() - self._since)
        tally.refused += head[9:10] != b"2"
        self._received = b""
        return True


def delivered(segment_port: int) -> int:
    """How many events have come to Segment."""
    connection = HTTPConnection("127.0.0.1", segment_port)
    connection.request("GET", "/")
    return int(connection.getresponse().read())


def run(port: int, requests: list[bytes], seconds: float) -> tuple[Tally, float]:
    """Keep all connections busy. Returns what was answered in the measured time, and how long that was."""
    clients = [Client(port) for _ in range(CONNECTIONS)]
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client.socket, selectors.EVENT_READ, client)
        client.send(requests.pop())
    tally, began = Tally(), time.perf_counter()
    end = began + seconds
    while requests and time.perf_counter() < end:
        for key, _ in selector.select(1.0):
            if key.data.receive(tally) and requests:
                key.data.send(requests.pop())
    elapsed = time.perf_counter() - began
    _finish(selector, clients)
    return tally, elapsed


def _finish(selector: selectors.BaseSelector, clients: list[Client]) -> None:
    # What is under way is waited for, so that the next run finds the server idle.
    waiting, rest, deadline = set(clients), Tally(), time.perf_counter() + 10.0
    while waiting and time.perf_counter() < deadline and selector.get_map():
        events = selector.select(0.2)
        if not events:
            break
        for key, _ in events:
            if key.data.receive(rest):
                waiting.discard(key.data)
    for client in clients:
        selector.unregister(client.socket)
        client.socket.close()


def main(port: int, segment_port: int, seconds: float, first: int) -> None:
    requests = [redemption.http_request(first + n) for n in range(int((seconds + WARM_UP) * MOST))]
    run(port, requests, WARM_UP)
    before = delivered(segment_port)
    tally, elapsed = run(port, requests, seconds)
    answered = sorted(tally.seconds)
    print(  # noqa: T201 - what it is started for
        json.dumps(
            {
                "seconds": elapsed,
                "answered": len(answered),
                "refused": tally.refused,
                "requests_per_second": len(answered) / elapsed,
                "p50": answered[len(answered) // 2],
                "p99": answered[len(answered) * 99 // 100],
                "delivered_per_second": (delivered(segment_port) - before) / elapsed,
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
