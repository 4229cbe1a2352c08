"""Build the chart of delivered and failed deliveries, as bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.operations.monitoring.overview import Point

WIDTH, HEIGHT = 1000.0, 100.0
"""The size of the drawing in its own units. The page scales it."""

GAP = 0.18
"""The space between two bars, as a part of a step."""

LEAST = 2.0
"""The least height of a bar, so that one failure in a million is visible."""

LABELS = 5
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its position, and from the bottom up the delivered and the failed."""

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
        most: the value at the top.
        ticks: the times below it, evenly spaced.
    """

    bars: tuple[Bar, ...]
    most: int
    delivered: int
    failed: int
    ticks: tuple[str, ...]


def chart(points: Sequence[Point]) -> Chart:
    """Build the chart of ``points``, which are evenly spaced and in order."""
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
    """Round up to 1, 2 or 5 and zeros."""
    size = 1
    while True:
        for first in (1, 2, 5):
            if first * size >= number:
                return first * size
        size *= 10


def _label(at: int, *, is_long: bool) -> str:
    return f"{datetime.fromtimestamp(at, UTC):{'%a %H:%M' if is_long else '%H:%M'}}"
