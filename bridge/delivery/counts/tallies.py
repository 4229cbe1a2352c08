"""Counting what happens, in the transaction in which it happens: so the counts are right whatever is killed.

A count belongs to an interval of five minutes. Older ones are held by longer intervals, and what is older than eight
days in one for all time: see ``folding``. So the total is the sum over all buckets, at any time.
"""

import secrets
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, func, select

from bridge.delivery.database import tables
from bridge.delivery.database.engine import INSERT

BUCKET = 300
"""Seconds."""

BOUNDS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0, 21_600.0, 86_400.0)
"""Seconds from receipt to delivery: the upper bounds of the histogram, before one without a bound."""

HOUR = 3600
WIDTHS = ((2 * HOUR, 1800), (26 * HOUR, 3 * HOUR))
"""From which age on, in seconds, how long an interval is: counts are kept for who looks at an hour, a day, a week."""
TOTAL_AFTER = 8 * 24 * HOUR
"""Seconds after which only the total is kept."""

RETRIED, REFUSED, ERROR = "retried", "refused", "error"
"""What is counted beside statuses and fates: a try that must be made again, a call that does not prove who sent it, and
an unexpected error, whose ``event`` is the thread that it ended in."""

OF_THE_BRIDGE = "bridge"
"""The direction of unexpected errors: of neither."""

LONGEST_NAME = 100
MOST_NAMES = 200
"""Different names, and different causes, of one direction; those beyond count as ``OTHER``. Both are free text."""
OTHER = "(other)"

_UNBOUNDED = float("inf")

_OWN_SHARD = secrets.randbits(62)


class Tally(NamedTuple):
    """What is counted: ``what`` is a status, a fate, ``RETRIED`` or ``REFUSED``."""

    bucket: int
    direction: str
    event: str
    what: str
    cause: str = ""


class Latency(NamedTuple):
    """Deliveries that took no longer than ``up_to`` seconds, and longer than the bound before."""

    bucket: int
    sink: str
    up_to: float


def bucket(at: float) -> int:
    """The interval of a time in epoch seconds."""
    return int(at) // BUCKET * BUCKET


def width(at: int, now: float) -> int:
    """How long the interval that began at ``at`` is, or may be by now."""
    return max((wide for age, wide in WIDTHS if at < now - age), default=BUCKET)


def add(connection: Connection, counted: Mapping[Tally, int]) -> None:
    """Count. The last thing in a transaction: whoever waits for one of these rows holds all others that it needs."""
    if counted:
        total = _names(connection).bounded(counted)
        number = shard(connection)
        rows = [{**tally._asdict(), "shard": number, "count": count} for tally, count in sorted(total.items())]
        connection.execute(_ADD[connection.dialect.name], rows)


def add_latencies(connection: Connection, sink: str, taken: Iterable[tuple[float, float]]) -> None:
    """Count deliveries: (when each ended, in epoch seconds; how many seconds after its receipt)."""
    sums: dict[Latency, list[float]] = {}
    for ended, seconds in taken:
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
    """How many unexpected errors there were, in any process, from the interval ``since`` on."""
    columns = tables.tallies.c
    count = select(func.sum(columns.count)).where(columns.bucket >= since, columns.what == ERROR)
    return int(connection.execute(count).scalar() or 0)


def shard(connection: Connection) -> int:
    """This process's own rows: no two processes wait for one row. SQLite has one writer at a time anyway."""
    return _OWN_SHARD if connection.dialect.name == "postgresql" else 0


class _Names:
    """Which names and causes are counted under their own."""

    def __init__(self, connection: Connection) -> None:
        self._events: dict[str, set[str]] = defaultdict(set)
        self._causes: dict[str, set[str]] = defaultdict(set)
        columns = tables.tallies.c
        for row in connection.execute(select(columns.direction, columns.event, columns.cause).distinct()):
            self._events[row.direction].add(row.event)
            self._causes[row.direction].add(row.cause)

    def bounded(self, counted: Mapping[Tally, int]) -> Counter[Tally]:
        """The same, under names that there is room for."""
        total: Counter[Tally] = Counter()
        for tally, count in counted.items():
            event = _admitted(tally.event[:LONGEST_NAME], self._events[tally.direction])
            cause = _admitted(tally.cause, self._causes[tally.direction])
            total[tally._replace(event=event, cause=cause)] += count
        return total


def _admitted(name: str, known: set[str]) -> str:
    if name not in known and len(known) >= MOST_NAMES:
        return OTHER
    known.add(name)
    return name


# Read once a database and process. Several processes may admit a few more: what is bounded is what they write for ever.
_known: WeakKeyDictionary[Engine, _Names] = WeakKeyDictionary()


def _names(connection: Connection) -> _Names:
    names = _known.get(connection.engine)
    if names is None:
        names = _known[connection.engine] = _Names(connection)
    return names


def _adding(dialect: str, table: Any, *summed: str) -> Any:
    insertion = INSERT[dialect](table)
    values = {name: table.c[name] + insertion.excluded[name] for name in summed}
    return insertion.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)


# Made once, as all statements that are executed often.
_ADD = {dialect: _adding(dialect, tables.tallies, "count") for dialect in INSERT}
_ADD_LATENCY = {dialect: _adding(dialect, tables.latencies, "count", "seconds") for dialect in INSERT}
