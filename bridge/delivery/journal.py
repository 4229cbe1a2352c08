"""What an operator reads: which events there are, and one event's whole story."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, and_, cast, func, or_, select

from bridge.delivery.retry import Fate
from bridge.delivery.store import unpack
from bridge.delivery.tables import attempts, deliveries, events
from bridge.errors import NoSuchEvent


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events; what is None does not matter.

    Attributes:
        status: what became of it when it came in (ignored, quarantined), or where its delivery stands
            (waiting, delivered, dead).
        event: its name, as at Segment.
        customer: the ``source_id``.
        before: an event's id; only older ones.
    """

    status: str | None = None
    event: str | None = None
    customer: str | None = None
    direction: str | None = None
    before: str | None = None


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
    """The newest events that fit, newest first; an event with several deliveries is there once for each."""
    statement = _entries().where(*_conditions(wanted)).order_by(events.c.id.desc()).limit(limit)
    return [_entry(row) for row in connection.execute(statement)]


def story(connection: Connection, event_id: str) -> Story:
    """All of one event.

    Raises:
        NoSuchEvent: there is none of that id.
    """
    row = connection.execute(_entries().add_columns(events.c.body).where(events.c.id == event_id)).first()
    if row is None:
        raise NoSuchEvent(f"there is no event {event_id}")
    found = connection.execute(
        select(deliveries).where(deliveries.c.event_id == event_id).order_by(deliveries.c.id)
    ).all()
    return Story(_entry(row), unpack(row.body), tuple(_delivered(connection, one) for one in found))


def counts(connection: Connection) -> dict[tuple[str, str], int]:
    """How many events there are by (event name, status)."""
    status = func.coalesce(deliveries.c.status, events.c.status)
    statement = select(events.c.event, status, func.count()).select_from(_JOINED).group_by(events.c.event, status)
    return {(row[0], row[1]): row[2] for row in connection.execute(statement)}


_LAST_OUTCOME = (
    select(attempts.c.outcome + func.coalesce(" " + cast(attempts.c.code, Text), ""))
    .where(attempts.c.delivery_id == deliveries.c.id, deliveries.c.status != Fate.DELIVERED)
    .order_by(attempts.c.claim.desc())
    .limit(1)
    .scalar_subquery()
)
"""Why a delivery is not delivered: what its last attempt came to."""

_JOINED = events.outerjoin(deliveries, deliveries.c.event_id == events.c.id)


def _entries() -> Select[Any]:
    return select(
        events.c.id,
        events.c.received_at,
        events.c.direction,
        events.c.event,
        func.coalesce(deliveries.c.status, events.c.status).label("status"),
        func.coalesce(func.nullif(events.c.reason, ""), _LAST_OUTCOME, "").label("reason"),
        events.c.customer,
        events.c.repeats,
        func.coalesce(deliveries.c.attempts, 0).label("attempts"),
        deliveries.c.settled_at,
    ).select_from(_JOINED)


def _conditions(wanted: Filter) -> list[Any]:
    exact = {events.c.event: wanted.event, events.c.customer: wanted.customer, events.c.direction: wanted.direction}
    conditions: list[Any] = [column == value for column, value in exact.items() if value is not None]
    if wanted.before is not None:
        conditions.append(events.c.id < wanted.before)
    if wanted.status is not None:
        undelivered = and_(deliveries.c.id.is_(None), events.c.status == wanted.status)
        conditions.append(or_(deliveries.c.status == wanted.status, undelivered))
    return conditions


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
