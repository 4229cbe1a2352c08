"""Numbers of a monitoring system: totals of all time, and the present state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from bridge.delivery.database.tables import latencies, tallies
from bridge.delivery.inbox import QueueState, queues
from bridge.delivery.outbox import SinkState, sink_states
from bridge.operations.monitoring.backlog import oldest_waiting, standing
from bridge.operations.monitoring.concerns import Concern, concerns


@dataclass(frozen=True, slots=True)
class Histogram:
    """Durations of deliveries: buckets of (upper bound in seconds, number), and a sum.

    A bucket does not contain the buckets below it.
    """

    counts: Sequence[tuple[float, int]]
    seconds: float


@dataclass(frozen=True, slots=True)
class Measures:
    """All measures.

    Attributes:
        totals: (direction, event, what, number of all time); see ``Tally``.
        latencies: by sink.
        standing: number of deliveries by (sink, fate), without the delivered ones.
        oldest_waiting: by sink, in seconds; 0 if none waits.
    """

    totals: Sequence[tuple[str, str, str, int]]
    latencies: Mapping[str, Histogram]
    standing: Mapping[tuple[str, str], int]
    oldest_waiting: Mapping[str, float]
    sinks: Sequence[SinkState]
    queues: Sequence[QueueState]
    concerns: Sequence[Concern]


def measures(connection: Connection, now: float) -> Measures:
    """Read all measures; ``now`` in epoch seconds."""
    states, queue_states = sink_states.states(connection, now), queues.states(connection, now)
    return Measures(
        totals=_totals(connection),
        latencies=_latencies(connection),
        standing=standing(connection),
        oldest_waiting={one.name: oldest_waiting(connection, one.name, now) or 0.0 for one in states},
        sinks=states,
        queues=queue_states,
        concerns=concerns(connection, states, queue_states, now),
    )


def _totals(connection: Connection) -> Sequence[tuple[str, str, str, int]]:
    columns = tallies.c
    key = (columns.direction, columns.event, columns.what)
    rows = connection.execute(select(*key, func.sum(columns.count)).group_by(*key).order_by(*key))
    return [(row[0], row[1], row[2], int(row[3])) for row in rows]


def _latencies(connection: Connection) -> Mapping[str, Histogram]:
    columns = latencies.c
    key = (columns.sink, columns.up_to)
    statement = select(*key, func.sum(columns.count), func.sum(columns.seconds)).group_by(*key).order_by(*key)
    by_sink: dict[str, Histogram] = {}
    for sink, up_to, count, seconds in connection.execute(statement):
        before = by_sink.get(sink, Histogram((), 0.0))
        by_sink[sink] = Histogram([*before.counts, (up_to, int(count))], before.seconds + seconds)
    return by_sink
