"""``bridge status``: the overview, in a terminal and as JSON."""

from collections.abc import Callable
from typing import Any

from bridge.bootstrap import Bridge
from tests.cli.conftest import Run
from tests.webhooks import redemption, webhook

Post = Callable[[Any], str]
Told = Callable[..., Any]


def test_it_is_the_overview(bridge: Bridge, post: Post, told: Told) -> None:
    post(webhook("redemption.succeeded", redemption("r_1"), event_id="ev_1"))
    post(b"[]")
    for worker in bridge.crew.workers:
        worker.step()
    found = told("status", "--period", "1h")
    assert found["period"] == "1h"
    [flow] = [one for one in found["flows"] if one["direction"] == "to_segment"]
    assert (flow["received"], flow["quarantined"], flow["delivered"], flow["waiting"]) == (2, 1, 1, 0)
    [trouble] = found["troubles"]
    assert trouble["cause"].startswith("the body is not a JSON object")


def test_in_a_terminal_it_is_tables(bridge: Bridge, post: Post, run: Run) -> None:
    post(webhook("redemption.succeeded", redemption("r_1"), event_id="ev_1"))
    with bridge.database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO sinks (name, paused_until, reason, beat_at) VALUES "
            "('segment', 9999999999, 'forbidden (401)', 9999999999)"
        )
    result = run("status")
    assert result.exit_code == 0
    for told in (
        "Problems",
        "forbidden (401)",
        "Last 24h, and now",
        "Customer Redemption Succeeded",
        "waiting now",
    ):
        assert told in result.output


def test_of_nothing_it_says_so(bridge: Bridge, run: Run) -> None:
    result = run("status", "--period", "7d")
    assert result.exit_code == 0
    assert "No events in the last 7d." in result.output
    assert "No worker has ever run." in result.output
