"""Outcomes of a message's events after translation."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from bridge.delivery.database.tables import events, repeats
from bridge.messages import LAST_SUFFIX, EventOutcome, Status


def outcomes(connection: Connection, message_id: str) -> Sequence[EventOutcome]:
    """Return the outcomes of a message's translated events, in their order."""
    own = events.c.id.between(message_id, message_id + LAST_SUFFIX)
    columns = (events.c.id, events.c.status, events.c.event, events.c.reason)
    rows = connection.execute(select(*columns).where(own))
    by_id = {row.id: EventOutcome(row.id, Status(row.status), row.event, row.reason) for row in rows}
    repeated = (
        select(repeats.c.id, repeats.c.event_id, events.c.event)
        .outerjoin(events, events.c.id == repeats.c.event_id)
        .where(repeats.c.id.between(message_id, message_id + LAST_SUFFIX))
    )
    for row in connection.execute(repeated):
        by_id[row.id] = EventOutcome(row.event_id, Status.DUPLICATE, row.event or "", "")
    return [by_id[event_id] for event_id in sorted(by_id)]
