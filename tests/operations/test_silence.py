import pytest

from bridge.operations.monitoring.silence import ENOUGH, Interval, Silence, silence

HOUR = 3600.0


def every(seconds: float, until: float = 0.0, count: int = 50, length: float = 300.0) -> list[Interval]:
    """Return arrivals up to ``until`` seconds before now, which is 0."""
    starts = [-until - length - number * seconds for number in range(count)]
    return [Interval(start, start + length) for start in sorted(starts)]


@pytest.mark.parametrize(
    ("arrivals", "ever", "found"),
    [
        pytest.param([], False, None, id="nothing ever came"),
        pytest.param([], True, Silence(0.0, 0.0), id="nothing came for longer than is kept"),
        pytest.param(every(300, until=10), False, None, id="busy"),
        pytest.param(every(300, until=HOUR), False, None, id="an hour is never too long"),
        pytest.param(every(300, until=HOUR + 1), False, Silence(-HOUR - 1, 0.0), id="busy, and quiet for over an hour"),
        pytest.param(every(8 * HOUR, until=11 * HOUR), False, None, id="seldom, and quiet for not much longer"),
        pytest.param(every(8 * HOUR, until=12 * HOUR), False, Silence(-12 * HOUR, 8 * HOUR - 300), id="seldom"),
        pytest.param(every(300, until=99 * HOUR, count=ENOUGH - 1), False, None, id="too few to say what is usual"),
        pytest.param([*every(300, 20 * HOUR), *every(300, 2 * HOUR, 20)], False, None, id="a lull every night"),
    ],
)
def test_silence_is_measured_by_what_is_usual(arrivals: list[Interval], *, ever: bool, found: Silence | None) -> None:
    assert silence(arrivals, ever=ever, now=0.0) == found
