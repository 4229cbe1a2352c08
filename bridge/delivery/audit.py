"""Audit: the record of the actions of operators.

The transaction of an action writes its record, so no action is without one.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, insert, select
from ulid import ULID

from bridge.delivery.database.tables import audit, bulk_replays

STEP = 500
"""Records that one transaction deletes."""

_ID_TIME = 10
"""Characters of an id that are its time."""


class Deed(StrEnum):
    """Kinds of recorded actions."""

    SIGNED_IN = "signed in"
    SIGNED_OUT = "signed out"
    REVEALED = "saw customer data"
    SEARCHED = "searched errors"
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
    """One action; ``at`` is in epoch seconds, ``who`` the access and the name."""

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
    """Write a record, under an id that was reserved before if there is one."""
    row = {"id": record_id or str(ULID.from_timestamp(now)), "at": now, "who": who, "did": did}
    connection.execute(insert(audit).values(**row, event_id=event_id, detail=detail))


def has_recorded(connection: Connection, who: str, did: Deed, detail: str, since: float) -> bool:
    """Return whether there is such a record since then (epoch seconds)."""
    first = str(ULID.from_timestamp(since))[:_ID_TIME]
    own = (audit.c.id >= first, audit.c.who == who, audit.c.did == did, audit.c.detail == detail)
    return connection.execute(select(audit.c.id).where(*own).limit(1)).first() is not None


def trail(connection: Connection, limit: int, before: str | None = None) -> list[Record]:
    """Return the newest records, newest first.

    With ``before``, only those older than that record.
    """
    older: list[Any] = [] if before is None else [audit.c.id < before]
    statement = select(audit).where(*older).order_by(audit.c.id.desc()).limit(limit)
    return [Record(*row) for row in connection.execute(statement)]


def of_event(connection: Connection, event_id: str) -> list[Record]:
    """Return the actions on one event, oldest first."""
    statement = select(audit).where(audit.c.event_id == event_id).order_by(audit.c.id)
    return [Record(*row) for row in connection.execute(statement)]


def sweep_records(connection: Connection, mark: str, before: float) -> str:
    """Delete what was recorded ``before`` (epoch seconds), of the next records.

    Args:
        mark: where to continue; "" at the beginning.

    Returns:
        Where to continue; "" at the end.
    """
    end = str(ULID.from_timestamp(before))[:_ID_TIME]
    oldest = select(audit.c.id).where(audit.c.id > mark, audit.c.id < end).order_by(audit.c.id).limit(STEP)
    ids = connection.execute(oldest).scalars().all()
    connection.execute(delete(audit).where(audit.c.id.in_(ids)))
    # There are never many, since operators begin them.
    connection.execute(delete(bulk_replays).where(bulk_replays.c.id < end, bulk_replays.c.ended_at.is_not(None)))
    return ids[-1] if len(ids) == STEP else ""
