"""Lists of events, and the full history of one event."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, func, or_, select
from ulid import ULID

from bridge.delivery.database.packing import unpack
from bridge.delivery.database.tables import attempts, deliveries, events, messages, repeats, responses
from bridge.delivery.inbox import outcomes
from bridge.delivery.rules.retry import Fate
from bridge.errors import NoSuchEvent
from bridge.messages import ID_LENGTH, LAST_SUFFIX, Status
from bridge.operations.search import STATUSES, Filter, all_conditions, fitting, standing
from bridge.translation import holds_none, own_bytes

__all__ = ["STATUSES", "Attempt", "Delivered", "Entry", "Filter", "Story", "counts", "entries", "of_message", "story"]


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in a list.

    ``status`` is that of its delivery, if it has one. Times are epoch seconds.
    """

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
    """One call to a service: its time, duration and outcome."""

    at: float
    seconds: float
    outcome: str
    code: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """One delivery: its payload, its key, and its attempts.

    Attributes:
        attempts_between: number of attempts after the first that are not stored.
    """

    sink: str
    key: str
    status: str
    due_at: float
    settled_at: float | None
    payload: bytes
    attempts: tuple[Attempt, ...]
    attempts_between: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """Everything about one event.

    Attributes:
        door: the path of its request.
        body: the bytes of its message: of a batch, all of it.
        repeat_id: the requested id, if that is a duplicate of this event.
    """

    entry: Entry
    door: str
    body: bytes
    deliveries: tuple[Delivered, ...]
    repeat_id: str = ""


def entries(connection: Connection, wanted: Filter, limit: int) -> list[Entry]:
    """Return the newest ``limit`` events that match, newest first.

    An event with several deliveries is listed once for each. The id of the last, as ``before``, begins the next page.
    """
    ids = fitting(connection, wanted, limit)
    statement = _entries().where(events.c.id.in_(ids), *standing(wanted)).order_by(events.c.id.desc(), deliveries.c.id)
    return [_entry(row) for row in connection.execute(statement)]


PENDING = "pending"
"""Status of a message that waits for translation."""


EMPTY = "it holds no event"
"""Reason of a message without events."""


def story(connection: Connection, event_id: str) -> Story:
    """Return everything about one event.

    The id of a duplicate stands for the event that it repeats. Of a pending message, it returns what is known.

    Raises:
        NoSuchEvent: there is no event of that id.
    """
    first = original(connection, event_id)
    message = connection.execute(select(messages).where(messages.c.id == first[:ID_LENGTH])).first()
    door, body = (message.door, unpack(message.body)) if message else ("", b"")
    entry = _one(connection, first)
    if entry is None and message is not None:
        entry = _untranslated(connection, message, body, event_id)
    if entry is None:
        raise missing(event_id)
    rows = connection.execute(select(deliveries).where(deliveries.c.event_id == entry.id).order_by(deliveries.c.id))
    delivered = tuple(_delivered(connection, one) for one in rows.all())
    return Story(
        entry, door, own_bytes(door, body, entry.id), delivered, repeat_id="" if first == event_id else event_id
    )


def original(connection: Connection, event_id: str) -> str:
    """Return the event that ``event_id`` repeats, or ``event_id`` itself."""
    first: str | None = connection.execute(select(repeats.c.event_id).where(repeats.c.id == event_id)).scalar()
    return first or event_id


def missing(event_id: str) -> NoSuchEvent:
    """Return the error for a missing event.

    It says whether retention may have deleted the event.
    """
    text = f"there is no event {event_id}"
    try:
        came_in = ULID.from_str(event_id[:ID_LENGTH]).datetime.date()
    except (ValueError, OverflowError):
        return NoSuchEvent(text)
    return NoSuchEvent(
        f"{text}; retention may have deleted it, if it was received on {came_in}: see BRIDGE_RETENTION_DAYS"
    )


def _one(connection: Connection, event_id: str) -> Entry | None:
    row = connection.execute(_entries().where(events.c.id == event_id)).first()
    return _entry(row) if row else None


def _untranslated(connection: Connection, message: Row[Any], body: bytes, event_id: str) -> Entry | None:
    """Return what is known of a message without events."""
    if _is_translated(connection, message.id):
        return _one(connection, event_id)  # it was translated meanwhile, or the id is behind its last event
    status, reason = (Status.IGNORED, EMPTY) if holds_none(message.door, body) else (PENDING, "")
    return Entry(message.id, message.received_at, message.direction, "", status, reason, None, 0, 0, None)


def _is_translated(connection: Connection, message_id: str) -> bool:
    """Return whether the message has events or repeats."""
    own = [column.between(message_id, message_id + LAST_SUFFIX) for column in (events.c.id, repeats.c.id)]
    stored, repeated = (exists().where(one) for one in own)
    return bool(connection.execute(select(or_(stored, repeated))).scalar())


def of_message(connection: Connection, message_id: str) -> list[Entry]:
    """Return the events of a batch, in their order.

    In place of a duplicate, it returns the event that it repeats.
    """
    ids = [one.id for one in outcomes(connection, message_id)]
    rows = connection.execute(_entries().where(events.c.id.in_(ids)).order_by(deliveries.c.id))
    by_id: dict[str, list[Entry]] = {}
    for row in rows:
        by_id.setdefault(row.id, []).append(_entry(row))
    return [entry for one in ids for entry in by_id.get(one, ())]


def counts(connection: Connection, wanted: Filter) -> dict[tuple[str, str], int]:
    """Return the number of matching events, by (event name, status)."""
    status = func.coalesce(deliveries.c.status, events.c.status)
    fitting_ones = select(events.c.event, status, func.count()).select_from(_JOINED).where(*all_conditions(wanted))
    statement = fitting_ones.group_by(events.c.event, status)
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
    tried = _attempts(connection, row.id)
    if row.status == Fate.DELIVERED and row.seconds is not None and row.settled_at is not None:
        is_told = any(one.outcome == Fate.DELIVERED for one in tried)
        success = Attempt(row.settled_at - row.seconds, row.seconds, Fate.DELIVERED, row.code, "")
        tried += [] if is_told else [success]
    return Delivered(
        row.sink,
        row.key,
        row.status,
        row.due_at,
        row.settled_at,
        unpack(row.payload),
        tuple(tried),
        row.omitted,
    )


def _attempts(connection: Connection, delivery_id: int) -> list[Attempt]:
    own = attempts.c
    rows = connection.execute(
        select(own.at, own.seconds, own.outcome, own.code, own.detail, responses.c.body)
        .select_from(attempts.outerjoin(responses, responses.c.digest == own.response))
        .where(own.delivery_id == delivery_id)
        .order_by(own.claim)
    )
    return [
        Attempt(row.at, row.seconds, row.outcome, row.code, unpack(row.body).decode() if row.body else row.detail)
        for row in rows
    ]
