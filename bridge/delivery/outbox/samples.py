"""Deliveries that a service accepted lately.

They show whether the service accepts anything, and serve as a probe.
"""

import time
from collections.abc import Callable

from sqlalchemy import Connection, Subquery, func, select

from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import unpack
from bridge.delivery.database.tables import deliveries
from bridge.delivery.rules.retry import Fate
from bridge.errors import StoreUnavailable

LATEST = 500
"""Number of deliveries that are read."""

_columns = deliveries.c


def smallest_delivered(
    database: Database, sink: str, within_seconds: float, clock: Callable[[], float] = time.time
) -> bytes | None:
    """Return the smallest payload that was delivered lately, or None.

    Args:
        within_seconds: how long ago it may have been delivered.
    """
    latest = _latest(sink)
    smallest = (
        select(latest.c.id).where(latest.c.settled_at > clock() - within_seconds).order_by(latest.c.size).limit(1)
    )
    try:
        with database.reading() as connection:
            payload = connection.execute(select(_columns.payload).where(_columns.id.in_(smallest))).scalar()
    except StoreUnavailable:
        return None  # it is not known
    return None if payload is None else unpack(payload)


def last_accepted_at(connection: Connection, sink: str) -> float:
    """Return when the service last accepted a delivery; 0 if never."""
    return connection.execute(select(func.max(_latest(sink).c.settled_at))).scalar() or 0.0


def _latest(sink: str) -> Subquery:
    return (
        select(_columns.id, _columns.size, _columns.settled_at)
        .where(_columns.sink == sink, _columns.status == Fate.DELIVERED)
        .order_by(_columns.event_id.desc())  # as in the index
        .limit(LATEST)
        .subquery()
    )
