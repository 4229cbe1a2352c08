"""What signed webhooks get from a bridge with shipped settings: rate, latency, lost events, memory."""

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread
from typing import Self

import psutil

from tests.benchmarks import databases, load, processes, redemption
from tests.hostile.attacks import Attack, Attacker

PER_SECOND = 100
"""Signed webhooks a second: a campaign's, and well below what the bridge can take."""

SECONDS = 6.0
"""Duration of each measurement."""

LEAD_SECONDS = 1.5
"""The attack's start before the measurement, to open its connections."""

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the signed webhooks of one measurement got; times in seconds.

    Attributes:
        lost: not accepted, or not delivered to Segment.
    """

    rate: float
    p95: float
    lost: int


@dataclass(frozen=True, slots=True)
class Result:
    """One attack, with the same traffic before it for comparison.

    Attributes:
        memory: most bytes that one process of the bridge held.
    """

    attack: Attack
    calm: Traffic
    attacked: Traffic
    memory: int

    @property
    def rate_ratio(self) -> float:
        return self.attacked.rate / self.calm.rate

    @property
    def p95_ratio(self) -> float:
        return self.attacked.p95 / self.calm.p95


@dataclass(frozen=True, slots=True)
class Bridge:
    """A running bridge, and the Segment that it delivers to."""

    pid: int
    port: int
    segment: int
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "output.log").read_text()

    def processes(self) -> list[psutil.Process]:
        """All processes of the bridge."""
        root = psutil.Process(self.pid)
        return [root, *root.children(recursive=True)]

    def measure(self, attack: Attack) -> Result:
        """Send signed webhooks without the attack, then with it."""
        calm = self._traffic(None)
        with _Memory(self) as memory:
            attacked = self._traffic(attack.act)
        return Result(attack, calm, attacked, memory.peak)

    def _traffic(self, act: Attacker | None) -> Traffic:
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            begin = time.monotonic() + 2.0 + LEAD_SECONDS  # processes start meanwhile
            attack = pool.submit(act, self.port, begin + SECONDS + 1.0) if act else None
            before = load.delivered(self.segment)
            first = next(_numbers) * 1_000_000
            signed = pool.submit(send, self.port, first, begin)
            seconds = signed.result()
            if attack:
                attack.result()
        accepted = sorted(value for value in seconds if value >= 0)
        try:
            delivered = load.until_delivered(self.segment, before + len(accepted)) - before
        except TimeoutError:
            delivered = load.delivered(self.segment) - before
        in_time = sum(
            number / PER_SECOND + value <= SECONDS + 1.0 for number, value in enumerate(seconds) if value >= 0
        )
        expected = int(SECONDS * PER_SECOND)
        return Traffic(in_time / SECONDS, accepted[len(accepted) * 95 // 100], expected - min(len(accepted), delivered))


def send(port: int, first: int, begin: float) -> list[float]:
    """Send signed webhooks at fixed times from ``begin`` on.

    Returns:
        Seconds from the time at which each was due to its 2xx; negative if it got none within a minute. A connection
        that the bridge closed is opened again, and the webhook is sent again, as Voucherify does.
    """
    requests = [redemption.http_request(first + number) for number in range(int(SECONDS * PER_SECOND))]
    with_threads: list[Thread] = []
    seconds = [-1.0] * len(requests)
    pending = iter(range(len(requests)))
    time.sleep(max(0.0, begin - time.monotonic()))

    def work() -> None:
        client = load.Client(port)
        for number in pending:
            due = begin + number / PER_SECOND
            time.sleep(max(0.0, due - time.monotonic()))
            while seconds[number] < 0 and time.monotonic() < due + 60.0:
                seconds[number] = _sent(client, requests[number], due)
        client.socket.close()

    for _ in range(16):
        with_threads.append(thread := Thread(target=work))
        thread.start()
    for thread in with_threads:
        thread.join()
    return seconds


def _sent(client: load.Client, request: bytes, due: float) -> float:
    """Send one webhook; return the seconds since it was due, negative if it was not accepted."""
    tally = load.Tally()
    try:
        client.socket.settimeout(10.0)
        client.send(request)
        while not client.receive(tally):
            pass
    except OSError:
        client.socket.close()
        time.sleep(0.05)
        client.connect()
        return -1.0
    return -1.0 if tally.refused else time.monotonic() - due


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[Bridge]:
    """Run ``bridge serve``, with its own settings but for the address."""
    port, database = processes.free_port(), databases.sqlite(folder)()
    command = [*processes.BRIDGE, "serve", "--", "--bind", f"127.0.0.1:{port}"]
    with processes.segment(folder) as segment:
        variables = {**processes.bridge_environment(segment, database), **environment}
        home = folder / "bridge"
        home.mkdir()
        with processes.running(command, home, variables) as pid:
            processes.until_it_accepts(port, redemption.http_request(0))
            load.until_delivered(segment, 1)
            yield Bridge(pid, port, segment, home)


class _Memory:
    """The most bytes that one process of a bridge holds, for the length of a ``with`` block."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge, self._stop, self.peak = bridge, Event(), 0
        self._thread = Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            try:
                held = [process.memory_info().rss for process in self._bridge.processes()]
            except psutil.NoSuchProcess:
                continue
            self.peak = max(self.peak, *held)
