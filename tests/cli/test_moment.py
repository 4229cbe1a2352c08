from datetime import UTC, datetime

import click
import pytest

from bridge.cli.moment import moment


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        pytest.param("2026-07-01", datetime(2026, 7, 1, tzinfo=UTC), id="a day"),
        pytest.param("2026-07-01T14:30", datetime(2026, 7, 1, 14, 30, tzinfo=UTC), id="a minute"),
        pytest.param("2026-07-01T14:30:15+02:00", datetime(2026, 7, 1, 12, 30, 15, tzinfo=UTC), id="an offset"),
    ],
)
def test_a_time_is_in_utc_if_it_does_not_say(typed: str, meant: datetime) -> None:
    assert moment(typed) == meant.timestamp()


@pytest.mark.parametrize(("typed", "seconds"), [("90m", 5400), ("24h", 86_400), ("7d", 604_800)])
def test_a_time_may_be_so_long_ago(typed: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.cli.moment.time.time", lambda: 1_900_000_000.0)
    assert moment(typed) == 1_900_000_000.0 - seconds


@pytest.mark.parametrize("typed", ["", "yesterday", "5", "7w", "-1d", "2026-13-01"])
def test_a_text_that_is_no_time_is_refused(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="give a time"):
        moment(typed)
