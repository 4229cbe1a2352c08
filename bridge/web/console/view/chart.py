"""PURE: what was delivered and what failed, step by step, as bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.operations.monitoring.overview import Point

WIDTH, HEIGHT = 1000.0, 100.0
"""Of the drawing, in its own units: the page stretches it."""

GAP = 0.18
"""Of a step: between two bars."""

LEAST = 2.0
"""How high a bar is at least, so that one failure among a million is seen."""

LABELS = 5
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Bar:
    """One step: where it begins, and from the bottom up what was delivered and what failed."""

    x: float
    width: float
    delivered: float
    failed: float
    point: Point
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    Attributes:
        most: what the top of the drawing stands for.
        ticks: the times below it, evenly spread.
    """

    bars: tuple[Bar, ...]
    most: int
    delivered: int
    failed: int
    ticks: tuple[str, ...]


def chart(points: Sequence[Point]) -> Chart:
    """The chart of ``points``, which are evenly spread and in order."""
    most = _round_number(max((point.delivered + point.failed for point in points), default=0))
    step = WIDTH / max(1, len(points))
    is_long = bool(points) and points[-1].at - points[0].at > DAY
    labels = [_label(point.at, is_long=is_long) for point in points]
    bars = tuple(
        Bar(
            round((place + GAP / 2) * step, 2),
            round(step * (1 - GAP), 2),
            _height(point.delivered, most),
            _height(point.failed, most),
            point,
            labels[place],
        )
        for place, point in enumerate(points)
    )
    spread = [round(place * (len(labels) - 1) / (LABELS - 1)) for place in range(LABELS)] if labels else []
    return Chart(
        bars,
        most,
        sum(point.delivered for point in points),
        sum(point.failed for point in points),
        tuple(labels[place] for place in dict.fromkeys(spread)),
    )


def _height(count: int, most: int) -> float:
    return round(max(LEAST, HEIGHT * count / most), 2) if count else 0.0


def _round_number(number: int) -> int:
    """The next that reads well: 1, 2 or 5 and zeros."""
    size = 1
    while True:
        for first in (1, 2, 5):
            if first * size >= number:
                return first * size
        size *= 10


def _label(at: int, *, is_long: bool) -> str:
    return f"{datetime.fromtimestamp(at, UTC):{'%a %H:%M' if is_long else '%H:%M'}}"
