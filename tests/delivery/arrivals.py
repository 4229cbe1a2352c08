"""Messages for a store: small, and as new or as old as a test wants them."""

import hashlib
from typing import Any

from sqlalchemy import Table, func, select
from ulid import ULID

from bridge.arrival import Arrival, Identity, Outgoing, Status
from bridge.delivery.database import Database
from bridge.delivery.group_commit import GroupCommit
from bridge.delivery.store import Message, Received

SINK = "segment"
DOOR, DIRECTION = "webhooks/voucherify", "to_segment"


def received(  # noqa: PLR0913 - each is what some test is about
    call: str | None = "call",
    *keys: str,
    content: str = "content",
    at: float = 1_000.0,
    status: Status = Status.ACCEPTED,
    payload: bytes = b'{"a": 1}',
    customer: str | None = "anna-1",
) -> Received:
    """A message of the event ``call`` that makes a delivery under each of ``keys``, or one under its own name."""
    identity = Identity(_digest(call), _digest(content)) if call is not None else None
    named = keys or ((call or "nameless",) if status is Status.ACCEPTED else ())
    outgoing = tuple(Outgoing(SINK, key, payload) for key in named)
    reason = "" if status is Status.ACCEPTED else "a reason"
    arrival = Arrival(status, "Customer Rewarded", reason, customer, identity, outgoing)
    return packed(f"{call} {content}".encode(), arrival, at)


def packed(body: bytes, arrival: Arrival, at: float) -> Received:
    """A message that came in at ``at``, as an intake hands it on."""
    return Received.pack(Message(str(ULID.from_timestamp(at)), DOOR, DIRECTION, body, at), arrival)


def keep(database: Database, *all_received: Received) -> list[str]:
    """Store them; the ids of their events."""
    commit = GroupCommit(database)
    return [kept.id for one in all_received for kept in commit.keep_all([one])]


def rows(database: Database, table: Table) -> list[dict[str, Any]]:
    """All rows, in the order of their first column."""
    with database.reading() as connection:
        found = connection.execute(select(table).order_by(next(iter(table.c)))).mappings().all()
    return [dict(row) for row in found]


def count(database: Database, table: Table) -> int:
    """How many rows."""
    with database.reading() as connection:
        found: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return found


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
