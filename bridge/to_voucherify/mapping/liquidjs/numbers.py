"""Arithmetic as JavaScript does it, where Python raises or rounds otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal


def divide(number: float, by: float) -> float:
    """By zero it is infinite."""
    if by:
        return number / by
    return math.nan if not number or math.isnan(number) else math.copysign(math.inf, number) * math.copysign(1, by)


def remainder(number: float, by: float) -> float:
    """With the sign of ``by``."""
    return math.nan if not by or math.isinf(number) else math.fmod(math.fmod(number, by) + by, by)


def rounded(number: float, digits: float = 0) -> float:
    """Halves are rounded away from zero, decimally."""
    if math.isinf(number) or digits != int(digits):
        return number
    scaled = Decimal(repr(abs(number))).scaleb(int(max(-400, min(digits, 400))))
    if scaled > 2**53 - 1:
        return number
    result = float(Decimal(math.floor(scaled + Decimal("0.5"))).scaleb(-int(digits)))
    return math.copysign(result, number)


def whole(function: Callable[[float], float]) -> Callable[[float], float]:
    """A function that makes whole numbers, for those too that cannot be made whole."""
    return lambda number: function(number) if math.isfinite(number) else number
