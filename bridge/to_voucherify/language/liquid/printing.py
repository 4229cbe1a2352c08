"""How a template prints a value, and how much of it."""

from __future__ import annotations

from typing import Any

from bridge.errors import TemplateFailed
from bridge.to_voucherify.language.javascript import is_nothing, text, whole

LONGEST = 100_000
"""Characters that a template may make at once."""


def printed(value: Any) -> str:
    """A value as a template prints it: nothing for nothing, the items of a list one after the other."""
    if isinstance(value, list):
        return whole("".join(map(printed, value)))
    return "" if is_nothing(value) else text(value)


def check_length(made: int) -> None:
    """Raises ``TemplateFailed`` for more characters than a text may have."""
    if made > LONGEST:
        raise TemplateFailed(f"makes a text of more than {LONGEST:,} characters")
