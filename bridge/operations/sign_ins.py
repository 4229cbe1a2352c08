"""Limits of sign-ins at the console, shared by all processes.

An attempt is counted before its token is compared, in one transaction. So attempts at the same time cannot pass
together. A limit applies to one source only: wrong tokens never lock out the right token from elsewhere.

A library for this stores its counts in the memory of one process, or needs a server beside the database.
"""

from sqlalchemy import Connection, case, delete, select, update

from bridge.delivery.database.engine import INSERT
from bridge.delivery.database.tables import sign_ins

WINDOW = 60.0
"""Seconds after which failures are forgotten."""

MOST = 10
"""Failures of one source within ``WINDOW``."""

_columns = sign_ins.c


def attempt(connection: Connection, source: str, now: float) -> float:
    """Count an attempt of ``source``.

    Returns:
        0 if its token may be compared, otherwise the seconds until the next attempt.
    """
    is_old = _columns.since <= now - WINDOW
    insertion = INSERT[connection.dialect.name](sign_ins).values(source=source, since=now, failures=1)
    again = {
        "since": case((is_old, now), else_=_columns.since),
        "failures": case((is_old, 1), else_=_columns.failures + 1),
    }
    counted = insertion.on_conflict_do_update(index_elements=["source"], set_=again)
    row = connection.execute(counted.returning(_columns.since, _columns.failures)).one()
    # Rows of attempts at the same time are left to these, so that no two wait for each other.
    old = select(_columns.source).where(is_old).with_for_update(skip_locked=True)
    connection.execute(delete(sign_ins).where(_columns.source.in_(old)))
    if row.failures <= MOST:
        return 0.0
    take_back(connection, source)  # a refused attempt is none
    return float(row.since) + WINDOW - now


def take_back(connection: Connection, source: str) -> None:
    """Take back the count of an attempt."""
    own = _columns.source == source
    connection.execute(update(sign_ins).where(own).values(failures=_columns.failures - 1))
    connection.execute(delete(sign_ins).where(own, _columns.failures <= 0))
