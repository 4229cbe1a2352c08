"""Backlog: numbers of waiting and failed deliveries, and the oldest age."""

from sqlalchemy import Connection, func, select, union_all

from bridge.delivery.database.tables import deliveries
from bridge.delivery.rules.retry import Fate
from bridge.directions import DIRECTIONS

_FAILED = (Fate.DEAD, Fate.UNCERTAIN)
_OPEN = (Fate.WAITING, Fate.QUEUED, Fate.SENDING)

_LOOKED_AT = 100
"""Waiting deliveries that ``oldest_waiting`` reads."""


def standing(connection: Connection) -> dict[tuple[str, str], int]:
    """Return the number of deliveries by (sink, fate), without the delivered ones."""
    columns = deliveries.c
    names = [direction.sink for direction in DIRECTIONS.values()]
    statement = (
        select(columns.sink, columns.status, func.count())
        .where(columns.sink.in_(names), columns.status.in_([*_OPEN, *_FAILED]))
        .group_by(columns.sink, columns.status)
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(statement)}


def oldest_waiting(connection: Connection, sink: str, now: float) -> float | None:
    """Return the seconds since the oldest waiting delivery was received.

    Rows are in the order of their ids, and so of their receipt. A replayed delivery waits only since its replay. So the
    query reads a few rows.
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
