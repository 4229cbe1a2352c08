"""Processes that are killed while they store, translate and send.

Usage: ``python killed.py WHAT URL FOLDER``. ``WHAT`` is a queue, the way in which deliveries are claimed, and the cause
of the end: ``calls born points``. Each process is a fork of this one, and ends itself by SIGKILL. That is at the n-th
point of its work, for every n, or when it translates a poisonous message. Another process then continues, as a sender
and a worker would.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import Connection

from bridge.delivery.database.engine import Database
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.worker import Worker
from bridge.delivery.rules.retry import Policy
from bridge.delivery.rules.sink import Happened, Outcome, Parcel, never
from bridge.messages import CALLS, RAW_EVENTS, WEBHOOKS, Message
from tests.delivery.pending import Stand, append, batch, called, redeemed, tracked, translator
from tests.translation import poison

MOST_POINTS = 80
LATER = 1_000.0
"""Seconds after which every lease has ended."""


def sent_messages(queue: str, name: str, at: float = 1_700_000_000.0) -> list[Message]:
    """Return the messages of one sender; ``name`` identifies it."""
    if queue == WEBHOOKS:
        return [redeemed(f"{name}-{number}", at=at) for number in range(3)]
    if queue == CALLS:
        return [called(f"{name}-{customer}", number, at=at) for customer in "ab" for number in range(2)]
    return [batch((tracked(f"{name}-{customer}", number) for number in range(2)), at=at) for customer in "ab"]


class Points:
    """Ends the process at its n-th point."""

    def __init__(self, last: int) -> None:
        self._left = last

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Service:
    """A service that writes each call to a file, and reports the accepted ones.

    Attributes:
        knows_repeats: as Segment, which counts a repeat once.
    """

    max_count, max_bytes, patience = 100, 1_000_000, 30.0

    def __init__(self, queue: str, taken: Path, point: Callable[[], None]) -> None:
        self.name = "segment" if queue == WEBHOOKS else "voucherify"
        self.knows_repeats = queue == WEBHOOKS
        self.is_ending: Callable[[], bool] = never
        self._taken = taken
        self._point = point

    def send(self, parcels: Sequence[Parcel]) -> Sequence[Outcome]:
        self._point()
        for parcel in parcels:
            if parcel.in_doubt_since is not None and parcel.key in self._taken.read_text().splitlines():
                continue
            write(self._taken, parcel.key)
            self._point()
        return [Outcome(Happened.DELIVERED, 200)] * len(parcels)


def write(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(f"{line}\n")


def with_points(database: Database, point: Callable[[], None]) -> None:
    """Add a point before and after the commit of each transaction."""
    genuine = database.writing

    @contextmanager
    def writing(*, hasty: bool = False) -> Iterator[Connection]:
        with genuine(hasty=hasty) as connection:
            yield connection
            point()
        point()

    database.writing = writing  # type: ignore[method-assign] # in this test alone


def store(database: Database, messages: Sequence[Message], answered: Path) -> None:
    for one in messages:
        append(database, one)
        write(answered, one.id)


def work(database: Database, queue: str, worker: Worker, duty: Stand, *, is_born: bool) -> None:
    """Translate and deliver until none is left."""
    ours = translator(database, queue, duty, workers={worker.sink.name: worker} if is_born else {})
    worker.step()  # it finds nothing, so it is ready
    while ours.step():
        while worker.step():
            pass
    while worker.step() or worker.step():
        pass


def process(job: Callable[[], None]) -> bool:
    """Run the work in a process; return whether it ended by itself."""
    child = os.fork()
    if child == 0:
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - it is said, and the process ends
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a process failed")
    return os.WIFEXITED(status)


def at_every_point(queue: str, url: str, folder: Path, *, is_born: bool) -> None:
    """Kill a process at each point of its work, and let another finish.

    The last process is not killed.
    """
    for last in range(1, MOST_POINTS):
        answered = folder / f"answered-{last}"
        answered.touch()
        messages = sent_messages(queue, f"{last}")

        def first(last: int = last, answered: Path = answered, messages: Sequence[Message] = messages) -> None:
            database, point = Database(url), Points(last)
            with_points(database, point)
            store(database, messages, answered)
            work(database, queue, of(database, queue, folder, point), Stand(f"killed-{last}"), is_born=is_born)

        def second(last: int = last, answered: Path = answered, messages: Sequence[Message] = messages) -> None:
            database, duty = Database(url), Stand(f"next-{last}", dead=[f"killed-{last}"])
            known = answered.read_text().split()
            again = zip(messages, sent_messages(queue, f"{last}", 1_700_000_000.5), strict=True)
            store(database, [retry for one, retry in again if one.id not in known], answered)
            worker = of(database, queue, folder, lambda: None, clock=lambda: time.time() + last * LATER)
            work(database, queue, worker, duty, is_born=False)

        if process(first):
            return
        process(second)
    raise SystemExit("it has more points than that")


def of(
    database: Database, queue: str, folder: Path, point: Callable[[], None], clock: Callable[[], float] = time.time
) -> Worker:
    return Worker(Outbox(database), Service(queue, folder / "taken", point), Policy(86_400.0), clock)


def by_poison(queue: str, url: str, folder: Path, *, is_born: bool) -> None:
    """Let processes die of one message, until one survives."""
    os.environ |= poison.environment(folder)
    poison.install(folder)
    good = sent_messages(queue, "good")
    if queue == RAW_EVENTS:
        bad = [batch([tracked("before"), tracked(poison.POISON), tracked("after")])]
    else:
        bad = [redeemed(poison.POISON) if queue == WEBHOOKS else called(poison.POISON)]
    process(lambda: store(Database(url), [*good[:1], *bad, *good[1:]], folder / "answered-1"))

    def attempt(number: int) -> Callable[[], None]:
        def job() -> None:
            database = Database(url)
            duty = Stand(f"{number}", dead=[f"{earlier}" for earlier in range(number)])
            worker = of(database, queue, folder, lambda: None, clock=lambda: time.time() + number * LATER)
            work(database, queue, worker, duty, is_born=is_born)

        return job

    for number in range(10):
        if process(attempt(number)):
            return
    raise SystemExit("it kills one process after another")


def main(queue: str, claimed: str, ended: str, url: str, folder: str) -> None:
    (Path(folder) / "taken").touch()
    run = {"points": at_every_point, "poison": by_poison}[ended]
    run(queue, url, Path(folder), is_born=claimed == "born")


if __name__ == "__main__":
    main(*sys.argv[1:])
