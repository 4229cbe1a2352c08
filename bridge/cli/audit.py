"""``bridge audit``: the actions of operators."""

import click

from bridge.cli.opening import opened
from bridge.cli.printing import json_option, print_json, table, when
from bridge.delivery.audit import trail


@click.command(short_help="List the actions of operators.")
@click.option("--before", help="Only records older than this id: the next page.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="Number of records.")
@json_option
def audit(before: str | None, limit: int, as_json: bool) -> None:
    """List the actions of operators, newest first.

    Actions are sign-ins at the console, replays, discards, decisions, pauses, and views of customer data.
    """
    with opened() as database, database.reading() as connection:
        records = trail(connection, limit, before)
    if as_json:
        print_json(records)
        return
    rows = [(when(one.at), one.who, one.did, one.event_id, one.detail) for one in records]
    columns = ("time (UTC)", "operator", "action", "event", "detail")
    table("Actions of operators, newest first", columns, rows, empty="No actions of operators yet.")
