"""Translated messages for the outbox, small and of any age."""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, insert, select
from ulid import ULID

from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import pack
from bridge.delivery.database.tables import messages, rounds
from bridge.delivery.inbox import Replay, Round, unpacked
from bridge.delivery.inbox import packed as packed_messages
from bridge.doors import DOORS, VOUCHERIFY
from bridge.messages import ID_LENGTH, WEBHOOKS, Arrival, EventOutcome, Identity, Message, Outgoing, Status
from bridge.translation.deciding import Unit
from bridge.translation.meaning import Event
from bridge.translation.replaying import Again, replay
from bridge.translation.writing import Step, decide, write

SINK = "segment"
DOOR, DIRECTION = VOUCHERIFY, DOORS[VOUCHERIFY].direction


class Received(NamedTuple):
    """A message, and its translation."""

    message: Message
    arrival: Arrival


def received(  # noqa: PLR0913 - each is what some test is about
    call: str | None = "call",
    *keys: str,
    content: str = "content",
    at: float = 1_000.0,
    status: Status = Status.ACCEPTED,
    payload: bytes = b'{"a": 1}',
    customer: str | None = "anna-1",
) -> Received:
    """Return a message of the event ``call``, with a delivery for each of ``keys``.

    Without keys, it has one delivery under its own name.
    """
    identity = Identity(_digest(call), _digest(content)) if call is not None else None
    named = keys or ((call or "nameless",) if status is Status.ACCEPTED else ())
    outgoing = tuple(Outgoing(SINK, key, payload) for key in named)
    reason = "" if status is Status.ACCEPTED else "a reason"
    arrival = Arrival(status, "Customer Rewarded", reason, customer, identity, outgoing)
    return packed(f"{call} {content}".encode(), arrival, at)


def packed(body: bytes, arrival: Arrival, at: float) -> Received:
    """Return a translated message, received at ``at``."""
    return Received(Message(str(ULID.from_timestamp(at)), WEBHOOKS, DIRECTION, DOOR, at, "", b"", body), arrival)


def keep(database: Database, *all_received: Received) -> list[str]:
    """Write messages, one transaction each, and return the ids of their events."""
    return [kept.id for one in all_received for kept in keep_together(database, one)]


def keep_together(database: Database, *all_received: Received) -> list[EventOutcome]:
    """Write messages in one transaction, as a translator does, and return outcomes."""
    with database.writing() as connection:
        return keep_in(connection, all_received)


def keep_in(connection: Connection, all_received: Sequence[Received]) -> list[EventOutcome]:
    """Write messages in an open transaction, and return outcomes."""
    connection.execute(insert(messages), [_message_row(one.message) for one in all_received])
    taken = Round(str(ULID()), WEBHOOKS, "a test", tuple(one.message.id for one in all_received))
    row = {"id": taken.id, "queue": WEBHOOKS, "holder": "a test", "work": "[]", "lease_expires_at": 0.0}
    connection.execute(insert(rounds), row)
    units = [Unit.of(one.message, Event(one.message.id, one.arrival)) for one in all_received]
    steps = [Step(unit, taken.work[place:], 0) for place, unit in enumerate(units, 1)]
    at = all_received[0].message.at
    written = write(connection, taken, decide(connection, steps, at), {}, at)
    return [one for one in written.outcomes if isinstance(one, EventOutcome)]


def run_again(database: Database, event_id: str, arrival: Arrival, now: float) -> str:
    """Replay an event with ``arrival`` as its translation; return the outcome."""
    with database.writing() as connection:
        row = packed_messages(connection, [event_id[:ID_LENGTH]]).get(event_id[:ID_LENGTH])
        message = unpacked(row) if row else None
        event = Event(event_id, arrival) if message else None
        return replay(connection, Again(Replay(event_id), message, event), now)


def rows(database: Database, table: Table) -> list[dict[str, Any]]:
    """Return all rows, in the order of their first column."""
    with database.reading() as connection:
        found = connection.execute(select(table).order_by(next(iter(table.c)))).mappings().all()
    return [dict(row) for row in found]


def count(database: Database, table: Table) -> int:
    """Return the number of rows."""
    with database.reading() as connection:
        found: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return found


def _message_row(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "queue": message.queue,
        "direction": message.direction,
        "door": message.door,
        "received_at": message.at,
        "request_id": message.request_id,
        "credential": message.credential,
        "body": pack(message.body),
    }


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
