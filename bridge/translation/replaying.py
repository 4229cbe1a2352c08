"""Replay of a stored event: what was not delivered is sent.

What was delivered is not sent again, so a replay can be repeated. The event's own keys in ``seen`` do not count.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, insert, select, update

from bridge.delivery.audit import Deed, record
from bridge.delivery.database import tables
from bridge.delivery.inbox import Replay
from bridge.delivery.outbox import placed
from bridge.delivery.rules.retry import Fate
from bridge.messages import Arrival, Message, Status
from bridge.translation.deciding import (
    CONTRADICTION,
    REASON_LENGTH,
    Mark,
    NewDelivery,
    Sighting,
    contradiction,
    deliveries,
    identity_mark,
    scope,
    sightings,
)
from bridge.translation.meaning import Event

TO_BE_SENT = "to be sent"
GONE = "no such event"
REVIVED = (Fate.DEAD, Fate.DISCARDED)
"""Statuses of deliveries that a replay sends again."""


@dataclass(frozen=True, slots=True)
class Again:
    """A stored event after a new translation.

    Without ``message`` and ``event`` if retention has deleted it.
    """

    asked: Replay
    message: Message | None
    event: Event | None


def replay(connection: Connection, again: Again, now: float) -> str:
    """Write the new translation of an event.

    Returns:
        Its outcome: ``ignored``, ``quarantined``, ``to be sent``, ``no such event``, or the status of a delivery that a
            replay does not change.
    """
    became = _replay(connection, again, now)
    asked = again.asked
    if asked.audit_id:
        record(
            connection, asked.who, Deed.REPLAYED, now, event_id=asked.event_id, detail=became, record_id=asked.audit_id
        )
    if asked.bulk_id:
        _count(connection, asked.bulk_id, became)
    return became


def _replay(connection: Connection, again: Again, now: float) -> str:
    event_id = again.asked.event_id
    stored = connection.execute(select(tables.events).where(tables.events.c.id == event_id).with_for_update()).first()
    if stored is None or again.event is None or again.message is None:
        return GONE
    arrival = again.event.arrival
    own = scope(again.message)
    new, mark = deliveries(event_id, arrival, now, own), identity_mark(arrival, own)
    marks = [*([mark] if mark else []), *(one.mark for one in new)]
    known = sightings(connection, marks)
    status, reason = _judge(event_id, arrival, marks, new, known)
    fates = {_deliver(connection, one, known) for one in new if status is Status.ACCEPTED}
    if mark and not mark.sighting(known):
        connection.execute(insert(tables.seen).values(mark.row(event_id, now)))
    connection.execute(
        update(tables.events)
        .where(tables.events.c.id == event_id)
        .values(status=status, reason=reason[:REASON_LENGTH], event=arrival.event, customer=arrival.customer)
    )
    return TO_BE_SENT if TO_BE_SENT in fates else " and ".join(sorted(fates)) or status


def _judge(
    event_id: str, arrival: Arrival, marks: Sequence[Mark], new: Sequence[NewDelivery], known: Mapping[bytes, Sighting]
) -> tuple[Status, str]:
    """Decide as for a new event, without its own keys in ``seen``."""
    others_known = {key: sighting for key, sighting in known.items() if sighting.event_id != event_id}
    if other := contradiction(marks, others_known):
        return Status.QUARANTINED, f"{CONTRADICTION}, as {other.event_id}"
    sighted = [one.mark.sighting(known) for one in new]
    others = [sighting for sighting in sighted if sighting and sighting.event_id != event_id]
    if others and len(others) == len(sighted):
        return Status.IGNORED, f"the same as {others[0].event_id}"
    return arrival.status, arrival.reason


def _deliver(connection: Connection, one: NewDelivery, known: Mapping[bytes, Sighting]) -> str:
    """Insert or revive a delivery; return its status if it does not change."""
    [row] = placed(connection, [one.row])
    if not one.mark.sighting(known):
        connection.execute(insert(tables.deliveries).values(row))
        connection.execute(insert(tables.seen).values(one.mark.row(row["event_id"], row["created_at"])))
        return TO_BE_SENT
    columns = tables.deliveries.c
    own = and_(columns.event_id == row["event_id"], columns.key == row["key"])
    status = connection.execute(select(columns.status).where(own)).scalar()
    if status not in REVIVED:
        return status or "another event's"
    # A delivery that was discarded in doubt is looked up first. A dead letter is never in doubt.
    unsettled = dict.fromkeys(("merged_through", "settled_at", "cause", "code", "seconds", "job", "held_up"))
    unsettled |= {"never_merge": False, "attempts": 0}
    connection.execute(update(tables.deliveries).where(own).values({**row, **unsettled}))
    return TO_BE_SENT


def _count(connection: Connection, bulk_id: str, became: str) -> None:
    columns = tables.bulk_replays.c
    row = connection.execute(
        select(columns.became, columns.done).where(columns.id == bulk_id).with_for_update()
    ).first()
    if row:
        outcomes = Counter(json.loads(row.became)) + Counter([became])
        values = {"became": json.dumps(outcomes), "done": row.done + 1}
        connection.execute(update(tables.bulk_replays).where(columns.id == bulk_id).values(values))
