"""PURE: which events somebody asks for: the fields of a query, and the filter that they mean."""

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
"""Of texts that are one of a few."""

LONGEST = 300


def wanted(query: Mapping[str, str]) -> Filter:
    """What a query asks for; what is empty or unknown does not matter.

    Raises:
        Invalid: a time is none, a direction or a status is not one of them: nobody should read "none" for a slip.
    """
    given = {name: query[name].strip()[:LONGEST] for name in (*TEXTS, *TIMES) if query.get(name, "").strip()}
    slips = [name for name, choices in CHOICES.items() if name in given and given[name] not in choices]
    if slips:
        raise Invalid({name: f"must be one of {', '.join(CHOICES[name])}" for name in slips})
    values: dict[str, Any] = {name: _epoch(name, text) if name in TIMES else text for name, text in given.items()}
    return Filter(**values)


def query(asked: Filter) -> dict[str, str]:
    """The fields that mean ``asked``, but for where its page begins."""
    values = {
        field.name: getattr(asked, field.name) for field in fields(asked) if field.name not in ("before", "after")
    }
    texts = {name: value for name, value in values.items() if value is not None and name not in TIMES}
    return texts | {name: minute(values[name]) for name in TIMES if values.get(name) is not None}


def _epoch(name: str, text: str) -> float:
    """Epoch seconds; a time without an offset is in UTC."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid({name: "must be a time like 2026-11-24T06:30, in UTC"}) from error
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def minute(epoch: float) -> str:
    """As a browser's field for times has it."""
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%dT%H:%M:%S}"
