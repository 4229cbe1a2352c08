"""Requests of operators: to translate an event again, or settle its doubt."""

from sqlalchemy import Connection, func, insert, select, update
from ulid import ULID

from bridge.delivery.audit import Deed, record
from bridge.delivery.counts.tallies import Tally, add, bucket
from bridge.delivery.database import tables
from bridge.delivery.outbox import placed
from bridge.delivery.rules.retry import Fate
from bridge.directions import key_of_sink
from bridge.messages import ID_LENGTH
from bridge.operations.discard import bring_back
from bridge.operations.history import missing

TO_BE_TRANSLATED = "to be translated"
"""Outcome of a message that was discarded before its translation."""


def ask(connection: Connection, event_id: str, who: str, now: float) -> str:
    """Request the translation of a stored event.

    Returns the id of the audit record that will hold the outcome.

    Raises:
        NoSuchEvent: there is no event of that id.
    """
    message, event = tables.messages.c, tables.events.c
    own = tables.messages.join(tables.events, message.id == func.substr(event.id, 1, ID_LENGTH))
    queue = connection.execute(select(message.queue).select_from(own).where(event.id == event_id)).scalar()
    if queue is None:
        raise missing(event_id)
    audit_id = str(ULID.from_timestamp(now))
    if bring_back(connection, [event_id]):
        record(connection, who, Deed.REPLAYED, now, event_id=event_id, detail=TO_BE_TRANSLATED, record_id=audit_id)
        return audit_id
    row = {"queue": queue, "event_id": event_id, "audit_id": audit_id, "who": who, "bulk_id": ""}
    connection.execute(insert(tables.replays).values(row))
    return audit_id


def outcome(connection: Connection, audit_id: str) -> str | None:
    """Return the outcome of a replay; None before its translation."""
    detail: str | None = connection.execute(select(tables.audit.c.detail).where(tables.audit.c.id == audit_id)).scalar()
    return detail


def decide(connection: Connection, event_id: str, *, again: bool, now: float) -> int:
    """Settle an event's uncertain deliveries: as delivered, or to be sent again.

    Returns:
        The number of uncertain deliveries.
    """
    columns = tables.deliveries.c
    uncertain = select(columns.id, columns.sink, columns.lane, columns.event).where(
        columns.event_id == event_id, columns.status == Fate.UNCERTAIN
    )
    rows = connection.execute(uncertain.with_for_update()).all()
    for row in rows:
        [placed_row] = placed(connection, [{"sink": row.sink, "lane": row.lane}])
        fate = placed_row["status"] if again else Fate.DELIVERED
        settled_at = None if again else now
        connection.execute(
            update(tables.deliveries)
            .where(columns.id == row.id)
            .values(status=fate, due_at=now, created_at=now, doubt_since=None, settled_at=settled_at, cause=None)
        )
        if not again:
            tally = Tally(bucket(now), key_of_sink(row.sink), row.event, Fate.DELIVERED)
            add(connection, {tally: 1})
    return len(rows)
