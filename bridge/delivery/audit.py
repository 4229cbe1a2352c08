"""Who did what by hand, and when. A record is written in the transaction that does it, so there is none without it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, insert, select
from ulid import ULID

from bridge.delivery.database.tables import audit, bulk_replays

STEP = 500
"""Records that are removed in one transaction."""

_ID_TIME = 10
"""Characters of an id that are its time."""


class Deed(StrEnum):
    """What is recorded."""

    SIGNED_IN = "signed in"
    REVEALED = "saw customer data"
    REPLAYED = "replayed"
    DISCARDED = "discarded"
    MARKED = "marked as delivered"
    SENT_AGAIN = "sent again"
    BULK_BEGUN = "began a bulk replay"
    BULK_STOPPED = "stopped a bulk replay"
    PAUSED = "paused"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class Record:
    """One deed. ``at`` is in epoch seconds; ``who`` is the way in and the name that was given there."""

    id: str
    at: float
    who: str
    did: str
    event_id: str | None
    detail: str


def record(  # noqa: PLR0913 - a record's columns
    connection: Connection,
    who: str,
    did: Deed,
    now: float,
    *,
    event_id: str | None = None,
    detail: str = "",
    record_id: str | None = None,
) -> None:
    """Write a record, under an id that was given before if there is one."""
    row = {"id": record_id or str(ULID.from_timestamp(now)), "at": now, "who": who, "did": did}
    connection.execute(insert(audit).values(**row, event_id=event_id, detail=detail))


def trail(connection: Connection, limit: int, before: str | None = None) -> list[Record]:
    """The newest records, newest first; only those older than the record ``before``, if it is given."""
    older: list[Any] = [] if before is None else [audit.c.id < before]
    statement = select(audit).where(*older).order_by(audit.c.id.desc()).limit(limit)
    return [Record(*row) for row in connection.execute(statement)]


def of_event(connection: Connection, event_id: str) -> list[Record]:
    """What was done with one event, oldest first."""
    statement = select(audit).where(audit.c.event_id == event_id).order_by(audit.c.id)
    return [Record(*row) for row in connection.execute(statement)]


def sweep_records(connection: Connection, mark: str, before: float) -> str:
    """Remove what was recorded ``before`` (epoch seconds), of the next few records.

    Args:
        mark: where to go on; "" at the beginning.

    Returns:
        Where to go on; "" when the end is reached.
    """
    end = str(ULID.from_timestamp(before))[:_ID_TIME]
    oldest = select(audit.c.id).where(audit.c.id > mark, audit.c.id < end).order_by(audit.c.id).limit(STEP)
    gone = connection.execute(oldest).scalars().all()
    connection.execute(delete(audit).where(audit.c.id.in_(gone)))
    # There are never many: each was begun by hand.
    connection.execute(delete(bulk_replays).where(bulk_replays.c.id < end, bulk_replays.c.ended_at.is_not(None)))
    return gone[-1] if len(gone) == STEP else ""
