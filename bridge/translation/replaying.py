"""Replay of a stored event: what was not delivered is sent.

What was delivered is not sent again, so a replay can be repeated. The event's own keys in ``seen`` do not count.
"""

import json
from collections import Counter
from collections.abc import Mapping
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
    KEY_BYTES,
    REASON_LENGTH,
    Made,
    Sighting,
    call_keys,
    deliveries,
    seen_row,
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
    if stored is None or again.event is None:
        return GONE
    arrival = again.event.arrival
    new = deliveries(event_id, arrival, now)
    known = sightings(connection, call_keys(arrival) + [one.key for one in new])
    status, reason = _judge(event_id, arrival, new, known)
    fates = {_deliver(connection, one, known) for one in new if status is Status.ACCEPTED}
    if arrival.identity and arrival.identity.call[:KEY_BYTES] not in known:
        row = seen_row(arrival.identity.call, arrival.identity.digest, event_id, now)
        connection.execute(insert(tables.seen).values(row))
    connection.execute(
        update(tables.events)
        .where(tables.events.c.id == event_id)
        .values(status=status, reason=reason[:REASON_LENGTH], event=arrival.event, customer=arrival.customer)
    )
    return TO_BE_SENT if TO_BE_SENT in fates else " and ".join(sorted(fates)) or status


def _judge(
    event_id: str, arrival: Arrival, new: tuple[Made, ...], known: Mapping[bytes, Sighting]
) -> tuple[Status, str]:
    """Decide as for a new event, without its own keys in ``seen``."""
    call = known.get(arrival.identity.call[:KEY_BYTES]) if arrival.identity else None
    if call and arrival.identity and call.event_id != event_id and call.digest != arrival.identity.digest[:KEY_BYTES]:
        return Status.QUARANTINED, f"{CONTRADICTION}, as {call.event_id}"
    sighted = [known.get(one.key) for one in new]
    others = [sighting for sighting in sighted if sighting and sighting.event_id != event_id]
    if others and len(others) == len(sighted):
        return Status.IGNORED, f"the same as {others[0].event_id}"
    return arrival.status, arrival.reason


def _deliver(connection: Connection, one: Made, known: Mapping[bytes, Sighting]) -> str:
    """Insert or revive a delivery; return its status if it does not change."""
    [row] = placed(connection, [one.row])
    if one.key not in known:
        connection.execute(insert(tables.deliveries).values(row))
        connection.execute(insert(tables.seen).values(seen_row(one.key, b"", row["event_id"], row["created_at"])))
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
