"""``bridge replay``: translate events again."""

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import click

from bridge.cli.opening import at_desk, naming, opened, who
from bridge.cli.printing import json_option, print_json, table
from bridge.delivery.database.engine import Database
from bridge.errors import NoSuchEvent
from bridge.operations import bulk_replay
from bridge.operations.bulk_replay import REPLAYABLE, BulkReplay, State
from bridge.operations.desk import REPLAY_SECONDS, WAITS, Desk
from bridge.operations.history import Filter

UNKNOWN = "no such event"

LOOK_SECONDS = 0.2


@click.command(short_help="Translate events again, and deliver what was not delivered.")
@click.argument("event_ids", nargs=-1)
@click.option("--status", type=click.Choice(REPLAYABLE), help="All events that have this status.")
@click.option("--event", help="Of these, only events of this name.")
@click.option("--customer", help="Of these, only events of this customer's source_id.")
@json_option
def replay(event_ids: tuple[str, ...], as_json: bool, **wanted: Any) -> None:
    """Translate events again, and deliver what was not delivered.

    Name EVENT_IDS, or all events of a --status. A worker does the replay, and this command waits for it. A delivered
    event is not sent again, so a replay can be repeated. Ctrl-C ends the waiting, not the replay.
    """
    if bool(event_ids) == bool(wanted["status"]):
        raise click.UsageError("Give either EVENT_IDS or a --status.")
    with opened() as database:
        desk = at_desk(database)
        if event_ids:
            _replay_each(desk, event_ids, as_json)
        else:
            _replay_all(database, desk.begin_bulk_replay(Filter(**wanted), who()), as_json)


def _replay_each(desk: Desk, event_ids: tuple[str, ...], as_json: bool) -> None:
    replays = [{"id": event_id, "became": _again(desk, event_id)} for event_id in event_ids]
    if as_json:
        print_json(replays)
    else:
        table("Replayed", ("id", "outcome"), [tuple(one.values()) for one in replays])
    if any(one["became"] == UNKNOWN for one in replays):
        raise SystemExit(1)


def _again(desk: Desk, event_id: str) -> str:
    try:
        return naming(desk, event_id, desk.replay(event_id, who()))
    except NoSuchEvent:
        return UNKNOWN


def _replay_all(database: Database, replay_id: str, as_json: bool) -> None:
    result = _awaited(database, replay_id)
    if as_json:
        print_json(result)
        return
    rows = sorted(result.became.items(), key=lambda one: -one[1])
    table(f"Bulk replay {result.id}: {result.state}", ("outcome", "events"), rows, empty="No events match.")
    if result.state is State.RUNNING:
        click.echo(f"{result.done} of {result.total} events are translated; the others are {WAITS.partition(':')[0]}.")


def _awaited(database: Database, replay_id: str) -> BulkReplay:
    """Wait until the bulk replay has ended, or until no worker continues it."""
    moved_at = time.monotonic()
    result = _look(database, replay_id)
    with _progress(result.total) as bar:
        while result.state is State.RUNNING and time.monotonic() - moved_at < REPLAY_SECONDS:
            time.sleep(LOOK_SECONDS)
            before, result = result, _look(database, replay_id)
            if result.done > before.done:
                moved_at = time.monotonic()
                if bar:
                    bar.update(result.done - before.done)
    return result


def _look(database: Database, replay_id: str) -> BulkReplay:
    with database.reading() as connection:
        return bulk_replay.one(connection, replay_id)


def _progress(total: int) -> AbstractContextManager[Any]:
    """Return a progress bar for a terminal."""
    if not sys.stderr.isatty():
        return nullcontext()
    return click.progressbar(length=total, label="Replaying", file=sys.stderr)
