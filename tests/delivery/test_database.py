import fcntl
import random
import sqlite3
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Index, event, text
from sqlalchemy.engine import URL, make_url

from bridge.delivery.database.engine import Database, revision
from bridge.delivery.database.migrations import HEAD
from bridge.delivery.database.tables import events, metadata
from bridge.errors import StoreUnavailable
from tests.conftest import order
from tests.delivery.arrivals import count, keep, received
from tests.delivery.contenders import contend

Open = Callable[[str], Database]


def differences(database: Database) -> list[Any]:
    """Return differences between the tables and the code.

    Of an index on an expression, SQLite only reports that it exists.
    """
    of_expressions = {one.name for table in metadata.tables.values() for one in table.indexes if _has_expression(one)}
    with database.reading() as connection, warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*expression-based index")
        found: list[Any] = compare_metadata(MigrationContext.configure(connection), metadata)
        names = set(connection.execute(text(_INDEXES[database.engine.dialect.name])).scalars())
    assert of_expressions <= names
    return found


_INDEXES = {"sqlite": "SELECT name FROM sqlite_master", "postgresql": "SELECT indexname FROM pg_indexes"}


def _has_expression(index: Index) -> bool:
    return any(not isinstance(one, Column) for one in index.expressions)


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(database: Database) -> None:
    assert differences(database) == []


def test_a_database_knows_its_revision(database_url: str, open_database: Open) -> None:
    database = open_database(database_url)
    with database.engine.connect() as connection:
        assert revision(connection) is None
    database.migrate()
    with database.reading() as connection:
        assert revision(connection) == HEAD


def test_the_newest_migration_is_the_one_that_this_code_works_with() -> None:
    config = Config()
    config.set_main_option("script_location", "bridge.delivery.database:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_migrating_again_changes_no_data(database: Database) -> None:
    keep(database, received())
    database.migrate()
    assert count(database, events) == 1


def test_processes_that_start_at_the_same_moment_migrate_once(database_url: str) -> None:
    assert contend("migrate", database_url, processes=3) == [HEAD] * 3


def test_the_first_use_migrates_it(database_url: str, open_database: Open) -> None:
    database = open_database(database_url)
    assert len(keep(database, received())) == 1
    database.close()
    reader = open_database(database_url)
    assert count(reader, events) == 1


def test_a_look_writes_and_leaves_nothing_behind(database: Database) -> None:
    assert database.look() == database.look() == HEAD
    assert differences(database) == []


def test_a_transaction_with_an_error_is_rolled_back(database: Database) -> None:
    def fail_halfway() -> None:
        with database.writing() as connection:
            connection.execute(text("INSERT INTO sinks (name) VALUES ('sink')"))
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        fail_halfway()
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM sinks")).scalar() == 0


def test_a_closed_connection_is_opened_again(database: Database) -> None:
    keep(database, received())
    assert count(database, events) == 1


# SQLite


def test_sqlite_is_durable_and_read_while_it_is_written(sqlite_url: str, open_database: Open) -> None:
    database = open_database(sqlite_url)
    with database.reading() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    with database.writing() as writer:
        writer.execute(text("INSERT INTO sinks (name) VALUES ('sink')"))
        with database.reading() as reader:
            assert reader.execute(text("SELECT count(*) FROM sinks")).scalar() == 0


def test_sqlites_writers_take_turns(sqlite_url: str, open_database: Open) -> None:
    database = open_database(sqlite_url)
    path = Path(f"{make_url(sqlite_url).database}-turn")
    with database.writing(), path.open("ab") as turn, pytest.raises(BlockingIOError):
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_missing_directory_is_an_outage_that_ends(tmp_path: Path, open_database: Open) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'not yet' / 'bridge.db'}")
    for use in (database.migrate, lambda: keep(database, received()), lambda: count(database, events)):
        with pytest.raises(StoreUnavailable):
            use()
    (tmp_path / "not yet").mkdir()
    keep(database, received())
    assert count(database, events) == 1


def test_a_full_disk_is_an_outage_that_ends(sqlite_url: str, open_database: Open) -> None:
    database = open_database(sqlite_url)
    keep(database, received())
    pages = {"limit": 1}

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages['limit']}")

    event.listen(database.engine, "connect", limit)
    database.close()
    large = [received(f"large-{number}", payload=random.Random(number).randbytes(200_000)) for number in range(2)]
    for one in large:
        with pytest.raises(StoreUnavailable):
            keep(database, one)
    pages["limit"] = 1_000_000
    database.close()
    keep(database, *large)
    assert count(database, events) == 3


def test_what_is_no_database_is_an_outage(tmp_path: Path, open_database: Open) -> None:
    (tmp_path / "bridge.db").write_bytes(b"something else entirely" * 100)
    database = open_database(f"sqlite:///{tmp_path / 'bridge.db'}")
    with pytest.raises(StoreUnavailable):
        database.migrate()


# PostgreSQL


def test_a_postgresql_that_is_not_there_is_an_outage_that_ends(
    postgres_url: str, postgres_server: URL, open_database: Open
) -> None:
    name = f"late_{make_url(postgres_url).database}"
    database = open_database(make_url(postgres_url).set(database=name).render_as_string(hide_password=False))
    with pytest.raises(StoreUnavailable):
        keep(database, received())
    order(postgres_server, f"CREATE DATABASE {name}")
    keep(database, received())
    assert count(database, events) == 1
    order(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


def test_connections_that_postgresql_dropped_fail_no_event(
    postgres_url: str, postgres_server: URL, open_database: Open
) -> None:
    database = open_database(postgres_url)
    keep(database, received("before"))
    name = make_url(postgres_url).database
    order(postgres_server, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    keep(database, received("after"))
    assert count(database, events) == 2


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_way_to_write_postgresql_means_psycopg_3(scheme: str, open_database: Open) -> None:
    database = open_database(f"{scheme}://user@localhost/name")
    assert database.engine.dialect.driver == "psycopg"


def test_an_outage_does_not_tell_the_password(open_database: Open) -> None:
    database = open_database("postgresql://user:hunter2@127.0.0.1:1/name")
    with pytest.raises(StoreUnavailable) as outage:
        database.migrate()
    assert "hunter2" not in str(outage.value)


@pytest.mark.parametrize("replaced", [False, True], ids=["deleted", "replaced"])
def test_a_removed_file_is_not_written_to(sqlite_url: str, open_database: Open, *, replaced: bool) -> None:
    database = open_database(sqlite_url)
    database.migrate()
    database.close()
    with database.writing() as connection:
        connection.execute(text("INSERT INTO sinks (name) VALUES ('sink')"))
    path = Path(make_url(sqlite_url).database or "")
    path.rename(path.with_suffix(".away"))
    if replaced:
        path.touch()
    with pytest.raises(StoreUnavailable, match="cannot be used"), database.writing():
        pytest.fail("it was written")
    # From then on there is a new one, with a schema of its own.
    for _ in range(2):
        try:
            with database.writing() as connection:
                connection.execute(text("INSERT INTO sinks (name) VALUES ('sink')"))
        except StoreUnavailable:
            continue
        break
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM sinks")).scalar() == 1
    assert path.stat().st_size > 0
