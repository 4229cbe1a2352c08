"""The database that a reading command looks into: it needs no other setting, and does not make one by looking."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import click

from bridge.config import database_url
from bridge.delivery.database import Database


@contextmanager
def opened() -> Iterator[Database]:
    """Open it.

    Raises:
        ConfigError: ``BRIDGE_DATABASE_URL`` is wrong.
        click.ClickException: there is none.
    """
    with closing(Database(database_url())) as database:
        if not database.exists():
            raise click.ClickException(f"there is no database at {database.name}: see BRIDGE_DATABASE_URL")
        yield database
