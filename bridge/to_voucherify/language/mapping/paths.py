"""Paths → functions that follow them, compiled once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bridge.to_voucherify.language.javascript import UNDEFINED, member

Run = Callable[[Any], Any]
"""From the event, or what stands for it, to a value."""

# An opening bracket counts before a quote or a digit, a closing one behind it. A dot within quotes counts all the same.
_STEP = re.compile(r"""\[(?=["'0-9])|\.|(?<=["'0-9])\]+""")
_QUOTES = str.maketrans("", "", "\"'")


def without_root(source: str) -> str:
    """The path of an @path, in which ``$.`` is the event; only the first is dropped, wherever it stands."""
    return source.replace("$.", "", 1)


def read_path(source: str) -> Run:
    """``context.page.url``, ``products[0].price``, ``traits['favourite colour']``; an empty one is the whole event."""
    if source in ("", "."):
        return lambda payload: payload
    names = tuple(step.translate(_QUOTES) for step in _STEP.split(source) if step)

    def read(payload: Any) -> Any:
        value = payload
        for name in names:
            value = value.get(name, UNDEFINED) if type(value) is dict else member(value, name)
        return value

    return read
