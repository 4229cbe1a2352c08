"""Short causes of failures, pure.

A cause has so few words that a thousand failures of a kind share it.
"""

import json
from functools import lru_cache
from typing import Any

from bridge.delivery.rules.sink import Outcome
from bridge.json_text import storable

LENGTH = 120
"""Characters of a cause."""

_READ = 1_000
"""Characters of a text that are read for its cause."""

_DIGITS = 3
"""Digits of one word that make it particular: an id, a time, a telephone number."""

_TELLING = ("message", "key", "error", "code")
"""Keys of error texts in JSON answers, the most readable first."""


@lru_cache(maxsize=32)  # of the thousand deliveries of a batch, whose outcomes are the same
def of_outcome(outcome: Outcome) -> str:
    """Return the cause of an outcome, such as ``rejected 400: Duplicate resource``.

    The text is the service's own, without ids, numbers and addresses.
    """
    happened = f"{outcome.happened} {outcome.code}" if outcome.code else str(outcome.happened)
    said = _said(outcome)
    return _short(f"{happened}: {general(said[:_READ])}" if said else happened)


def of_reason(reason: str) -> str:
    """Return the cause of a quarantined event."""
    return _short(general(reason[:_READ]))


def _said(outcome: Outcome) -> str:
    try:
        return _telling(json.loads(outcome.detail))
    except (ValueError, RecursionError):
        # A page of HTML explains nothing; the bridge's own text does.
        return "" if outcome.code else outcome.detail


def _telling(value: Any) -> str:
    if isinstance(value, dict):
        return next((said for name in _TELLING if (said := _telling(value.get(name)))), "")
    return value if isinstance(value, str) else ""


def general(text: str) -> str:
    """Return the text without words that differ between failures, or may identify a person."""
    return " ".join("…" if _is_particular(word) else word for word in text.split())


def _is_particular(word: str) -> bool:
    """Return whether a word differs between failures, or may identify a person."""
    return "@" in word or sum(map(str.isdigit, word)) >= _DIGITS


def _short(text: str) -> str:
    storable_text: str = storable(text)
    return storable_text if len(storable_text) <= LENGTH else storable_text[: LENGTH - 1] + "…"
