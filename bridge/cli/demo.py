"""``bridge demo``: see it work, with nothing set up."""

import json
import time
from collections.abc import Mapping
from typing import Any

import click

from bridge.cli.printing import json_option, print_json, table
from bridge.demo.play import SECRET, Stage, play, stage


@click.command()
@click.option("--once", is_flag=True, help="Exit when the events have arrived.")
@click.option("--port", default=0, help="The port to listen on; any free one if not given.")
@json_option
def demo(once: bool, port: int, as_json: bool) -> None:
    """Run the real application, post all 12 events to it, and show what arrives at a stand-in for Segment.

    Nothing leaves this machine, and nothing is left behind: the database is thrown away at the end.
    """
    with stage(port) as running:
        play(running)
        shown = len(running.segment.events)
        if as_json:
            print_json(list(running.segment.events))
        else:
            _show(running.segment.events[:shown])
        if not once:
            _stay_open(running, shown)


def _show(events: list[Mapping[str, Any]]) -> None:
    rows = [(event["event"], event["userId"], _properties(event["properties"]), event["messageId"]) for event in events]
    table("Arrived at Segment's stand-in", ("event", "userId", "properties", "messageId"), rows)


def _properties(properties: Mapping[str, Any]) -> str:
    sizes = {name: len(value) if isinstance(value, dict) else 1 for name, value in properties.items()}
    return ", ".join(f"{name} ({size})" if size > 1 else name for name, size in sizes.items())


def _stay_open(running: Stage, shown: int) -> None:
    click.echo(
        f"""
In brackets: how many columns of the warehouse table that object becomes.

The bridge still listens. Try it by hand, from another terminal:

  export VOUCHERIFY_WEBHOOK_SECRET={SECRET}
  bridge trigger redemption.succeeded --url {running.webhook_url}

What arrives is shown here. Ctrl-C ends the demo.
"""
    )
    try:
        while True:
            time.sleep(0.2)
            for event in running.segment.events[shown:]:
                shown += 1
                click.echo(json.dumps(event, indent=2, ensure_ascii=False))
    except KeyboardInterrupt:
        click.echo("\nThe demo has ended.")
