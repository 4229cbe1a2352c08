"""Overview: the state of both directions, read from the counts.

Reading it takes as long with a million events as with one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, func, select
from ulid import ULID

from bridge.delivery.counts.tallies import OF_THE_BRIDGE, REFUSED, RETRIED, bucket
from bridge.delivery.database.tables import events, latencies, tallies
from bridge.delivery.inbox import QueueState, queues
from bridge.delivery.outbox import SinkState, sink_states
from bridge.delivery.rules.retry import Fate
from bridge.directions import DIRECTIONS
from bridge.messages import ID_LENGTH, Status
from bridge.operations.monitoring.backlog import oldest_waiting, standing
from bridge.operations.monitoring.concerns import Concern, concerns
from bridge.operations.monitoring.percentiles import percentile

_FAILED = (Fate.DEAD, Fate.UNCERTAIN)
_OPEN = (Fate.WAITING, Fate.QUEUED, Fate.SENDING)


@dataclass(frozen=True, slots=True)
class Period:
    """Length of a period, and of one step of its chart, in seconds."""

    seconds: int
    step: int

    def since(self, now: float) -> int:
        """Return its start in epoch seconds, at the start of an interval."""
        return bucket(now - self.seconds) // self.step * self.step


PERIODS: Mapping[str, Period] = {
    "1h": Period(3600, 300),
    "24h": Period(86_400, 1800),
    "7d": Period(7 * 86_400, 3 * 3600),
}


@dataclass(frozen=True, slots=True)
class Flow:
    """Numbers of one direction.

    Attributes:
        received: within the period, with the ignored, quarantined and repeated ones (``duplicates``).
        delivered, failed, retried: deliveries within the period. Failed is dead or uncertain.
        refused: requests within the period without a valid proof of their sender.
        waiting, dead, uncertain: deliveries with this status now, of any age.
        oldest_waiting: seconds since the receipt or replay of the oldest waiting one; None if none waits.
        p50, p95: seconds from receipt to delivery, of those delivered within the period; None if there are none.
    """

    direction: str
    received: int
    duplicates: int
    ignored: int
    quarantined: int
    delivered: int
    failed: int
    retried: int
    refused: int
    waiting: int
    dead: int
    uncertain: int
    oldest_waiting: float | None
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Point:
    """One step of a chart, from ``at`` (epoch seconds) on."""

    direction: str
    at: int
    delivered: int
    failed: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """A frequent failure within the period.

    Attributes:
        what: ``dead``, ``uncertain``, ``retried`` or ``quarantined``.
        cause: in a few words; as ``Filter.error``, it finds the events.
    """

    direction: str
    what: str
    cause: str
    count: int


@dataclass(frozen=True, slots=True)
class Named:
    """Events of one name within the period.

    ``last_at`` is the receipt of the last one, in epoch seconds.
    """

    direction: str
    event: str
    received: int
    delivered: int
    failed: int
    last_at: float


@dataclass(frozen=True, slots=True)
class Overview:
    """All numbers of the overview, at one moment (epoch seconds)."""

    at: float
    period: str
    since: int
    flows: tuple[Flow, ...]
    concerns: tuple[Concern, ...]
    sinks: tuple[SinkState, ...]
    queues: tuple[QueueState, ...]
    points: tuple[Point, ...]
    troubles: tuple[Trouble, ...]
    events: tuple[Named, ...]


def overview(connection: Connection, period: str, now: float) -> Overview:
    """Return the overview of one of ``PERIODS``."""
    chosen = PERIODS[period]
    since = chosen.since(now)
    counted = _counted(connection, since)
    states, queue_states = sink_states.states(connection, now), queues.states(connection, now)
    return Overview(
        now,
        period,
        since,
        flows=tuple(_flows(connection, counted, since, now)),
        concerns=concerns(connection, states, queue_states, now),
        sinks=states,
        queues=queue_states,
        points=tuple(_points(connection, chosen, since, now)),
        troubles=_troubles(counted),
        events=tuple(_named(connection, counted)),
    )


def _counted(connection: Connection, since: int) -> Sequence[Any]:
    columns = tallies.c
    key = (columns.direction, columns.event, columns.what, columns.cause)
    statement = (
        select(*key, func.sum(columns.count).label("total"), func.max(columns.bucket).label("last"))
        .where(columns.bucket >= since, columns.direction != OF_THE_BRIDGE)
        .group_by(*key)
    )
    return connection.execute(statement).all()


def _total(counted: Sequence[Any], *whats: str) -> int:
    return int(sum(row.total for row in counted if row.what in whats))


def _flows(connection: Connection, counted: Sequence[Any], since: int, now: float) -> Iterator[Flow]:
    stands = standing(connection)
    histograms = _histograms(connection, since)
    for direction, sink in ((row.key, row.sink) for row in DIRECTIONS.values()):
        mine = [row for row in counted if row.direction == direction]
        histogram = histograms.get(sink, [])
        yield Flow(
            direction,
            received=_total(mine, *Status),
            duplicates=_total(mine, Status.DUPLICATE),
            ignored=_total(mine, Status.IGNORED),
            quarantined=_total(mine, Status.QUARANTINED),
            delivered=_total(mine, Fate.DELIVERED),
            failed=_total(mine, *_FAILED),
            retried=_total(mine, RETRIED),
            refused=_total(mine, REFUSED),
            waiting=sum(stands.get((sink, fate), 0) for fate in _OPEN),
            dead=stands.get((sink, Fate.DEAD), 0),
            uncertain=stands.get((sink, Fate.UNCERTAIN), 0),
            oldest_waiting=oldest_waiting(connection, sink, now),
            p50=percentile(histogram, 0.5),
            p95=percentile(histogram, 0.95),
        )


def _histograms(connection: Connection, since: int) -> dict[str, list[tuple[float, int]]]:
    """Return, by sink, (upper bound, number) in the order of the bounds."""
    columns = latencies.c
    key = (columns.sink, columns.up_to)
    statement = select(*key, func.sum(columns.count)).where(columns.bucket >= since).group_by(*key).order_by(*key)
    rows = connection.execute(statement)
    return {sink: [(row[1], int(row[2])) for row in group] for sink, group in groupby(rows, key=lambda row: row[0])}


def _points(connection: Connection, period: Period, since: int, now: float) -> Iterator[Point]:
    """Return a point for each direction and step, also for empty steps."""
    columns = tallies.c
    step = (columns.bucket - columns.bucket % period.step).label("step")
    statement = (
        select(columns.direction, step, columns.what, func.sum(columns.count))
        .where(columns.bucket >= since, columns.what.in_([Fate.DELIVERED, *_FAILED]))
        .group_by(columns.direction, step, columns.what)
    )
    counts = {(row[0], row[1], row[2]): int(row[3]) for row in connection.execute(statement)}
    for direction in DIRECTIONS:
        for at in range(since, int(now) + 1, period.step):
            failed = sum(counts.get((direction, at, fate), 0) for fate in _FAILED)
            yield Point(direction, at, counts.get((direction, at, Fate.DELIVERED), 0), failed)


def _troubles(counted: Sequence[Any]) -> tuple[Trouble, ...]:
    totals: dict[tuple[str, str, str], int] = {}
    for row in counted:
        if row.cause:
            key = (row.direction, row.what, row.cause)
            totals[key] = totals.get(key, 0) + int(row.total)
    return tuple(Trouble(*key, count) for key, count in sorted(totals.items(), key=lambda one: (-one[1], one[0])))


def _named(connection: Connection, counted: Sequence[Any]) -> Iterator[Named]:
    """Return the most frequent names first."""
    by_name: dict[tuple[str, str], list[Any]] = {}
    for row in counted:
        by_name.setdefault((row.direction, row.event), []).append(row)
    last = {name: at for name in by_name if (at := _last(connection, *name))}
    names = [
        Named(
            *name,
            received=_total(rows, *Status),
            delivered=_total(rows, Fate.DELIVERED),
            failed=_total(rows, *_FAILED),
            # Events that retention has deleted were received in that interval.
            last_at=last.get(name) or max(row.last for row in rows),
        )
        for name, rows in by_name.items()
        if any(row.what != REFUSED for row in rows)
    ]
    yield from sorted(names, key=lambda one: (-one.received, one.direction, one.event))


def _last(connection: Connection, direction: str, event: str) -> float | None:
    """Return when the last event of a name was received, from its id."""
    newest = connection.execute(_NEWEST, {"of_direction": direction, "named": event}).scalar()
    return ULID.from_str(newest[:ID_LENGTH]).timestamp if newest else None


_NEWEST = select(func.max(events.c.id)).where(
    events.c.direction == bindparam("of_direction"), events.c.event == bindparam("named")
)
