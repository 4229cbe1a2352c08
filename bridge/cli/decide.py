"""``bridge decide``: settle an uncertain delivery."""

import click

from bridge.cli.opening import at_desk, opened, who
from bridge.cli.printing import json_option, print_json


@click.command(short_help="Settle an uncertain event.")
@click.argument("event_id")
@click.option(
    "--delivered", "verdict", flag_value="delivered", help="The service has accepted it: do not send it again."
)
@click.option("--again", "verdict", flag_value="again", help="The service has not accepted it: send it again.")
@json_option
def decide(event_id: str, verdict: str | None, as_json: bool) -> None:
    """Settle the uncertain deliveries of EVENT_ID.

    Search for the event at Voucherify first, then decide. A custom event that is sent again although it was recorded
    counts twice. It may pay loyalty points twice.
    """
    if verdict is None:
        raise click.UsageError("Give --delivered or --again.")
    with opened() as database:
        desk = at_desk(database)
        decided = desk.decide(event_id, who(), again=verdict == "again")
        event = desk.original(event_id)
    if as_json:
        print_json({"id": event_id, "decided": decided})
    else:
        click.echo(f"{decided} uncertain: {verdict}." if decided else "No uncertain deliveries.")
        if event != event_id:
            click.echo(f"{event_id} is a duplicate of event {event}, which was decided.")
