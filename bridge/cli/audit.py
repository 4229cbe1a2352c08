"""``bridge audit``: who did what by hand."""

import click

from bridge.cli.opening import opened
from bridge.cli.printing import json_option, print_json, table, when
from bridge.delivery.audit import trail


@click.command(short_help="List what was done by hand, and by whom.")
@click.option("--before", help="Only records older than this id: the next page.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many.")
@json_option
def audit(before: str | None, limit: int, as_json: bool) -> None:
    """List who signed in at the console, replayed, discarded or decided, or saw a customer's data; newest first."""
    with opened() as database, database.reading() as connection:
        found = trail(connection, limit, before)
    if as_json:
        print_json(found)
        return
    rows = [(when(one.at), one.who, one.did, one.event_id, one.detail) for one in found]
    columns = ("at (UTC)", "who", "did", "event", "what came of it")
    table("Done by hand, newest first", columns, rows, empty="Nobody has done anything by hand yet.")
