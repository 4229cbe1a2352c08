from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.operations.monitoring.percentiles import percentile


@pytest.mark.parametrize(
    ("histogram", "share", "seconds"),
    [
        pytest.param([], 0.5, None, id="nothing"),
        pytest.param([(1.0, 0)], 0.5, None, id="an empty bucket"),
        pytest.param([(1.0, 10)], 0.5, 0.5, id="halfway through the only one"),
        pytest.param([(1.0, 10), (2.0, 10)], 0.5, 1.0, id="the end of the first"),
        pytest.param([(1.0, 10), (2.0, 10)], 0.75, 1.5, id="halfway through the second"),
        pytest.param([(1.0, 1), (10.0, 0), (20.0, 9)], 0.95, 10 + 10 * 8.5 / 9, id="past an empty one"),
        pytest.param([(1.0, 1), (inf, 9)], 0.95, 1.0, id="beyond the last bound"),
    ],
)
def test_a_percentile(histogram: list[tuple[float, int]], share: float, seconds: float | None) -> None:
    assert percentile(histogram, share) == (None if seconds is None else pytest.approx(seconds))


@given(st.lists(st.tuples(st.floats(0.01, 1e6), st.integers(1, 1000)), min_size=1), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_never_takes_less_time(counts: list[tuple[float, int]], one: float, other: float) -> None:
    histogram = sorted(dict(counts).items())
    small, large = percentile(histogram, min(one, other)), percentile(histogram, max(one, other))
    assert small is not None
    assert large is not None
    assert small <= large <= histogram[-1][0]
