"""``bridge demo``: the bridge with stand-ins for both services."""

import json
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from bridge.cli.printing import json_option, print_json, table
from bridge.demo.calls import credentials
from bridge.demo.play import ADMIN_TOKEN, APP_ID, SECRET, SECRET_KEY, SOURCE_KEY, Stage, changes, play, stage
from bridge.demo.voucherify import Call


@click.command(short_help="Run the bridge with stand-ins for both services.")
@click.option("--once", is_flag=True, help="Exit when the events have arrived.")
@click.option("--port", default=0, help="Port to listen on; by default any free port.")
@json_option
def demo(once: bool, port: int, as_json: bool) -> None:
    """Run the bridge with stand-ins for Segment and Voucherify.

    It posts every kind of message to the real application, and shows what arrives at the stand-ins. No data leaves this
    machine. The temporary database is deleted at the end.
    """
    signal.signal(signal.SIGTERM, _end)
    # A shell makes background processes ignore Ctrl-C; the demo ends nevertheless.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with stage(port) as running:
        play(running)
        events, calls = list(running.segment.events), changes(running.voucherify)
        if as_json:
            print_json({"segment": events, "voucherify": calls})
        else:
            _show(events, calls)
        if not once:
            _stay_open(running, len(events), len(calls))


def _end(*_: Any) -> NoReturn:
    """Exit at SIGTERM, so that the database is deleted."""
    raise SystemExit(128 + signal.SIGTERM)


def _show(events: list[Mapping[str, Any]], calls: list[Call]) -> None:
    rows = [(event["event"], event["userId"], _properties(event["properties"]), event["messageId"]) for event in events]
    table("From Voucherify's webhooks, arrived at Segment", ("event", "userId", "properties", "messageId"), rows)
    requests = [(f"{call.method} {call.path}", json.dumps(call.body, ensure_ascii=False)) for call in calls]
    table("From Segment's destination and the tracking API, arrived at Voucherify", ("request", "body"), requests)


def _properties(properties: Mapping[str, Any]) -> str:
    sizes = {name: len(value) if isinstance(value, dict) else 1 for name, value in properties.items()}
    return ", ".join(f"{name} ({size})" if size > 1 else name for name, size in sizes.items())


def _program() -> str:
    """Return this command as an operator can type it.

    On some systems another ``bridge`` comes first in the PATH.
    """
    return sys.argv[0] if Path(sys.argv[0]).name == "bridge" else "bridge"


def _stay_open(running: Stage, events: int, calls: int) -> None:
    keys = credentials(APP_ID, SECRET_KEY)
    click.echo(
        f"""
In brackets: how many columns of the warehouse table that object becomes.

The bridge still listens. Try it by hand, from another terminal:

  export VOUCHERIFY_WEBHOOK_SECRET={SECRET}
  {_program()} trigger redemption.succeeded --url {running.webhook_url}

  curl {running.url}/segmentio/group-processing -H 'Content-Type: application/json' \\
    -H 'Authorization: {keys["Authorization"]}' -H 'Secret-Key: {keys["Secret-Key"]}' \\
    -d '{{"customer": {{"source_id": "ada-1815"}}, "group_id": "book-club", "type": "group"}}'

  curl {running.url}/v1/track -u {SOURCE_KEY}: -H 'Content-Type: application/json' \\
    -d '{{"userId": "ada-1815", "event": "Book Returned"}}'

See all of it at {running.url}/console: the token is {ADMIN_TOKEN}

What arrives is shown here. Ctrl-C ends the demo.
"""
    )
    try:
        while True:
            time.sleep(0.2)
            for event in running.segment.events[events:]:
                events += 1
                click.echo(f"Segment: {event['event']}, userId {event['userId']}, messageId {event['messageId']}")
            for call in changes(running.voucherify)[calls:]:
                calls += 1
                click.echo(f"Voucherify: {call.method} {call.path} {json.dumps(call.body, ensure_ascii=False)}")
    except KeyboardInterrupt:
        click.echo("\nThe demo has ended.")
