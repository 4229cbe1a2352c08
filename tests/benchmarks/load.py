"""A client that posts prepared requests: as fast as they are answered, or at a given rate.

One thread and raw sockets: the client itself costs little, and the same for every server.
"""

import json
import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

from tests.benchmarks import redemption

CONNECTIONS = 64
WARM_UP_SECONDS = 2.0
"""Not measured: connections and threads come up."""

MOST = 5_000
"""Requests a second that are prepared. A server that answers more ends the run early."""

PATIENCE_SECONDS = 300.0


@dataclass(slots=True)
class Tally:
    """Answers."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def accepted(self) -> int:
        return len(self.seconds) - self.refused


@dataclass(frozen=True, slots=True)
class Run:
    """All answers: ``tally`` those in the measured seconds, ``rest`` those to requests under way at the end."""

    tally: Tally
    rest: Tally
    seconds: float

    @property
    def accepted(self) -> int:
        return self.tally.accepted + self.rest.accepted

    @property
    def requests_per_second(self) -> float:
        return len(self.tally.seconds) / self.seconds


@dataclass(frozen=True, slots=True)
class Load:
    """One measurement; times in seconds.

    Attributes:
        accepted: all webhooks, those of the warm-up included.
        delivered_share: of these, how many had come to Segment a second after the last answer.
    """

    seconds: float
    answered: int
    refused: int
    accepted: int
    requests_per_second: float
    p50: float
    p99: float
    delivered_per_second: float
    delivered_share: float


class Client:
    """A connection with one request under way."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self._port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def send(self, request: bytes, since: float | None = None) -> None:
        self._since = time.perf_counter() if since is None else since
        self.socket.sendall(request)

    def receive(self, tally: Tally) -> bool:
        """Read what has come; whether that completes the answer."""
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


class Pool:
    """Clients, and which of them have something to read."""

    def __init__(self, port: int, count: int) -> None:
        self._selector = selectors.DefaultSelector()
        self.clients = [Client(port) for _ in range(count)]
        for client in self.clients:
            self._selector.register(client.socket, selectors.EVENT_READ, client)

    def answered(self, tally: Tally, seconds: float) -> list[Client]:
        """Wait up to ``seconds``; the clients whose answers are complete."""
        return [key.data for key, _ in self._selector.select(seconds) if key.data.receive(tally)]

    def reconnect(self, client: Client) -> None:
        self._selector.unregister(client.socket)
        client.socket.close()
        client.connect()
        self._selector.register(client.socket, selectors.EVENT_READ, client)

    def drop(self, client: Client) -> None:
        self._selector.unregister(client.socket)

    def close(self) -> None:
        self._selector.close()
        for client in self.clients:
            client.socket.close()


def run(
    port: int, requests: list[bytes], seconds: float, *, connections: int = CONNECTIONS, reconnect: bool = False
) -> Run:
    """Keep all connections busy, from the end of ``requests``; with ``reconnect`` each has a connection of its own."""
    pool, tally, rest = Pool(port, connections), Tally(), Tally()
    began = time.perf_counter()
    busy = set(pool.clients)
    for client in pool.clients:
        client.send(requests.pop())
    while requests and time.perf_counter() < began + seconds:
        for client in pool.answered(tally, 1.0):
            if not requests:
                pool.drop(client)
                busy.discard(client)
                continue
            since = time.perf_counter()
            if reconnect:
                pool.reconnect(client)
            client.send(requests.pop(), since)
    elapsed = time.perf_counter() - began
    # Requests under way are answered first, so that the next run finds the server idle.
    while busy and (ended := pool.answered(rest, 10.0)):
        for client in ended:
            pool.drop(client)
            busy.discard(client)
    pool.close()
    return Run(tally, rest, elapsed)


def paced(port: int, requests: Sequence[bytes], rate: float) -> list[float]:
    """Post ``rate`` requests a second; the time of each on the monotonic clock, which all processes share."""
    pool, tally = Pool(port, CONNECTIONS), Tally()
    idle = deque(pool.clients)
    began = time.monotonic()
    times = [began + number / rate for number in range(len(requests))]
    for at, request in zip(times, requests, strict=True):
        while (left := at - time.monotonic()) > 0 or not idle:
            ended = pool.answered(tally, max(left, 0.0) if idle else 10.0)
            if not ended and not idle:
                raise TimeoutError("the server does not answer")
            idle.extend(ended)
        idle.popleft().send(request)
    while len(idle) < CONNECTIONS and (ended := pool.answered(tally, 10.0)):
        idle.extend(ended)
    pool.close()
    if tally.refused:
        raise RuntimeError(f"{tally.refused} of {len(requests)} requests were refused")
    return times


def measure(port: int, segment_port: int, seconds: float, warm_up_seconds: float, first: int) -> Load:
    """Post webhooks, numbered from ``first`` on, as fast as they are answered."""
    requests = [redemption.http_request(first + n) for n in range(int((seconds + warm_up_seconds) * MOST))]
    warm_up = run(port, requests, warm_up_seconds)
    before = delivered(segment_port)
    measured = run(port, requests, seconds)
    during = delivered(segment_port)
    time.sleep(1.0)
    accepted = warm_up.accepted + measured.accepted
    answered = sorted(measured.tally.seconds)
    return Load(
        seconds=measured.seconds,
        answered=len(answered),
        refused=measured.tally.refused,
        accepted=accepted,
        requests_per_second=measured.requests_per_second,
        p50=percentile(answered, 50),
        p99=percentile(answered, 99),
        delivered_per_second=(during - before) / measured.seconds,
        delivered_share=min(1.0, delivered(segment_port) / accepted),
    )


def percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[len(ordered) * percent // 100]


def delivered(segment_port: int) -> int:
    """How many events have come to Segment."""
    return int(_get(segment_port, "/"))


def arrivals(segment_port: int) -> dict[str, float]:
    """By ``messageId``, when each event came to Segment first, on the monotonic clock."""
    return dict(_get(segment_port, "/arrivals"))


def until_delivered(segment_port: int, count: int) -> int:
    """Wait until ``count`` events have come to Segment; how many have."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (events := delivered(segment_port)) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{events} of {count} events were delivered")
        time.sleep(0.02)
    return events


def _get(segment_port: int, path: str) -> Any:
    with closing(HTTPConnection("127.0.0.1", segment_port)) as connection:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
