"""Limits of failed sign-ins at the console, shared by all processes.

A library for this stores its counts in the memory of one process, or needs a server beside the database.
"""

from sqlalchemy import Connection, delete, select

from bridge.delivery.database.engine import INSERT
from bridge.delivery.database.tables import sign_ins

WINDOW = 60.0
"""Seconds after which failures are forgotten."""

MOST, MOST_OF_ALL = 10, 100
"""Failures within ``WINDOW``, of one source and of all together.

The second also limits the size of the table.
"""

_columns = sign_ins.c


def wait(connection: Connection, source: str, now: float) -> float:
    """Return the seconds until ``source`` may try again: usually 0."""
    recent = select(_columns.source, _columns.since, _columns.failures).where(_columns.since > now - WINDOW)
    rows = connection.execute(recent).all()
    if sum(row.failures for row in rows) >= MOST_OF_ALL:
        return float(min(row.since for row in rows)) + WINDOW - now
    return max((row.since + WINDOW - now for row in rows if row.source == source and row.failures >= MOST), default=0.0)


def failed(connection: Connection, source: str, now: float) -> None:
    """Count a failure of ``source``."""
    connection.execute(delete(sign_ins).where(_columns.since <= now - WINDOW))
    insertion = INSERT[connection.dialect.name](sign_ins).values(source=source, since=now, failures=1)
    again = {"failures": _columns.failures + 1}
    connection.execute(insertion.on_conflict_do_update(index_elements=["source"], set_=again))
