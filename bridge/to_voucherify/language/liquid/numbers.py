"""Calculate as JavaScript does, where Python raises or rounds differently."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable


def divide(number: float, by: float) -> float:
    """Divide; by zero the result is infinite."""
    if by:
        return number / by
    return math.nan if not number or math.isnan(number) else math.copysign(math.inf, number) * math.copysign(1, by)


def remainder(number: float, by: float) -> float:
    """Return the remainder with the sign of ``by``."""
    return math.nan if not by or math.isinf(number) else math.fmod(math.fmod(number, by) + by, by)


def rounded(number: float, digits: float = 0) -> float:
    """Round halves up.

    As in liquidjs, the number is first increased by the smallest relative step.
    """
    if not math.isfinite(digits):
        return math.nan
    try:
        scale = 10.0**digits
    except OverflowError:
        return math.nan
    scaled = number * scale * (1 + sys.float_info.epsilon)
    if not math.isfinite(scaled):
        return divide(scaled, scale)
    below = math.floor(scaled)
    return divide(float(below + (scaled - below >= 0.5)), scale)  # noqa: PLR2004 - a half


def whole(function: Callable[[float], float]) -> Callable[[float], float]:
    """Make a rounding function return infinity and NaN as they are."""
    return lambda number: function(number) if math.isfinite(number) else number
