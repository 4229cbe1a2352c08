"""Counts of outcomes, written in the transaction of the outcome.

So the counts are right, whichever process is killed.

A count belongs to an interval of five minutes. Older counts belong to longer intervals, and those over eight days to
one for all time: see ``folding``. So a total is the sum over all buckets, at any time.
"""

import secrets
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, func, select

from bridge.delivery.database import tables
from bridge.delivery.database.engine import INSERT

BUCKET_SECONDS = 300
"""Seconds of the shortest interval."""

BOUNDS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0, 21_600.0, 86_400.0)
"""Upper bounds of the histogram in seconds, before one without a bound.

They measure the time from receipt to delivery.
"""

HOUR = 3600
WIDTHS = ((2 * HOUR, 1800), (26 * HOUR, 3 * HOUR))
"""Length of an interval in seconds, from each age in seconds on.

The console shows an hour, a day and a week.
"""
TOTAL_AFTER_SECONDS = 8 * 24 * HOUR
"""Seconds after which only the total is kept."""

RETRIED, REFUSED, ERROR = "retried", "refused", "error"
"""Outcomes beside statuses and fates.

``RETRIED``: an attempt that is repeated. ``REFUSED``: a request without a valid proof of its sender. ``ERROR``: an
unexpected error, whose ``event`` is its thread.
"""

OF_THE_BRIDGE = "bridge"
"""Direction of unexpected errors, which belong to neither direction."""

LONGEST_NAME = 100
MOST_NAMES = 200
"""Different names, and different causes, that one direction counts.

Further ones count as ``OTHER``, because both are free text. Expected names do not count: see ``expect``. Folding frees
names that stay absent.
"""
OTHER = "(other)"

READ_SECONDS = 600.0
"""Seconds after which a process reads the counted names again."""

_UNBOUNDED = float("inf")

_OWN_SHARD = secrets.randbits(62)


class Tally(NamedTuple):
    """One count; ``what`` is a status, a fate, ``RETRIED`` or ``REFUSED``."""

    bucket: int
    direction: str
    event: str
    what: str
    cause: str = ""


class Latency(NamedTuple):
    """Deliveries of one bucket of the histogram.

    They took at most ``up_to`` seconds, and more than the bound before.
    """

    bucket: int
    sink: str
    up_to: float


def bucket(at: float) -> int:
    """Return the start of the interval that contains a time in epoch seconds."""
    return int(at) // BUCKET_SECONDS * BUCKET_SECONDS


def width(at: int, now: float) -> int:
    """Return the length of the interval that began at ``at``."""
    return max((wide for age, wide in WIDTHS if at < now - age), default=BUCKET_SECONDS)


def add(connection: Connection, counted: Mapping[Tally, int]) -> None:
    """Add counts, as the last step of a transaction.

    A transaction that waits for one of these rows holds all other rows that it needs.
    """
    if counted:
        total = _names(connection).bounded(counted)
        number = shard(connection)
        rows = [{**tally._asdict(), "shard": number, "count": count} for tally, count in sorted(total.items())]
        connection.execute(_ADD[connection.dialect.name], rows)


def add_latencies(connection: Connection, sink: str, durations: Iterable[tuple[float, float]]) -> None:
    """Add the durations of deliveries.

    Each is a pair: its end in epoch seconds, and the seconds since its receipt.
    """
    sums: dict[Latency, list[float]] = {}
    for ended, seconds in durations:
        place = bisect_left(BOUNDS, seconds)
        key = Latency(bucket(ended), sink, BOUNDS[place] if place < len(BOUNDS) else _UNBOUNDED)
        counted = sums.setdefault(key, [0, 0.0])
        counted[0] += 1
        counted[1] += max(0.0, seconds)
    if sums:
        rows = [
            {**key._asdict(), "shard": shard(connection), "count": count, "seconds": seconds}
            for key, (count, seconds) in sorted(sums.items())
        ]
        connection.execute(_ADD_LATENCY[connection.dialect.name], rows)


def errors_since(connection: Connection, since: int) -> int:
    """Return the number of unexpected errors since ``since``, in any process."""
    columns = tables.tallies.c
    count = select(func.sum(columns.count)).where(columns.bucket >= since, columns.what == ERROR)
    return int(connection.execute(count).scalar() or 0)


def shard(connection: Connection) -> int:
    """Return this process's shard of the rows.

    No two processes wait for one row. SQLite has one writer at a time anyway.
    """
    return _OWN_SHARD if connection.dialect.name == "postgresql" else 0


class _Names:
    """Names and causes that are counted under their own name."""

    def __init__(self, connection: Connection) -> None:
        self.read_at = time.monotonic()
        self._expected = _expected.get(connection.engine, frozenset())
        self._events: dict[str, set[str]] = defaultdict(set)
        self._causes: dict[str, set[str]] = defaultdict(set)
        columns = tables.tallies.c
        for row in connection.execute(select(columns.direction, columns.event, columns.cause).distinct()):
            self._events[row.direction].update({row.event} - self._expected)
            self._causes[row.direction].add(row.cause)

    def bounded(self, counted: Mapping[Tally, int]) -> Counter[Tally]:
        """Return the same tallies under names within the limit."""
        total: Counter[Tally] = Counter()
        for tally, count in counted.items():
            event = tally.event[:LONGEST_NAME]
            if event not in self._expected:
                event = _admitted(event, self._events[tally.direction])
            cause = _admitted(tally.cause, self._causes[tally.direction])
            total[tally._replace(event=event, cause=cause)] += count
        return total


def _admitted(name: str, known: set[str]) -> str:
    if name not in known and len(known) >= MOST_NAMES:
        return OTHER
    known.add(name)
    return name


# Read once in a while per database and process: folding frees names. Several processes may admit a few more.
_known: WeakKeyDictionary[Engine, _Names] = WeakKeyDictionary()
_expected: WeakKeyDictionary[Engine, frozenset[str]] = WeakKeyDictionary()


def expect(engine: Engine, names: Iterable[str]) -> None:
    """Count these names of events under their own name, however many others there are."""
    _expected[engine] = frozenset(name[:LONGEST_NAME] for name in names)
    _known.pop(engine, None)


def expected(engine: Engine) -> frozenset[str]:
    """Return the names that were given to ``expect``."""
    return _expected.get(engine, frozenset())


def _names(connection: Connection) -> _Names:
    names = _known.get(connection.engine)
    if names is None or time.monotonic() - names.read_at > READ_SECONDS:
        names = _known[connection.engine] = _Names(connection)
    return names


def _adding(dialect: str, table: Any, *summed: str) -> Any:
    insertion = INSERT[dialect](table)
    values = {name: table.c[name] + insertion.excluded[name] for name in summed}
    return insertion.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)


# Built once, like all statements that run often.
_ADD = {dialect: _adding(dialect, tables.tallies, "count") for dialect in INSERT}
_ADD_LATENCY = {dialect: _adding(dialect, tables.latencies, "count", "seconds") for dialect in INSERT}
