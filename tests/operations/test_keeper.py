import threading
from collections.abc import Iterator

import pytest
import structlog
from sqlalchemy import insert, select

from bridge.delivery.counts.tallies import ERROR, bucket
from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import audit, events, seen, sinks, tallies
from bridge.errors import StoreUnavailable
from bridge.logs import taken_unexpected, unexpected
from bridge.operations.desk import Desk
from bridge.operations.monitoring.health import DATABASE, ERRORS, PAUSES, SCHEMA, TRANSLATION, WORKER
from bridge.operations.monitoring.refusals import Refusals
from bridge.operations.upkeep import chores
from bridge.operations.upkeep.keeper import MANY_ERRORS, House, Keeper
from tests.delivery.arrivals import count, keep, received, rows
from tests.delivery.patience import until
from tests.delivery.pending import Silent

NOW = 1_900_000_000.0
DAY = 86_400.0
WELL = dict.fromkeys((DATABASE, SCHEMA, WORKER, TRANSLATION, PAUSES, ERRORS))


class Here:
    """A keeper of one process, with a clock that a test sets."""

    def __init__(self, database: Database) -> None:
        self.now = NOW
        self.delivering = ["segment"]
        self.refusals = Refusals()
        self.stop = threading.Event()
        house = House(["segment"], lambda: self.delivering, self.refusals, retention=30 * DAY)
        self.keeper = Keeper(database, house, clock=lambda: self.now, rest=0.0)

    def round(self, later: float = 0.0) -> None:
        self.now += later
        self.keeper.round(self.stop)


@pytest.fixture
def here(database: Database) -> Here:
    taken_unexpected()  # those of other tests
    return Here(database)


