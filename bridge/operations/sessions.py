"""Sessions of the console, shared by all processes and hosts.

The browser has a random id, and the database its digest. So a copy of the database opens no session, and a copy of the
cookie opens none after sign-out.
"""

import hashlib
import secrets

from sqlalchemy import Connection, delete, insert, select

from bridge.delivery.database.tables import sessions

LIFETIME_SECONDS = 12 * 3600.0
"""Seconds until a session ends by itself."""

_columns = sessions.c


def begin(connection: Connection, name: str, now: float) -> str:
    """Begin a session, and return its id; expired ones are deleted."""
    session_id = secrets.token_urlsafe(32)
    connection.execute(delete(sessions).where(_columns.until <= now))
    row = {"digest": _digest(session_id), "name": name, "until": now + LIFETIME_SECONDS}
    connection.execute(insert(sessions).values(row))
    return session_id


def name_of(connection: Connection, session_id: str, now: float) -> str | None:
    """Return the operator's name, or None if there is no such session."""
    own = (_columns.digest == _digest(session_id), _columns.until > now)
    name: str | None = connection.execute(select(_columns.name).where(*own)).scalar()
    return name


def end(connection: Connection, session_id: str) -> None:
    """End a session, if it has not ended."""
    connection.execute(delete(sessions).where(_columns.digest == _digest(session_id)))


def _digest(session_id: str) -> bytes:
    # Nothing slow, since 256 random bits cannot be guessed.
    return hashlib.sha256(session_id.encode()).digest()
