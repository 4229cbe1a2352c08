"""Periodic jobs, each run by one process at a time."""

from sqlalchemy import Connection, select, update

from bridge.delivery.database.engine import INSERT
from bridge.delivery.database.tables import chores


def take(connection: Connection, name: str, every: float, now: float) -> bool:
    """Claim a job if it is due.

    The first time, it is due ``every`` seconds from now.
    """
    statement = (
        update(chores).where(chores.c.name == name, chores.c.at <= now - every).values(at=now).returning(chores.c.name)
    )
    if connection.execute(statement).first() is not None:
        return True
    if connection.execute(select(chores.c.name).where(chores.c.name == name)).first() is None:
        connection.execute(INSERT[connection.dialect.name](chores).values(name=name, at=now).on_conflict_do_nothing())
    return False


def is_due(connection: Connection, name: str, every: float, now: float) -> bool:
    """Return whether a job seems due, without a lock."""
    at = connection.execute(select(chores.c.at).where(chores.c.name == name)).scalar()
    return at is None or at <= now - every


def touch(connection: Connection, name: str, now: float) -> None:
    """Write to the database, whatever it contains."""
    insertion = INSERT[connection.dialect.name](chores).values(name=name, at=now)
    connection.execute(insertion.on_conflict_do_update(index_elements=["name"], set_={"at": now}))


def mark(connection: Connection, name: str) -> str:
    """Return the progress of a job; "" at its beginning."""
    return connection.execute(select(chores.c.mark).where(chores.c.name == name)).scalar() or ""


def leave(connection: Connection, name: str, mark: str, *, again_at_once: bool) -> None:
    """Store the progress of a job for the process that continues it."""
    values = {"mark": mark} | ({"at": 0.0} if again_at_once else {})
    connection.execute(update(chores).where(chores.c.name == name).values(values))
