"""Sessions of the console: by a random id, of which the database has the digest."""

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import sessions as table
from bridge.operations import sessions
from bridge.operations.sessions import LIFETIME_SECONDS
from tests.delivery.arrivals import count, rows

NOW = 2_000.0


def begin(database: Database, now: float = NOW) -> str:
    with database.writing() as connection:
        return sessions.begin(connection, "Ada", now)


def name_of(database: Database, session_id: str, now: float = NOW) -> str | None:
    with database.reading() as connection:
        return sessions.name_of(connection, session_id, now)


def test_a_session_lasts_until_its_end(database: Database) -> None:
    session_id = begin(database)
    assert name_of(database, session_id, NOW + LIFETIME_SECONDS - 1) == "Ada"
    assert name_of(database, session_id, NOW + LIFETIME_SECONDS) is None


def test_a_session_that_was_ended_is_no_more(database: Database) -> None:
    ended, other = begin(database), begin(database)
    with database.writing() as connection:
        sessions.end(connection, ended)
    assert (name_of(database, ended), name_of(database, other)) == (None, "Ada")


def test_the_database_does_not_hold_what_opens_a_session(database: Database) -> None:
    session_id = begin(database)
    [row] = rows(database, table)
    assert session_id not in str(row)
    assert name_of(database, row["digest"].hex()) is None


def test_expired_sessions_are_deleted(database: Database) -> None:
    begin(database)
    begin(database, NOW + LIFETIME_SECONDS)
    assert count(database, table) == 1
