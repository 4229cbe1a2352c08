"""What an operator reads: which events there are, and one event's whole story."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from bridge.delivery.retention import missing
from bridge.delivery.search import STATUSES, Filter, fitting, standing
from bridge.delivery.store import unpack
from bridge.delivery.tables import attempts, deliveries, events

__all__ = ["STATUSES", "Attempt", "Delivered", "Entry", "Filter", "Story", "counts", "entries", "story"]


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in a list. ``status`` is where its delivery stands, if it has one. Times are epoch seconds."""

    id: str
    received_at: float
    direction: str
    event: str
    status: str
    reason: str
    customer: str | None
    repeats: int
    attempts: int
    settled_at: float | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to a service: when, for how long, and what came of it."""

    at: float
    seconds: float
    outcome: str
    code: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """One delivery: what is sent under which key, and every attempt."""

    sink: str
    key: str
    status: str
    due_at: float
    settled_at: float | None
    payload: bytes
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """Everything about one event."""

    entry: Entry
    body: bytes
    deliveries: tuple[Delivered, ...]


def entries(connection: Connection, wanted: Filter, limit: int) -> list[Entry]:
    """The newest ``limit`` events that fit, newest first; one with several deliveries is there once for each.

    The id of the last, as ``before``, is where the next page begins.
    """
    ids = fitting(connection, wanted, limit)
    statement = _entries().where(events.c.id.in_(ids), *standing(wanted)).order_by(events.c.id.desc(), deliveries.c.id)
    return [_entry(row) for row in connection.execute(statement)]


def story(connection: Connection, event_id: str) -> Story:
    """All of one event.

    Raises:
        NoSuchEvent: there is none of that id.
    """
    row = connection.execute(_entries().add_columns(events.c.body).where(events.c.id == event_id)).first()
    if row is None:
        raise missing(event_id)
    found = connection.execute(
        select(deliveries).where(deliveries.c.event_id == event_id).order_by(deliveries.c.id)
    ).all()
    return Story(_entry(row), unpack(row.body), tuple(_delivered(connection, one) for one in found))


def counts(connection: Connection) -> dict[tuple[str, str], int]:
    """How many events there are by (event name, status)."""
    status = func.coalesce(deliveries.c.status, events.c.status)
    statement = select(events.c.event, status, func.count()).select_from(_JOINED).group_by(events.c.event, status)
    return {(row[0], row[1]): row[2] for row in connection.execute(statement)}


_JOINED = events.outerjoin(deliveries, deliveries.c.event_id == events.c.id)


def _entries() -> Select[Any]:
    return select(
        events.c.id,
        events.c.received_at,
        events.c.direction,
        events.c.event,
        func.coalesce(deliveries.c.status, events.c.status).label("status"),
        func.coalesce(func.nullif(events.c.reason, ""), deliveries.c.cause, "").label("reason"),
        events.c.customer,
        events.c.repeats,
        func.coalesce(deliveries.c.attempts, 0).label("attempts"),
        deliveries.c.settled_at,
    ).select_from(_JOINED)


def _entry(row: Row[Any]) -> Entry:
    return Entry(*tuple(row)[:10])


def _delivered(connection: Connection, row: Row[Any]) -> Delivered:
    tries = connection.execute(
        select(attempts.c.at, attempts.c.seconds, attempts.c.outcome, attempts.c.code, attempts.c.detail)
        .where(attempts.c.delivery_id == row.id)
        .order_by(attempts.c.claim)
    )
    return Delivered(
        row.sink,
        row.key,
        row.status,
        row.due_at,
        row.settled_at,
        unpack(row.payload),
        tuple(Attempt(*tried) for tried in tries),
    )
