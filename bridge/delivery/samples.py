"""A delivery that a service accepted lately, for asking it whether it still accepts anything."""

import time
from collections.abc import Callable

from sqlalchemy import select

from bridge.delivery.database import Database
from bridge.delivery.retry import Fate
from bridge.delivery.store import unpack
from bridge.delivery.tables import deliveries
from bridge.errors import StoreUnavailable

LATEST = 500
"""Deliveries among which the smallest is looked for."""

_columns = deliveries.c


def smallest_delivered(
    database: Database, sink: str, within_seconds: float, clock: Callable[[], float] = time.time
) -> bytes | None:
    """Find the smallest payload that was delivered lately; None if there is none.

    Args:
        within_seconds: how long ago it may have been delivered.
    """
    latest = (
        select(_columns.id, _columns.size, _columns.settled_at)
        .where(_columns.sink == sink, _columns.status == Fate.DELIVERED)
        .order_by(_columns.event_id.desc())  # as in the index
        .limit(LATEST)
        .subquery()
    )
    smallest = (
        select(latest.c.id).where(latest.c.settled_at > clock() - within_seconds).order_by(latest.c.size).limit(1)
    )
    try:
        with database.reading() as connection:
            payload = connection.execute(select(_columns.payload).where(_columns.id.in_(smallest))).scalar()
    except StoreUnavailable:
        return None  # nobody knows
    return None if payload is None else unpack(payload)
