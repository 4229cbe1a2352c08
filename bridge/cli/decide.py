"""``bridge decide``: settle an uncertain delivery."""

import click

from bridge.cli.opening import at_desk, opened, who
from bridge.cli.printing import json_option, print_json


@click.command(short_help="Say what became of an uncertain event.")
@click.argument("event_id")
@click.option("--delivered", "verdict", flag_value="delivered", help="It was taken: there is nothing to do.")
@click.option("--again", "verdict", flag_value="again", help="It was not taken: send it again.")
@json_option
def decide(event_id: str, verdict: str | None, as_json: bool) -> None:
    """Settle the uncertain deliveries of EVENT_ID.

    Search for the event at Voucherify first, then decide. A custom event that is sent again although it was recorded
    counts twice. It may pay loyalty points twice.
    """
    if verdict is None:
        raise click.UsageError("Say --delivered or --again.")
    with opened() as database:
        desk = at_desk(database)
        decided = desk.decide(event_id, who(), again=verdict == "again")
        event = desk.original(event_id)
    if as_json:
        print_json({"id": event_id, "decided": decided})
    else:
        click.echo(f"{decided} uncertain: {verdict}." if decided else "Nothing of it is uncertain.")
        if event != event_id:
            click.echo(f"This is about event {event}, which {event_id} repeats.")
