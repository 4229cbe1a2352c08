"""``bridge events``: list events, or show one with every attempt."""

import json
from typing import Any

import click
from sqlalchemy import Connection

from bridge.cli.moment import moment
from bridge.cli.opening import opened
from bridge.cli.printing import console, json_option, print_json, readable, table, when
from bridge.directions import DIRECTIONS
from bridge.errors import NoSuchEvent
from bridge.operations.history import (
    PENDING,
    STATUSES,
    Delivered,
    Entry,
    Filter,
    Story,
    counts,
    entries,
    of_message,
    story,
)


@click.command(short_help="List events, or show one with every attempt.")
@click.argument("event_id", required=False)
@click.option("--status", type=click.Choice(STATUSES), help="Only events with this status.")
@click.option("--event", help='Only events of this name, such as "Customer Redemption Succeeded".')
@click.option("--customer", help="Only events of this customer's source_id.")
@click.option("--direction", type=click.Choice(DIRECTIONS), help="Only events of this direction.")
@click.option("--error", help="Only events with this text in the error, or in the reason of a quarantine.")
@click.option("--since", type=moment, help="Only events received since a time in UTC, or since 90m, 24h, 7d ago.")
@click.option("--until", type=moment, help="Only events received before a time in UTC.")
@click.option("--before", help="Only events older than this id: the next page.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="Number of events.")
@click.option("--count", is_flag=True, help="Show the number of events by name and status instead.")
@json_option
def events(event_id: str | None, limit: int, count: bool, as_json: bool, **wanted: Any) -> None:
    """List events, newest first, or show the event of EVENT_ID.

    One event is shown with the received bytes, its deliveries, and every attempt. The id of a batch lists its events.
    """
    if count and event_id:
        raise click.UsageError("--count counts events: leave EVENT_ID out.")
    with opened() as database, database.reading() as connection:
        if count:
            _print_counts(counts(connection, Filter(**wanted)), as_json)
        elif event_id:
            _show(connection, event_id, as_json)
        else:
            _print_entries(entries(connection, Filter(**wanted), limit), as_json)


def _show(connection: Connection, event_id: str, as_json: bool) -> None:
    """Print an event, or the events of a batch."""
    try:
        event = story(connection, event_id)
    except NoSuchEvent:
        of_batch = of_message(connection, event_id)
        if not of_batch:
            raise
        _print_entries(of_batch, as_json)
    else:
        _print_story(event, as_json)


def _print_counts(counted: dict[tuple[str, str], int], as_json: bool) -> None:
    rows = sorted((name, status, number) for (name, status), number in counted.items())
    if as_json:
        print_json([{"event": name, "status": status, "count": number} for name, status, number in rows])
    else:
        table("Events", ("event", "status", "count"), rows, empty="No events match.")


def _print_entries(listed: list[Entry], as_json: bool) -> None:
    if as_json:
        print_json(listed)
        return
    columns = ("id", "received (UTC)", "event", "status", "attempts", "repeats", "customer", "reason")
    rows = [
        (one.id, when(one.received_at), one.event, one.status, one.attempts, one.repeats, one.customer, one.reason)
        for one in listed
    ]
    table("Events, newest first", columns, rows, empty="No events match.")


def _print_story(event: Story, as_json: bool) -> None:
    if as_json:
        print_json(event)
        return
    entry, out = event.entry, console()
    if event.repeat_id:
        out.print(f"{event.repeat_id} is a duplicate of this event. It is not delivered again.")
    table(
        f"Event {entry.id}",
        ("event", "status", "reason", "customer", "received (UTC)", "repeats"),
        [(entry.event, entry.status, entry.reason, entry.customer, when(entry.received_at), entry.repeats)],
    )
    _print_content("What was received", event.body)
    for delivery in event.deliveries:
        _print_content(f"What is sent to {delivery.sink}, as {delivery.key}", delivery.payload)
        _print_attempts(delivery)
    if not event.deliveries:
        out.print("It is not translated yet." if entry.status == PENDING else "No deliveries.")


def _print_attempts(delivery: Delivered) -> None:
    rows: list[tuple[Any, ...]] = [
        (when(one.at), f"{one.seconds:.3f} s", one.outcome, one.code, one.detail.strip()) for one in delivery.attempts
    ]
    if delivery.attempts_between:
        rows.insert(1, ("", "", "", "", f"{delivery.attempts_between} attempts between"))
    table("Responses", ("time (UTC)", "duration", "outcome", "code", "response"), rows, empty="No attempt yet.")
    if delivery.status == "waiting":
        console().print(f"The next attempt is due at {when(delivery.due_at)} UTC.")


def _print_content(title: str, content: bytes) -> None:
    out = console()
    out.rule(title, align="left")
    value = readable(content)
    out.print(value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False), markup=False)
