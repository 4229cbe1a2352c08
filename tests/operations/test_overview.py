from collections.abc import Callable
from dataclasses import asdict

import pytest

from bridge.delivery.database.engine import Database
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.sink_states import SinkState
from bridge.delivery.outbox.worker import Worker
from bridge.delivery.rules.retry import Policy
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.directions import DIRECTIONS
from bridge.messages import Status
from bridge.operations.monitoring.overview import PERIODS, Named, Overview, Point, Trouble, overview
from tests.delivery.arrivals import SINK, keep, received
from tests.delivery.sinks import DELIVERED, ScriptedSink

NOW = 1_900_000_000.0
OUTCOMES = {
    b"refused": Outcome(Happened.REJECTED, 400, '{"message": "Duplicate key for anna@example.com"}'),
    b"down": Outcome(Happened.FAILED, 503, "<html>"),
    b"doubt": Outcome(Happened.UNCERTAIN, detail="nobody can tell"),
}

Look = Callable[..., Overview]


@pytest.fixture
def look(database: Database) -> Look:
    def at(period: str = "1h", now: float = NOW) -> Overview:
        with database.reading() as connection:
            return overview(connection, period, now)

    return at


def deliver(database: Database, now: float = NOW) -> None:
    sink = ScriptedSink(lambda payload: OUTCOMES.get(payload, DELIVERED))
    Worker(Outbox(database), sink, Policy(max_age=86_400.0), clock=lambda: now, dice=lambda: 0.5).step()


def numbers(found: Overview, direction: str = "to_segment") -> dict[str, float | None]:
    """Return the numbers that are not zero."""
    [flow] = [one for one in found.flows if one.direction == direction]
    return {name: value for name, value in asdict(flow).items() if name != "direction" and value}


def test_of_nothing_there_is_nothing(look: Look) -> None:
    found = look()
    assert [numbers(found, direction) for direction in DIRECTIONS] == [{}, {}]
    assert (found.sinks, found.troubles, found.events) == ((), (), ())


def test_events_are_counted_by_outcome(database: Database, look: Look) -> None:
    keep(
        database,
        received("a", at=NOW - 30),
        received("a", at=NOW - 20),
        received("b", at=NOW - 20, status=Status.IGNORED),
        received("c", at=NOW - 20, status=Status.QUARANTINED),
    )
    assert numbers(look()) == {
        "received": 4,
        "duplicates": 1,
        "ignored": 1,
        "quarantined": 1,
        "waiting": 1,
        "oldest_waiting": 30.0,
    }
    assert numbers(look(), "to_voucherify") == {}


def test_what_went_out_is_counted_by_how_it_ended(database: Database, look: Look) -> None:
    keep(
        database,
        *(received(name, at=NOW - 2, payload=name.encode()) for name in ("fine", "well", "refused", "down", "doubt")),
    )
    deliver(database)
    found = numbers(look())
    assert {name: found[name] for name in ("delivered", "failed", "retried", "waiting", "dead", "uncertain")} == {
        "delivered": 2,
        "failed": 2,
        "retried": 1,
        "waiting": 1,
        "dead": 1,
        "uncertain": 1,
    }


def test_errors_are_grouped_by_their_cause_without_what_is_particular(database: Database, look: Look) -> None:
    keep(database, *(received(f"refused-{number}", at=NOW - 2, payload=b"refused") for number in range(3)))
    keep(database, received("down", at=NOW - 2, payload=b"down"), received("q", at=NOW, status=Status.QUARANTINED))
    deliver(database)
    assert look().troubles == (
        Trouble("to_segment", "dead", "rejected 400: Duplicate key for …", 3),
        Trouble("to_segment", "quarantined", "a reason", 1),
        Trouble("to_segment", "retried", "failed 503", 1),
    )


def test_durations_are_percentiles(database: Database, look: Look) -> None:
    keep(database, *(received(f"quick-{number}", at=NOW - 0.2) for number in range(60)))
    keep(database, *(received(f"slow-{number}", at=NOW - 40) for number in range(40)))
    deliver(database)
    found = numbers(look())
    assert found["p50"] == pytest.approx(0.2, abs=0.06)
    assert found["p95"] == pytest.approx(45, abs=15)


@pytest.mark.parametrize(("period", "seconds"), [("1h", 3600), ("24h", 86_400), ("7d", 604_800)])
def test_what_was_before_the_period_does_not_count(database: Database, look: Look, period: str, seconds: float) -> None:
    keep(database, received("within", at=NOW - seconds + 1))
    keep(database, received("before", at=NOW - seconds - PERIODS[period].step))
    assert numbers(look(period))["received"] == 1


def test_a_chart_has_a_point_for_every_step(database: Database, look: Look) -> None:
    keep(database, received("a", at=NOW - 700, payload=b"refused"))
    deliver(database, NOW - 700)
    keep(database, received("b", at=NOW - 10))
    deliver(database)
    points = [one for one in look().points if one.direction == "to_segment"]
    assert [one.at for one in points] == list(range(int(NOW - 3600) // 300 * 300, int(NOW) + 1, 300))
    assert [one for one in points if one.delivered or one.failed] == [
        Point("to_segment", int(NOW - 700) // 300 * 300, 0, 1),
        Point("to_segment", int(NOW) // 300 * 300, 1, 0),
    ]


def test_each_name_has_its_numbers_and_its_last_occurrence(database: Database, look: Look) -> None:
    keep(database, received("a", at=NOW - 120), received("b", at=NOW - 60, payload=b"refused"))
    deliver(database)
    [named] = look().events
    assert named == Named("to_segment", "Customer Rewarded", 2, 1, 1, named.last_at)
    assert named.last_at == pytest.approx(NOW - 60, abs=0.01)


def test_a_sink_is_paused_running_or_without_a_worker(database: Database, look: Look) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO sinks (name, paused_until, reason, beat_at) VALUES "
            f"('a', {NOW + 9}, 'forbidden (401)', {NOW}), ('b', {NOW - 9}, 'old', {NOW - 3}), ('c', 0, '', {NOW - 60})"
        )
    assert look().sinks == (
        SinkState("a", "paused", NOW + 9, "forbidden (401)", NOW),
        SinkState("b", "running", None, "", NOW - 3),
        SinkState("c", "no worker", None, "", NOW - 60),
    )


def test_the_oldest_waiting_is_not_one_that_was_replayed_just_now(database: Database, look: Look) -> None:
    keep(database, received("replayed", at=NOW - 5000), received("waits", at=NOW - 50))
    with database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE deliveries SET created_at = {NOW - 5} WHERE key = 'replayed'")
    assert numbers(look())["oldest_waiting"] == 50.0


def test_a_sink_and_its_direction_go_by_one_name() -> None:
    assert f"to_{SINK}" == "to_segment"
