"""Resources of commands that need no other setting: database and mappings."""

import getpass
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import click

from bridge.delivery.database.engine import Database
from bridge.errors import ConfigError, InvalidMappings
from bridge.host import Host
from bridge.mapping_file import VARIABLE, read
from bridge.operations.desk import Desk
from bridge.settings import database_url, mapping_file, run_dir
from bridge.to_voucherify.raw_events.mappings import Mappings
from bridge.to_voucherify.raw_events.presets import PRESETS


@contextmanager
def opened() -> Iterator[Database]:
    """Open the database, without creating one.

    Raises:
        ConfigError: ``BRIDGE_DATABASE_URL`` is wrong.
        click.ClickException: there is no database.
    """
    with closing(Database(database_url())) as database:
        if not database.exists():
            raise click.ClickException(f"there is no database at {database.name}: see BRIDGE_DATABASE_URL")
        yield database


def at_desk(database: Database) -> Desk:
    """Return the desk for actions of an operator."""
    url = database_url()
    return Desk(database, Host.of(run_dir(), url), time.time)


def naming(desk: Desk, event_id: str, became: str) -> str:
    """Return the outcome of an event, and the event that a duplicate repeats."""
    event = desk.original(event_id)
    return became if event == event_id else f"{became}: event {event}, which it repeats"


def who() -> str:
    """Return the name under which the audit records this command."""
    try:
        return f"command line: {getpass.getuser()}"
    except (KeyError, OSError):  # a user without a name, as in a container
        return f"command line: {os.getuid()}"


def active_mappings() -> Mappings:
    """Return the mappings in force: those of ``BRIDGE_MAPPINGS``, or the presets.

    Raises:
        ConfigError: the file is wrong.
    """
    path = mapping_file()
    try:
        return read(path) if path else PRESETS
    except InvalidMappings as error:
        raise ConfigError({VARIABLE: f"{path}:\n{error}"}) from error
