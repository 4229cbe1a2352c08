"""``bridge replay``: run it through today's code again."""

from dataclasses import replace as changed
from typing import Any

import click

from bridge.cli.opening import at_desk, opened, who
from bridge.cli.printing import json_option, print_json, table
from bridge.delivery.bulk import REPLAYABLE
from bridge.delivery.database import Database
from bridge.delivery.desk import Desk
from bridge.delivery.journal import Filter, entries
from bridge.errors import NoSuchEvent

PAGE = 500
UNKNOWN = "no such event"


@click.command(short_help="Run events through today's code again.")
@click.argument("event_ids", nargs=-1)
@click.option("--status", type=click.Choice(REPLAYABLE), help="All events that stand there.")
@click.option("--event", help="Of these, only those of that name.")
@click.option("--customer", help="Of these, only those of that customer's source_id.")
@json_option
def replay(event_ids: tuple[str, ...], as_json: bool, **wanted: Any) -> None:
    """Translate events anew and deliver what was not delivered: EVENT_IDS, or all with a --status.

    Doing it twice is harmless: what has been delivered, or is on its way, is left alone.
    """
    if bool(event_ids) == bool(wanted["status"]):
        raise click.UsageError("Name either EVENT_IDS or a --status.")
    with opened() as database:
        desk = at_desk(database)
        chosen = event_ids or _choose(database, Filter(**wanted))
        done = [{"id": event_id, "became": _again(desk, event_id)} for event_id in chosen]
    if as_json:
        print_json(done)
    else:
        table("Replayed", ("id", "became"), [tuple(one.values()) for one in done], empty="No such event.")
    if any(one["became"] == UNKNOWN for one in done):
        raise SystemExit(1)


def _again(desk: Desk, event_id: str) -> str:
    try:
        return desk.replay(event_id, who())
    except NoSuchEvent:
        return UNKNOWN


def _choose(database: Database, wanted: Filter) -> list[str]:
    """All of them, as they are before the first is replayed, oldest first: as they came in."""
    chosen: list[str] = []
    with database.reading() as connection:
        page = entries(connection, wanted, PAGE)
        while page:
            chosen += [entry.id for entry in page]
            page = entries(connection, changed(wanted, before=chosen[-1]), PAGE)
    return list(dict.fromkeys(reversed(chosen)))