@pytest.fixture
def told() -> Iterator[list[dict[str, object]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines  # type: ignore[misc] # of a mutable mapping each


def change(database: Database, statement: str) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql(statement)


def test_before_the_first_round_nothing_is_checked(here: Here) -> None:
    assert set(here.keeper.problems()) == {DATABASE, SCHEMA}
    assert all(here.keeper.problems().values())


def test_a_round_finds_that_all_is_well_and_says_that_the_workers_are_alive(database: Database, here: Here) -> None:
    here.round()
    assert here.keeper.problems() == WELL
    assert [(row["name"], row["beat_at"]) for row in rows(database, sinks)] == [("segment", NOW)]


def test_a_beat_leaves_a_pause_alone_and_is_never_put_back(database: Database, here: Here) -> None:
    with database.writing() as connection:
        connection.execute(insert(sinks), {"name": "segment", "paused_until": NOW + 60, "beat_at": NOW + 1})
    here.round()
    [row] = rows(database, sinks)
    assert (row["paused_until"], row["beat_at"]) == (NOW + 60, NOW + 1)


def test_a_worker_of_another_process_will_do_until_its_beat_is_old(database: Database, here: Here) -> None:
    here.round()
    here.delivering = []
    here.round(later=14.0)
    assert here.keeper.problems()[WORKER] is None
    here.round(later=2.0)
    assert here.keeper.problems()[WORKER] == "no worker delivers to segment"


def test_another_schema_is_reported(database: Database, here: Here) -> None:
    here.round()
    change(database, "UPDATE alembic_version SET version_num = '9999'")
    here.round()
    assert "9999" in str(here.keeper.problems()[SCHEMA])


def test_a_lost_database_is_reported_until_it_answers(database: Database, here: Here) -> None:
    here.round()
    change(database, "ALTER TABLE chores RENAME TO away")
    with pytest.raises(StoreUnavailable):
        here.round()
    assert here.keeper.problems()[DATABASE]
    change(database, "ALTER TABLE away RENAME TO chores")
    here.round()
    assert here.keeper.problems() == WELL


def test_what_was_refused_is_written_down_once_also_after_an_outage(database: Database, here: Here) -> None:
    here.refusals.add("to_segment")
    here.refusals.add("to_segment")
    change(database, "ALTER TABLE chores RENAME TO away")
    with pytest.raises(StoreUnavailable):
        here.round()
    change(database, "ALTER TABLE away RENAME TO chores")
    here.refusals.add("to_segment")
    here.round()
    here.round()
    found = [(row["bucket"], row["direction"], row["what"], row["count"]) for row in rows(database, tallies)]
    assert found == [(bucket(NOW), "to_segment", "refused", 3)]


def test_one_process_at_a_time_removes_what_is_old_in_small_steps(database: Database, here: Here) -> None:
    keep(database, *(received(f"old-{number}", at=NOW - 31 * DAY) for number in range(3)), received("new", at=NOW))
    change(database, f"UPDATE deliveries SET status = 'delivered', settled_at = {NOW - 31 * DAY}")
    other = Here(database)
    here.round()
    assert count(database, events) == 4
    here.round(later=61.0)
    assert count(database, events) == 1
    keep(database, received("later", at=NOW - 40 * DAY))
    change(database, f"UPDATE deliveries SET status = 'delivered', settled_at = {NOW - 31 * DAY}")
    other.round(later=62.0)
    assert count(database, events) == 2


def test_keys_are_forgotten_after_four_hundred_days(database: Database, here: Here) -> None:
    keep(database, received("old", at=NOW - 399 * DAY))
    here.round()
    here.round(later=DAY)
    assert count(database, seen) == 2
    here.round(later=DAY)
    assert count(database, seen) == 0


def test_what_was_done_by_hand_is_forgotten_then_too(database: Database, here: Here) -> None:
    Desk(database, Silent(), lambda: NOW - 399 * DAY).sign_in("Ada", "console: Ada")
    here.round()
    here.round(later=DAY)
    assert count(database, audit) == 1
    here.round(later=DAY)
    assert count(database, audit) == 0


def test_counts_are_folded(database: Database, here: Here) -> None:
    keep(database, received("old", at=NOW - 9 * DAY))
    here.round()
    here.round(later=1801.0)
    assert [row["bucket"] for row in rows(database, tallies)] == [0]


def test_a_silence_is_logged_once_an_hour_by_one_process(
    database: Database, here: Here, told: list[dict[str, object]]
) -> None:
    key = {"direction": "to_segment", "event": "", "what": "accepted", "cause": "", "shard": 0, "count": 1}
    with database.writing() as connection:
        connection.execute(insert(tallies), {**key, "bucket": 0})
    other = Here(database)
    for _ in range(150):
        here.round(later=61.0)
        other.round(later=61.0)
    found = [line for line in told if line["event"] == "silent"]
    assert len(found) == 2
    assert all("switched on" in str(line["reason"]) for line in found)


def test_a_keeper_continues_after_an_outage_and_ends_at_a_stop(
    database: Database, here: Here, told: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.operations.upkeep.keeper.BEAT", 0.01)
    monkeypatch.setattr("bridge.operations.upkeep.keeper.FIRST", 0.01)
    change(database, "ALTER TABLE chores RENAME TO away")
    thread = threading.Thread(target=here.keeper.run, args=(here.stop,))
    thread.start()
    until(lambda: any(line["event"] == "store unavailable" for line in told))
    change(database, "ALTER TABLE away RENAME TO chores")
    until(lambda: here.keeper.problems() == WELL)
    here.stop.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_due_job_is_claimed_by_one_process(database: Database) -> None:
    def take(now: float) -> bool:
        with database.writing() as connection:
            return chores.take(connection, "a chore", 60.0, now)

    assert [take(NOW), take(NOW + 59), take(NOW + 60), take(NOW + 61), take(NOW + 121)] == [
        False,
        False,
        True,
        False,
        True,
    ]
    with database.reading() as connection:
        assert connection.execute(select(seen)).first() is None


def test_unexpected_errors_of_any_thread_are_counted_and_shown_when_they_repeat(database: Database, here: Here) -> None:
    taken_unexpected()
    for _ in range(MANY_ERRORS):
        unexpected("worker", KeyError("a person's name"))
    here.round()
    assert here.keeper.problems()[ERRORS] == "3 unexpected errors within minutes: see the log"
    counted = [row for row in rows(database, tallies) if row["what"] == ERROR]
    assert [(row["event"], row["count"]) for row in counted] == [("worker", MANY_ERRORS)]
