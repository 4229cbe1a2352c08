"""What a command looks into without any other setting: the database, which is not made by looking, and the mappings."""

import getpass
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from bridge.bootstrap import desk, memory_of
from bridge.config import database_url, mapping_file
from bridge.delivery.database import Database
from bridge.delivery.desk import Desk
from bridge.errors import ConfigError, InvalidMappings
from bridge.mapping_file import VARIABLE, last_right, read
from bridge.to_voucherify.mappings import Mappings
from bridge.to_voucherify.presets import PRESETS


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


def at_desk(database: Database) -> Desk:
    """Where an operator acts.

    Raises:
        ConfigError: the file of mappings is wrong, and was never right.
    """
    mappings = active_mappings()
    return desk(database, lambda: mappings)


def who() -> str:
    """How what is done here is recorded."""
    try:
        return f"command line: {getpass.getuser()}"
    except (KeyError, OSError):  # a user without a name, as in a container
        return f"command line: {os.getuid()}"


def active_mappings() -> Mappings:
    """The mappings in force: what ``BRIDGE_MAPPINGS`` says, or said when it was last right; or the presets.

    Raises:
        ConfigError: the file is wrong, and was never right.
    """
    path = mapping_file()
    try:
        return read(path) if path else PRESETS
    except InvalidMappings as error:
        last = _last_right(path) if path else None
        if last is None:
            raise ConfigError({VARIABLE: f"{path}:\n{error}"}) from error
        click.echo(f"{VARIABLE}: {path} is wrong, and its last right content is in force.\n{error}", err=True)
        return last


def _last_right(path: Path) -> Mappings | None:
    with closing(Database(database_url())) as database:
        return last_right(path, memory_of(database, path)) if database.exists() else None
