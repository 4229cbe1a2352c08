"""An event that is kept, run through today's code again. Doing it twice does no more than doing it once."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from bridge.arrival import Arrival, Outgoing, Status
from bridge.delivery import tables
from bridge.delivery.retry import Fate
from bridge.delivery.store import (
    CONTRADICTION,
    KEY_BYTES,
    Sighting,
    delivery_row,
    keys,
    outgoing_key,
    seen_row,
    sightings,
    unpack,
)
from bridge.errors import NoSuchEvent

Translate = Callable[[str, bytes, float], Arrival]
"""What a body means: (direction, raw body, when it was received in epoch seconds)."""


def replay(connection: Connection, event_id: str, translate: Translate, now: float) -> str:
    """Translate the event anew: what was not delivered yet will be, what was is left alone.

    Returns:
        What became of it: accepted, ignored or quarantined.

    Raises:
        NoSuchEvent: there is none of that id.
    """
    event = connection.execute(select(tables.events).where(tables.events.c.id == event_id).with_for_update()).first()
    if event is None:
        raise NoSuchEvent(f"there is no event {event_id}")
    arrival = translate(event.direction, unpack(event.body), event.received_at)
    known = sightings(connection, keys(arrival))
    status, reason = _judge(event, arrival, known)
    if status is Status.ACCEPTED:
        for outgoing in arrival.outgoing:
            _deliver(connection, event_id, outgoing, known, now)
    if arrival.identity and arrival.identity.call[:KEY_BYTES] not in known:
        row = seen_row(arrival.identity.call, arrival.identity.digest, event_id, now)
        connection.execute(insert(tables.seen).values(row))
    connection.execute(
        update(tables.events)
        .where(tables.events.c.id == event_id)
        .values(status=status, reason=reason, event=arrival.event, customer=arrival.customer)
    )
    return status


def _judge(event: Row[Any], arrival: Arrival, known: dict[bytes, Sighting]) -> tuple[Status, str]:
    """As when it came in, but that the event has been seen itself."""
    call = known.get(arrival.identity.call[:KEY_BYTES]) if arrival.identity else None
    if call and arrival.identity and call.digest != arrival.identity.digest[:KEY_BYTES]:
        return Status.QUARANTINED, CONTRADICTION
    told = [known.get(outgoing_key(outgoing)) for outgoing in arrival.outgoing]
    others = [sighting for sighting in told if sighting and sighting.event_id != event.id]
    if others and len(others) == len(told):
        return Status.IGNORED, f"the same as {others[0].event_id}"
    return arrival.status, arrival.reason


def _deliver(
    connection: Connection, event_id: str, outgoing: Outgoing, known: dict[bytes, Sighting], now: float
) -> None:
    row = delivery_row(event_id, outgoing, now)
    key = outgoing_key(outgoing)
    if key not in known:
        connection.execute(insert(tables.deliveries).values(row))
        connection.execute(insert(tables.seen).values(seen_row(key, b"", event_id, now)))
        return
    columns = tables.deliveries.c
    connection.execute(
        update(tables.deliveries)
        .where(columns.event_id == event_id, columns.key == outgoing.key, columns.status == Fate.DEAD)
        .values(**row, attempts=0, settled_at=None)
    )
