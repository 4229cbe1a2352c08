"""Discard of events: what waits behind them is sent.

A replay restores a discarded event.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, case, delete, func, insert, select, text, update

from bridge.delivery import lanes
from bridge.delivery.counts.tallies import Tally, add, bucket
from bridge.delivery.database import tables
from bridge.delivery.inbox import queues
from bridge.delivery.rules.retry import Fate
from bridge.errors import InHand, NoSuchEvent
from bridge.messages import Status

UNTRANSLATED = "discarded before it was translated"
"""Reason of a message that was discarded before its translation.

A replay makes it pending again.
"""

DISCARDABLE = (Fate.WAITING, Fate.QUEUED, Fate.SENDING, Fate.DEAD, Fate.UNCERTAIN)
"""Statuses of deliveries that can be discarded.

An event without deliveries can be discarded if it is quarantined.
"""

_deliveries, _events = tables.deliveries.c, tables.events.c

# Literal values, as in the partial index that answers the query.
_FIRST = text("deliveries.status IN ('waiting', 'sending')")


def discard(connection: Connection, event_id: str, now: float) -> int:
    """Discard what is not delivered of an event, or a pending message.

    Returns:
        The number of discarded deliveries; 1 for a quarantined event or a message.

    Raises:
        NoSuchEvent: there is no event of that id.
        InHand: a worker is translating or sending it; nothing was changed.
    """
    ours = select(_events.status, _events.direction, _events.event).where(_events.id == event_id)
    event = connection.execute(ours).first()
    if event is None:
        return _discard_message(connection, event_id, now)
    given_up = _discard_deliveries(connection, event_id, now)
    if event.status == Status.QUARANTINED:
        quarantined = (_events.id == event_id, _events.status == Status.QUARANTINED)
        changed = connection.execute(update(tables.events).where(*quarantined).values(status=Fate.DISCARDED))
        given_up = given_up or changed.rowcount
    if given_up:
        add(connection, {Tally(bucket(now), event.direction, event.event, Fate.DISCARDED): given_up})
    return given_up


def _discard_message(connection: Connection, message_id: str, now: float) -> int:
    message = connection.execute(select(tables.messages).where(tables.messages.c.id == message_id)).first()
    if message is None:
        raise NoSuchEvent(f"there is no event {message_id}")
    deletion = connection.execute(delete(tables.pending).where(tables.pending.c.message_id == message_id))
    if not deletion.rowcount:
        if queues.is_in_hand(connection, message_id):
            raise InHand("a worker is translating it: try again in a few seconds")
        raise NoSuchEvent(f"there is no event {message_id}")
    row = {
        "id": message_id,
        "door": message.door,
        "direction": message.direction,
        "status": Fate.DISCARDED,
        "event": "",
        "reason": UNTRANSLATED,
        "received_at": message.received_at,
    }
    connection.execute(insert(tables.events).values(row))
    add(connection, {Tally(bucket(now), message.direction, "", Fate.DISCARDED): 1})
    return 1


def bring_back(connection: Connection, event_ids: Sequence[str]) -> Sequence[str]:
    """Make discarded messages of these events pending again; return their ids."""
    chosen = select(_events.id).where(_events.id.in_(event_ids), _events.reason == UNTRANSLATED)
    ids = connection.execute(chosen.where(_events.status == Fate.DISCARDED).order_by(_events.id)).scalars().all()
    if ids:
        columns = tables.messages.c
        stored = select(columns.queue, columns.id, func.length(columns.body)).where(columns.id.in_(ids))
        into = insert(tables.pending).from_select(["queue", "message_id", "size"], stored.order_by(columns.id))
        connection.execute(into)
        connection.execute(delete(tables.events).where(_events.id.in_(ids)))
    return ids


def _discard_deliveries(connection: Connection, event_id: str, now: float) -> int:
    ours = select(_deliveries.id, _deliveries.sink, _deliveries.lane).where(_deliveries.event_id == event_id)
    own = connection.execute(ours).all()
    in_lanes = {(row.sink, row.lane) for row in own if row.lane is not None}
    lanes.enter(connection, in_lanes)
    ids = {row.id for row in own} | {row.id for sink, lane in in_lanes for row in _first(connection, sink, lane)}
    rows = _locked(connection, sorted(ids), now)
    given_up = [row for row in rows if row.event_id == event_id and row.status in DISCARDABLE]
    if any(row.in_hand for row in given_up) or any(_is_merged(row, rows) for row in given_up):
        raise InHand("a worker is sending it: try again in a minute")
    connection.execute(
        update(tables.deliveries)
        .where(_deliveries.id.in_([row.id for row in given_up]))
        .values(
            status=Fate.DISCARDED,
            settled_at=now,
            lease_expires_at=None,
            cause=None,
            claims=_deliveries.claims + 1,  # so that an older claim is not valid any more
            # A replay looks it up before it sends it again.
            doubt_since=case(
                (_deliveries.status == Fate.UNCERTAIN, _deliveries.created_at), else_=_deliveries.doubt_since
            ),
        )
    )
    for row in given_up:
        if row.lane is not None and row.status in (Fate.WAITING, Fate.SENDING):
            lanes.advance(connection, row.sink, [row.lane], now)
    return len(given_up)


def _first(connection: Connection, sink: str, lane: str) -> Sequence[Row[Any]]:
    in_lane = (_deliveries.sink == sink, _deliveries.lane == lane, _FIRST)
    return connection.execute(select(_deliveries.id).where(*in_lane)).all()


def _locked(connection: Connection, ids: Sequence[int], now: float) -> Sequence[Row[Any]]:
    """Lock and return the rows until the end of the transaction.

    No worker claims or settles them meanwhile. A delivery is in progress while it is ``sending`` and its lease is
    valid.
    """
    connection.execute(select(_deliveries.id).where(_deliveries.id.in_(ids)).order_by(_deliveries.id).with_for_update())
    in_hand = (_deliveries.status == Fate.SENDING) & (_deliveries.lease_expires_at > now)
    columns = (_deliveries.id, _deliveries.event_id, _deliveries.sink, _deliveries.lane, _deliveries.status)
    return connection.execute(
        select(*columns, _deliveries.merged_through, in_hand.label("in_hand")).where(_deliveries.id.in_(ids))
    ).all()


def _is_merged(row: Row[Any], rows: Sequence[Row[Any]]) -> bool:
    """Return whether it is being sent with the first delivery of its lane."""
    return row.status == Fate.QUEUED and any(
        (first.sink, first.lane) == (row.sink, row.lane) and first.in_hand and row.id <= (first.merged_through or 0)
        for first in rows
    )
