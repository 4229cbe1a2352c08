"""Convert between the fields of a query and a filter of events."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from bridge.directions import DIRECTIONS
from bridge.errors import Invalid
from bridge.operations.history import STATUSES, Filter

TEXTS = ("direction", "status", "event", "customer", "error", "before")
TIMES = ("since", "until")

CHOICES = {"direction": DIRECTIONS, "status": STATUSES}
"""The fields with a fixed set of values."""

LONGEST = 300

FIRST, LAST = 0.0, datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""Limits of a time, in epoch seconds. With an offset, a text may name a time that no calendar has."""


def parse_filter(query: Mapping[str, str]) -> Filter:
    """Return the filter of a query. Empty and unknown fields are ignored.

    Raises:
        Invalid: a time, direction or status is invalid. An empty list would hide the mistake.
    """
    texts = {name: query[name].strip()[:LONGEST] for name in (*TEXTS, *TIMES) if query.get(name, "").strip()}
    mistakes = [name for name, choices in CHOICES.items() if name in texts and texts[name] not in choices]
    if mistakes:
        raise Invalid({name: f"must be one of {', '.join(CHOICES[name])}" for name in mistakes})
    values: dict[str, Any] = {name: _epoch(name, text) if name in TIMES else text for name, text in texts.items()}
    return Filter(**values)


def filter_fields(filter_: Filter) -> dict[str, str]:
    """Return the fields of a filter, without the start of its page."""
    values = {
        field.name: getattr(filter_, field.name) for field in fields(filter_) if field.name not in ("before", "after")
    }
    texts = {name: value for name, value in values.items() if value is not None and name not in TIMES}
    return texts | {name: form_time(values[name]) for name in TIMES if values.get(name) is not None}


def _epoch(name: str, text: str) -> float:
    """Parse a time to epoch seconds. Without an offset it is in UTC."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid({name: "must be a time like 2026-11-24T06:30, in UTC"}) from error
    return _within((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp())


def _within(epoch: float) -> float:
    """Return the nearest time that can be formatted. No event is older or newer."""
    return min(max(epoch, FIRST), LAST)


def form_time(epoch: float) -> str:
    """Format a time for a browser's input field, also one that an earlier version stored."""
    return f"{datetime.fromtimestamp(_within(epoch), UTC):%Y-%m-%dT%H:%M:%S}"
