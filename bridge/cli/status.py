"""``bridge status``: the overview of the console."""

import time
from collections.abc import Sequence

import click

from bridge.cli.opening import opened
from bridge.cli.printing import json_option, print_json, table, when
from bridge.operations.monitoring.overview import PERIODS, Flow, Overview, overview

MOST = 15
"""Rows of causes and names in a terminal; ``--json`` has all."""


@click.command(short_help="Show counts, waiting messages, errors and problems.")
@click.option(
    "--period", type=click.Choice(tuple(PERIODS)), default="24h", show_default=True, help="Period of the counts."
)
@json_option
def status(period: str, as_json: bool) -> None:
    """Show received, delivered and waiting events, errors, and open problems."""
    with opened() as database, database.reading() as connection:
        shown = overview(connection, period, time.time())
    if as_json:
        print_json(shown)
    else:
        _print(shown)


def _print(shown: Overview) -> None:
    if shown.concerns:
        table(
            "Problems",
            ("kind", "direction", "problem"),
            [(one.kind, one.direction, one.text) for one in shown.concerns],
        )
    columns = ("", *(flow.direction for flow in shown.flows))
    table(f"Last {shown.period}, and now", columns, _flows(shown.flows))
    sinks = [(one.name, one.state, when(one.paused_until), one.reason) for one in shown.sinks]
    table("Services", ("service", "state", "paused until (UTC)", "reason"), sinks, empty="No worker has ever run.")
    queues = [
        (one.queue, one.pending, _seconds(one.oldest_seconds), one.trouble(shown.at))
        for one in shown.queues
        if one.is_used
    ]
    if queues:
        table("Translation", ("queue", "pending now", "age of the oldest", "problem"), queues)
    if shown.troubles:
        troubles = [(one.count, one.direction, one.what, one.cause) for one in shown.troubles[:MOST]]
        table("Errors by cause", ("count", "direction", "outcome", "cause"), troubles)
    names = [
        (one.event, one.direction, one.received, one.delivered, one.failed, when(one.last_at))
        for one in shown.events[:MOST]
    ]
    columns = ("event", "direction", "received", "delivered", "failed", "last (UTC)")
    table("By event", columns, names, empty=f"No events in the last {shown.period}.")


def _flows(flows: Sequence[Flow]) -> list[tuple[object, ...]]:
    """Return a row per number, with a column per direction."""
    counts = ("received", "duplicates", "ignored", "quarantined", "delivered", "failed", "retried", "refused")
    now = ("waiting", "dead", "uncertain")
    times = {"oldest_waiting": "age of the oldest", "p50": "median duration", "p95": "95 % take at most"}
    rows: list[tuple[object, ...]] = [(name, *(getattr(flow, name) for flow in flows)) for name in counts]
    rows += [(f"{name} now", *(getattr(flow, name) for flow in flows)) for name in now]
    rows += [(title, *(_seconds(getattr(flow, name)) for flow in flows)) for name, title in times.items()]
    return rows


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:,.1f} s"
