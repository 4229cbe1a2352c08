"""Compile paths to functions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bridge.to_voucherify.language.javascript import member

Run = Callable[[Any], Any]
"""From the event, or the value in its place, to a value."""

# A bracket separates beside a quote or a digit: [ before it, ] after it. A dot separates within quotes, too.
_STEP = re.compile(r"""\[(?=["'0-9])|\.|(?<=["'0-9])\]+""")
_QUOTES = str.maketrans("", "", "\"'")


def without_root(source: str) -> str:
    """Remove ``$.``, the event itself, from the path of an @path.

    As at Segment, the first occurrence is removed, at any position.
    """
    return source.replace("$.", "", 1)


def read_path(source: str) -> Run:
    """Compile a path such as ``products[0].price`` or ``traits['favourite colour']``.

    An empty path is the whole event.
    """
    names = tuple(step.translate(_QUOTES) for step in _STEP.split(source) if step)

    def read(payload: Any) -> Any:
        value = payload
        for name in names:
            value = member(value, name)
        return value

    return read
