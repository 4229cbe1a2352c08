"""State of each sink: running, paused, or without a worker."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from bridge.delivery.database.engine import INSERT
from bridge.delivery.database.tables import attempts, deliveries, sinks
from bridge.delivery.outbox import recovery
from bridge.delivery.outbox.samples import last_accepted_at
from bridge.delivery.rules.presence import ALIVE_SECONDS, FOREVER, by_hand
from bridge.delivery.rules.retry import Fate
from bridge.delivery.rules.sink import Happened


@dataclass(frozen=True, slots=True)
class SinkState:
    """State of one sink.

    Attributes:
        state: ``running``, ``paused`` (no worker calls it before ``paused_until``, because of ``reason``) or
            ``no worker``.
        paused_until: epoch seconds; None if it is not paused, or until an operator resumes it.
        beat_at: when a worker of it was last known to be alive, in epoch seconds; 0 if never.
    """

    name: str
    state: str
    paused_until: float | None
    reason: str
    beat_at: float


def states(connection: Connection, now: float) -> tuple[SinkState, ...]:
    """Return the state of every sink that has had a worker."""
    return tuple(_state(row, now) for row in connection.execute(select(sinks).order_by(sinks.c.name)))


def refused_since(connection: Connection, sink: str) -> float | None:
    """Return when a service began to refuse the credentials, in epoch seconds.

    None if it has accepted a delivery since.
    """
    refused = (attempts.c.outcome == Happened.FORBIDDEN, attempts.c.at > last_accepted_at(connection, sink))
    waiting = (deliveries.c.sink == sink, deliveries.c.status == Fate.WAITING)
    own = attempts.join(deliveries, deliveries.c.id == attempts.c.delivery_id)
    since: float | None = connection.execute(
        select(func.min(attempts.c.at)).select_from(own).where(*waiting, *refused)
    ).scalar()
    return since


def beat(connection: Connection, names: Collection[str], now: float) -> None:
    """Record that workers deliver to these sinks."""
    if names:
        insertion = INSERT[connection.dialect.name](sinks)
        later = insertion.on_conflict_do_update(
            index_elements=["name"],
            set_={"beat_at": insertion.excluded.beat_at},
            where=sinks.c.beat_at < insertion.excluded.beat_at,
        )
        connection.execute(later, [{"name": name, "beat_at": now} for name in sorted(names)])


def pause(connection: Connection, name: str, until: float) -> None:
    """Pause a sink until a time in epoch seconds."""
    _write(connection, name, until, by_hand(name))


def resume(connection: Connection, name: str, now: float) -> None:
    """End a pause of a sink, of an operator or of the service.

    What waits for the end of the pause becomes due: one delivery now, the rest with each success.
    """
    _write(connection, name, 0.0, "")
    recovery.resume(connection, name, now)


def _write(connection: Connection, name: str, until: float, reason: str) -> None:
    values = {"paused_until": until, "reason": reason}
    insertion = INSERT[connection.dialect.name](sinks).values(name=name, **values)
    connection.execute(insertion.on_conflict_do_update(index_elements=["name"], set_=values))


def _state(row: Row[Any], now: float) -> SinkState:
    if row.paused_until > now:
        until = row.paused_until if row.paused_until < FOREVER else None
        return SinkState(row.name, "paused", until, row.reason, row.beat_at)
    state = "running" if now - row.beat_at <= ALIVE_SECONDS else "no worker"
    return SinkState(row.name, state, None, "", row.beat_at)
