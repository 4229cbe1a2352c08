"""Print values in a template, up to a maximum length."""

from __future__ import annotations

from typing import Any

from bridge.errors import TemplateFailed
from bridge.to_voucherify.language.javascript import is_nothing, text, whole

LONGEST = 100_000
"""The most characters that a template may write at once."""


def printed(value: Any) -> str:
    """Print a value as a template does.

    Nothing prints as an empty text, and a list as its items without separators.
    """
    if isinstance(value, list):
        return whole("".join(map(printed, value)))
    return "" if is_nothing(value) else text(value)


def check_length(length: int) -> None:
    """Raise ``TemplateFailed`` if a text has too many characters."""
    if length > LONGEST:
        raise TemplateFailed(f"makes a text of more than {LONGEST:,} characters")
