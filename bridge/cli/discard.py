"""``bridge discard``: discard events that will not be delivered."""

import click

from bridge.cli.opening import at_desk, naming, opened, who
from bridge.cli.printing import json_option, print_json, table
from bridge.errors import InHand, NoSuchEvent

UNKNOWN, NOTHING = "no such event", "nothing to discard"
IN_HAND = "a worker is translating or sending it: try again in a minute"


@click.command(short_help="Discard events that will not be delivered.")
@click.argument("event_ids", nargs=-1, required=True)
@json_option
def discard(event_ids: tuple[str, ...], as_json: bool) -> None:
    """Discard what is not delivered of EVENT_IDS.

    It accepts events that are pending, waiting, queued, dead, uncertain or quarantined. The next delivery of the same
    customer is sent. bridge replay restores a discarded event.
    """
    with opened() as database:
        desk = at_desk(database)
        done = []
        for event_id in event_ids:
            try:
                became = naming(desk, event_id, "discarded" if desk.discard(event_id, who()) else NOTHING)
            except NoSuchEvent:
                became = UNKNOWN
            except InHand:
                became = IN_HAND
            done.append({"id": event_id, "became": became})
    if as_json:
        print_json(done)
    else:
        table("Discarded", ("id", "outcome"), [tuple(one.values()) for one in done])
    if any(one["became"] in (UNKNOWN, IN_HAND) for one in done):
        raise SystemExit(1)
