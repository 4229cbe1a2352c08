"""What stands still: how many deliveries wait or have failed, and since when the oldest waits."""

from sqlalchemy import Connection, func, select, union_all

from bridge.delivery.database.tables import deliveries
from bridge.delivery.rules.retry import Fate
from bridge.directions import DIRECTIONS

_FAILED = (Fate.DEAD, Fate.UNCERTAIN)
_OPEN = (Fate.WAITING, Fate.QUEUED, Fate.SENDING)

_LOOKED_AT = 100
"""Of the waiting, when the oldest is looked for: see ``oldest_waiting``."""


def standing(connection: Connection) -> dict[tuple[str, str], int]:
    """How many deliveries stand where an operator should know, by (sink, fate): not those that are delivered."""
    columns = deliveries.c
    names = [direction.sink for direction in DIRECTIONS.values()]
    statement = (
        select(columns.sink, columns.status, func.count())
        .where(columns.sink.in_(names), columns.status.in_([*_OPEN, *_FAILED]))
        .group_by(columns.sink, columns.status)
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(statement)}


def oldest_waiting(connection: Connection, sink: str, now: float) -> float | None:
    """Seconds since the oldest of the waiting came in.

    They are in the order of their ids, and so of their receipt, but those that were replayed since wait only since
    then: so a few more than one are looked at.
    """
    columns = deliveries.c
    first = [
        select(columns.created_at)
        .where(columns.sink == sink, columns.status == fate)
        .order_by(columns.event_id)
        .limit(_LOOKED_AT)
        .subquery()
        for fate in _OPEN
    ]
    oldest = union_all(*(select(func.min(one.c.created_at).label("at")) for one in first)).subquery()
    at: float | None = connection.execute(select(func.min(oldest.c.at))).scalar()
    return None if at is None else max(0.0, now - at)
