"""Search: the matching events, found by reading few rows."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import deliveries, events
from bridge.operations.history import Filter, entries
from bridge.operations.monitoring.measures import measures
from bridge.operations.monitoring.overview import PERIODS, overview
from tests.benchmarks import million
from tests.delivery.arrivals import rows

NOW = 1_900_000_000.0
NAME = "Customer Redemption Succeeded"

SINGLE: dict[str, dict[str, Any]] = {
    "nothing": {},
    "direction": {"direction": "to_voucherify"},
    "delivered": {"status": "delivered"},
    "dead": {"status": "dead"},
    "waiting": {"status": "waiting"},
    "ignored": {"status": "ignored"},
    "quarantined": {"status": "quarantined"},
    "event": {"event": NAME},
    "customer": {"customer": "customer-7"},
    "since": {"since": NOW - million.WEEK / 2},
    "until": {"until": NOW - million.WEEK / 2},
    "error": {"error": "Cause Number 7"},
    "reason": {"error": "reason of quarantined"},
    "no such error": {"error": "100%_\\"},
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('filled') / 'bridge.db'}")
    million.fill(database, 3_000, NOW)
    yield database
    database.close()


@pytest.fixture(scope="module")
def everything(filled: Database) -> list[dict[str, Any]]:
    """Return every event with its delivery, newest first."""
    going = {row["event_id"]: row for row in rows(filled, deliveries)}
    nothing = {"status": None, "cause": None}
    return [
        {**row, "standing": going.get(row["id"], nothing)["status"], "cause": going.get(row["id"], nothing)["cause"]}
        for row in reversed(rows(filled, events))
    ]


def fits(row: dict[str, Any], wanted: Filter) -> bool:
    """Return whether an event matches, written as simply as possible."""
    standing = row["standing"] or row["status"]
    wrong = row["cause"] or (row["reason"] if row["status"] == "quarantined" else "")
    return all(
        (
            wanted.status in (None, standing),
            wanted.event in (None, row["event"]),
            wanted.customer in (None, row["customer"]),
            wanted.direction in (None, row["direction"]),
            wanted.before is None or row["id"] < wanted.before,
            wanted.since is None or row["received_at"] >= wanted.since,
            wanted.until is None or row["received_at"] < wanted.until,
            wanted.error is None or wanted.error.lower() in wrong.lower(),
        )
    )


def found(database: Database, wanted: Filter, limit: int = 100) -> list[str]:
    with database.reading() as connection:
        return [one.id for one in entries(connection, wanted, limit)]


PAIRS = list(itertools.combinations(SINGLE.items(), 2))


@pytest.mark.parametrize("wanted", [pytest.param(Filter(**one), id=name) for name, one in SINGLE.items()])
def test_a_filter_finds_the_newest_that_fit(filled: Database, everything: list[dict[str, Any]], wanted: Filter) -> None:
    right = [row["id"] for row in everything if fits(row, wanted)]
    assert found(filled, wanted) == right[:100]
    if len(right) > 100:
        assert found(filled, replace(wanted, before=right[99])) == right[100:200]


@pytest.mark.parametrize(
    "wanted", [pytest.param(Filter(**{**one, **other}), id=f"{a}, {b}") for (a, one), (b, other) in PAIRS]
)
def test_filters_narrow_each_other(filled: Database, everything: list[dict[str, Any]], wanted: Filter) -> None:
    assert found(filled, wanted, 20) == [row["id"] for row in everything if fits(row, wanted)][:20]


def plan(database: Database, look: Any) -> list[str]:
    """Return the plan of SQLite's queries for ``look``."""
    steps: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            steps.extend(row[3] for row in cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    event.listen(database.engine, "before_cursor_execute", explain)
    try:
        with database.reading() as connection:
            look(connection)
    finally:
        event.remove(database.engine, "before_cursor_execute", explain)
    assert steps
    return steps


# From its end, only until there are enough; or an index that holds nothing but what went wrong.
IN_ORDER = {"nothing": "SCAN events USING COVERING INDEX sqlite_autoindex_events_1"}
# SQLite 3.46 sees that this one covers the events as well; 3.40 does not.
OF_FAILURES = (
    "SCAN deliveries USING COVERING INDEX deliveries_by_cause",
    "SCAN events USING INDEX events_by_reason",
    "SCAN events USING COVERING INDEX events_by_reason",
)
LARGE = ("SCAN events", "SCAN deliveries", "SCAN attempts")


@pytest.mark.parametrize("name", SINGLE)
def test_no_filter_reads_all_events(filled: Database, name: str) -> None:
    steps = plan(filled, lambda connection: entries(connection, Filter(**SINGLE[name]), 50))
    scans = [step for step in steps if step.startswith(LARGE)]
    assert [step for step in scans if step not in (IN_ORDER.get(name), *OF_FAILURES)] == []
    assert not scans or name in ("nothing", "error", "reason", "no such error")


@pytest.mark.parametrize("period", PERIODS)
def test_the_overview_reads_no_events(filled: Database, period: str) -> None:
    steps = plan(filled, lambda connection: overview(connection, period, NOW))
    assert [step for step in steps if step.startswith(LARGE)] == []


def test_metrics_go_through_no_events(filled: Database) -> None:
    steps = plan(filled, lambda connection: measures(connection, NOW))
    assert [step for step in steps if step.startswith(LARGE)] == []
