"""An event that is kept, run through today's code again. Doing it twice does no more than doing it once."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, select, update

from bridge.arrival import Arrival, Outgoing, Status
from bridge.delivery import tables
from bridge.delivery.retention import missing
from bridge.delivery.retry import Fate
from bridge.delivery.store import (
    CONTRADICTION,
    KEY_BYTES,
    Sighting,
    delivery_row,
    keys,
    outgoing_key,
    placed,
    seen_row,
    sightings,
    unpack,
)
from bridge.delivery.tallies import Tally, add, bucket, direction_of

TO_BE_SENT = "to be sent"
REVIVED = (Fate.DEAD, Fate.DISCARDED)
"""What is sent again when its event is replayed."""

Translate = Callable[[str, bytes, str, float], Arrival]
"""What a body means: (door, raw body, the event's id, when it was received in epoch seconds)."""


def replay(connection: Connection, event_id: str, translate: Translate, now: float) -> str:
    """Translate the event anew: what was not delivered yet will be, what was is left alone.

    Returns:
        What became of it: ``ignored``, ``quarantined``, ``to be sent``, or where its delivery stands and is left alone.

    Raises:
        NoSuchEvent: there is none of that id.
    """
    event = connection.execute(select(tables.events).where(tables.events.c.id == event_id).with_for_update()).first()
    if event is None:
        raise missing(event_id)
    arrival = translate(event.door, unpack(event.body), event_id, event.received_at)
    known = sightings(connection, keys(arrival))
    status, reason = _judge(event, arrival, known)
    rows = [(one, delivery_row(event_id, one, arrival.event, now)) for one in arrival.outgoing]
    fates = {_deliver(connection, one, row, known) for one, row in rows if status is Status.ACCEPTED}
    if arrival.identity and arrival.identity.call[:KEY_BYTES] not in known:
        row = seen_row(arrival.identity.call, arrival.identity.digest, event_id, now)
        connection.execute(insert(tables.seen).values(row))
    connection.execute(
        update(tables.events)
        .where(tables.events.c.id == event_id)
        .values(status=status, reason=reason, event=arrival.event, customer=arrival.customer)
    )
    return TO_BE_SENT if TO_BE_SENT in fates else " and ".join(sorted(fates)) or status


def decide(connection: Connection, event_id: str, *, again: bool, now: float) -> int:
    """What an operator knows of an event's uncertain deliveries: that they were taken, or are to be sent again.

    Returns:
        How many there were.
    """
    columns = tables.deliveries.c
    uncertain = select(columns.id, columns.sink, columns.lane, columns.event).where(
        columns.event_id == event_id, columns.status == Fate.UNCERTAIN
    )
    found = connection.execute(uncertain.with_for_update()).all()
    for row in found:
        [placed_row] = placed(connection, [{"sink": row.sink, "lane": row.lane}])
        fate = placed_row["status"] if again else Fate.DELIVERED
        settled_at = None if again else now
        connection.execute(
            update(tables.deliveries)
            .where(columns.id == row.id)
            .values(status=fate, due_at=now, created_at=now, doubt_since=None, settled_at=settled_at, cause=None)
        )
        if not again:
            tally = Tally(bucket(now), direction_of(row.sink), row.event, Fate.DELIVERED)
            add(connection, {tally: 1})
    return len(found)


def _judge(event: Row[Any], arrival: Arrival, known: dict[bytes, Sighting]) -> tuple[Status, str]:
    """As when it came in, but that the event has been seen itself."""
    call = known.get(arrival.identity.call[:KEY_BYTES]) if arrival.identity else None
    if call and arrival.identity and call.digest != arrival.identity.digest[:KEY_BYTES]:
        return Status.QUARANTINED, f"{CONTRADICTION}, as {call.event_id}"
    told = [known.get(outgoing_key(outgoing)) for outgoing in arrival.outgoing]
    others = [sighting for sighting in told if sighting and sighting.event_id != event.id]
    if others and len(others) == len(told):
        return Status.IGNORED, f"the same as {others[0].event_id}"
    return arrival.status, arrival.reason


def _deliver(connection: Connection, outgoing: Outgoing, fresh: dict[str, Any], known: dict[bytes, Sighting]) -> str:
    """Where the delivery stood, if it is left there."""
    [row] = placed(connection, [fresh])
    event_id, key = row["event_id"], outgoing_key(outgoing)
    if key not in known:
        connection.execute(insert(tables.deliveries).values(row))
        connection.execute(insert(tables.seen).values(seen_row(key, b"", event_id, row["created_at"])))
        return TO_BE_SENT
    columns = tables.deliveries.c
    own = and_(columns.event_id == event_id, columns.key == outgoing.key)
    stood = connection.execute(select(columns.status).where(own)).scalar()
    if stood not in REVIVED:
        return stood or "another event's"
    # What was discarded in doubt is still in doubt, and looked up first. A dead letter never is.
    unsettled = {"run_end": None, "attempts": 0, "settled_at": None, "cause": None}
    connection.execute(update(tables.deliveries).where(own).values({**row, **unsettled}))
    return TO_BE_SENT
