import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event
from structlog.testing import capture_logs

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import attempts, deliveries
from bridge.delivery.outbox import sink_states
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.worker import JITTER_STEPS, LEASE_MARGIN_SECONDS, Worker
from bridge.delivery.rules.retry import FORBIDDEN_PAUSE_SECONDS, Policy
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.errors import StoreUnavailable
from tests.delivery.arrivals import SINK, keep, received, rows
from tests.delivery.patience import until
from tests.delivery.sinks import DELIVERED, ScriptedSink

NOW, HOUR, DAY = 2_000_000_000.0, 3_600.0, 86_400.0


class Clock:
    """A clock that only moves when a test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def work(database: Database, clock: Clock) -> Callable[[ScriptedSink], Worker]:
    return lambda sink: Worker(Outbox(database), sink, Policy(max_age=7 * DAY), clock, dice=lambda: 0.5)


def fill(database: Database, *names: str, at: float = NOW) -> None:
    for name in names:
        keep(database, received(name, at=at, payload=name.encode()))


def standing(database: Database) -> dict[str, tuple[str, float, int]]:
    """Return, by key, the status, the due time, and the number of attempts."""
    return {row["key"]: (row["status"], row["due_at"] - NOW, row["attempts"]) for row in rows(database, deliveries)}


@pytest.mark.parametrize(
    ("outcome", "expected", "again"),
    [
        pytest.param(DELIVERED, ("delivered", 0, 1), True, id="delivered"),
        pytest.param(Outcome(Happened.REJECTED, 400, "no"), ("dead", 0, 1), True, id="rejected"),
        pytest.param(Outcome(Happened.FAILED, 503), ("waiting", 1, 1), False, id="failed"),
        pytest.param(
            Outcome(Happened.FAILED, 503, retry_after=30.0), ("waiting", 30, 1), False, id="failed, told when"
        ),
        pytest.param(Outcome(Happened.THROTTLED, 429, retry_after=70.0), ("waiting", 70, 0), False, id="throttled"),
        pytest.param(Outcome(Happened.FORBIDDEN, 401), ("waiting", FORBIDDEN_PAUSE_SECONDS, 0), False, id="forbidden"),
        pytest.param(Outcome(Happened.UNTRIED), ("waiting", 0, 0), False, id="untried"),
    ],
)
def test_outcomes_are_recorded_and_decisions_executed(
    *, database: Database, work: Any, outcome: Outcome, expected: tuple[str, float, int], again: bool
) -> None:
    fill(database, "a")
    assert work(ScriptedSink(lambda _: outcome, max_count=1)).step() is again
    assert standing(database) == {"a": expected}
    recorded = [(row["outcome"], row["code"], row["detail"]) for row in rows(database, attempts)]
    is_recorded = outcome.happened not in (Happened.DELIVERED, Happened.UNTRIED)
    assert recorded == ([(outcome.happened, outcome.code, outcome.detail)] if is_recorded else [])


def test_one_bad_delivery_harms_none_of_the_others(database: Database, work: Any) -> None:
    fill(database, "a", "bad", "c")
    bad = Outcome(Happened.REJECTED, 400, "refused")
    sink = ScriptedSink(lambda payload: bad if payload == b"bad" else DELIVERED, max_count=3)
    with capture_logs() as logs:
        assert work(sink).step()
    assert {key: stands[0] for key, stands in standing(database).items()} == {
        "a": "delivered",
        "bad": "dead",
        "c": "delivered",
    }
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["dead letter"]
    assert [log["delivered"] for log in logs if log["event"] == "delivered"] == [2]


@pytest.mark.parametrize(
    ("limits", "pressed"),
    [
        pytest.param({"max_count": 3}, True, id="more than half of the count"),
        pytest.param({"max_count": 4}, False, id="half of the count"),
        pytest.param({"max_bytes": 39}, True, id="more than half of the bytes"),
        pytest.param({"max_bytes": 40}, False, id="half of the bytes"),
    ],
)
def test_after_a_small_batch_the_next_one_gathers(*, database: Database, work: Any, limits: Any, pressed: bool) -> None:
    fill(database, "a" * 10, "b" * 10)
    assert work(ScriptedSink(**limits)).step() is pressed
    assert {stands[0] for stands in standing(database).values()} == {"delivered"}


def test_nothing_due_is_nothing_sent(database: Database, work: Any) -> None:
    fill(database, "a", at=NOW + 1)
    sink = ScriptedSink()
    assert not work(sink).step()
    assert sink.batches == []


def test_a_throttled_sink_is_not_called_by_anybody_before_its_time(database: Database, work: Any, clock: Clock) -> None:
    fill(database, "a", "b")
    throttling = ScriptedSink(lambda _: Outcome(Happened.THROTTLED, 429, retry_after=70.0), max_count=1)
    with capture_logs() as logs:
        work(throttling).step()
    assert [log["until"] for log in logs if log["event"] == "sink paused"] == ["2033-05-18T03:34:30+00:00"]
    other = ScriptedSink(max_count=2)
    clock.now = NOW + 69.9
    assert not work(other).step()
    assert other.batches == []
    clock.now = NOW + 70
    work(other).step()
    work(other).step()
    assert [len(batch) for batch in other.batches] == [1, 1], "the first is a careful call"
    assert sorted(other.sent) == [b"a", b"b"]


def test_refused_credentials_pause_the_sink_loudly_for_as_long_as_they_are_refused(
    database: Database, work: Any, clock: Clock
) -> None:
    fill(database, "a", at=NOW - 30 * DAY)
    sink = ScriptedSink(lambda _: Outcome(Happened.FORBIDDEN, 401))
    for days in range(10):
        clock.now = NOW + days * DAY
        with capture_logs() as logs:
            assert not work(sink).step()
        assert [(log["log_level"], log["code"]) for log in logs if log["event"] == "sink paused"] == [("error", 401)]
        assert "refuses the keys: check SEGMENT_WRITE_KEY" in logs[0]["reason"]
    assert standing(database)["a"][0::2] == ("waiting", 0)
    sink.answer = lambda _: DELIVERED
    clock.now += FORBIDDEN_PAUSE_SECONDS
    work(sink).step()
    assert standing(database)["a"][0] == "delivered"


def test_a_sink_may_say_in_words_why_it_pauses(database: Database, work: Any, clock: Clock) -> None:
    fill(database, "a")
    with capture_logs() as logs:
        work(ScriptedSink(lambda _: Outcome(Happened.FORBIDDEN, 403, because="the keys may only read"))).step()
    assert [log["reason"] for log in logs if log["event"] == "sink paused"] == ["the keys may only read"]
    with database.reading() as connection:
        [state] = sink_states.states(connection, clock.now)
    assert (state.state, state.reason) == ("paused", "the keys may only read")


def test_a_failing_delivery_is_retried_with_growing_delays_until_it_is_dead(database: Database, clock: Clock) -> None:
    fill(database, "a")
    down = ScriptedSink(lambda _: Outcome(Happened.FAILED, 500, "down"))
    worker = Worker(Outbox(database), down, Policy(max_age=3 * HOUR), clock, dice=lambda: 0.5)
    waits = []
    while standing(database)["a"][0] == "waiting":
        worker.step()
        waits.append(standing(database)["a"][1] + NOW - clock.now)
        clock.now = max(NOW + standing(database)["a"][1], clock.now)
        assert len(waits) < 1_000
    assert waits[:4] == [1.0, 2.0, 4.0, 8.0]
    assert max(waits) == 300.0
    assert standing(database)["a"][0] == "dead"
    assert clock.now - NOW > 3 * HOUR


def test_what_failed_together_parts_for_one_of_it_may_be_what_makes_a_service_fail(
    database: Database, clock: Clock
) -> None:
    fill(database, "poison", "b", "c")
    sink = ScriptedSink()
    sink.answer = lambda _: Outcome(Happened.FAILED, 500) if b"poison" in sink.batches[-1] else DELIVERED
    dice = random.Random(7)
    worker = Worker(Outbox(database), sink, Policy(max_age=7 * DAY), clock, dice=dice.random)
    for _ in range(100):
        worker.step()
        clock.now += 1.0
    assert {key: stands[0] for key, stands in standing(database).items()} == {
        "poison": "waiting",
        "b": "delivered",
        "c": "delivered",
    }


def test_a_sink_that_raises_is_a_failure_to_be_tried_again(database: Database, work: Any) -> None:
    fill(database, "a", "b")
    sink = ScriptedSink(meanwhile=_unforeseen)
    assert not work(sink).step()
    assert {stands[0::2] for stands in standing(database).values()} == {("waiting", 1)}
    assert {attempt["detail"] for attempt in rows(database, attempts)} == {"unexpected error: KeyError"}


def test_a_sink_that_answers_for_too_few_is_a_failure_too(database: Database, work: Any) -> None:
    fill(database, "a", "b")

    class Forgetful(ScriptedSink):
        def send(self, parcels: Any) -> Any:
            return super().send(parcels)[:-1]

    assert not work(Forgetful()).step()
    assert {stands[0::2] for stands in standing(database).values()} == {("waiting", 1)}


def test_who_slept_past_its_lease_does_not_undo_what_another_did(database: Database, work: Any, clock: Clock) -> None:
    fill(database, "a")
    other = ScriptedSink()

    def sleep() -> None:
        clock.now += 30.0 + LEASE_MARGIN_SECONDS
        work(other).step()

    slept = ScriptedSink(lambda _: Outcome(Happened.REJECTED, 400), meanwhile=sleep)
    work(slept).step()
    assert (slept.sent, other.sent) == ([b"a"], [b"a"])
    assert standing(database)["a"][0] == "delivered"


def test_a_delivery_in_progress_is_claimed_by_no_other_worker(database: Database, work: Any, clock: Clock) -> None:
    fill(database, "a")
    other = ScriptedSink()

    def wait() -> None:
        clock.now += 30.0 + LEASE_MARGIN_SECONDS - 0.1
        assert not work(other).step()

    work(ScriptedSink(meanwhile=wait)).step()
    assert other.batches == []
    assert standing(database)["a"][0] == "delivered"


def test_what_could_not_be_recorded_is_sent_again_under_the_same_key(
    database: Database, work: Any, clock: Clock
) -> None:
    fill(database, "a")
    genuine = database.writing

    def lose() -> None:
        database.writing = _out_of_order  # type: ignore[method-assign] # in this test alone

    with pytest.raises(StoreUnavailable):
        work(ScriptedSink(meanwhile=lose)).step()
    database.writing = genuine  # type: ignore[method-assign] # in this test alone
    assert standing(database)["a"][0] == "sending"
    again = ScriptedSink(max_count=1)
    assert not work(again).step()
    clock.now += 30.0 + LEASE_MARGIN_SECONDS
    assert work(again).step()
    assert again.sent == [b"a"]
    assert [(row["key"], row["status"]) for row in rows(database, deliveries)] == [("a", "delivered")]


# On its thread


@pytest.fixture
def run(database: Database) -> Any:
    """Start a worker on a thread, and end it."""
    stop, threads = threading.Event(), []

    def start(sink: ScriptedSink) -> threading.Thread:
        worker = Worker(Outbox(database), sink, Policy(max_age=7 * DAY), dice=lambda: 0.01)
        thread = threading.Thread(target=worker.run, args=(stop,), daemon=True)
        threads.append(thread)
        thread.start()
        return thread

    start.stop = stop  # type: ignore[attr-defined] # as a thread's
    yield start
    stop.set()
    for thread in threads:
        thread.join(20)


def test_a_backlog_is_drained_batch_after_batch(database: Database, run: Any) -> None:
    fill(database, *(f"{number:02}" for number in range(25)), at=1.0)
    sink = ScriptedSink(max_count=10)
    run(sink)
    until(lambda: len(sink.sent) == 25)
    assert sorted(map(len, sink.batches)) == [5, 10, 10]
    assert len(set(sink.sent)) == 25


def test_two_workers_share_a_backlog_and_send_nothing_twice(database: Database, run: Any) -> None:
    fill(database, *(f"{number:02}" for number in range(40)), at=1.0)
    sinks = [ScriptedSink(max_count=3), ScriptedSink(max_count=3)]
    for sink in sinks:
        run(sink)
    until(lambda: sum(len(sink.sent) for sink in sinks) >= 40)
    until(lambda: {stands[0] for stands in standing(database).values()} == {"delivered"})
    assert len(sinks[0].sent) + len(sinks[1].sent) == len({*sinks[0].sent, *sinks[1].sent}) == 40


def test_a_lost_database_is_waited_for(database: Database, run: Any) -> None:
    fill(database, "a", at=1.0)
    genuine, lost = database.reading, threading.Event()

    def out_of_order() -> Any:
        lost.set()
        raise StoreUnavailable("out of order")

    database.reading = out_of_order  # type: ignore[method-assign] # in this test alone
    sink = ScriptedSink()
    with capture_logs() as logs:
        thread = run(sink)
        assert lost.wait(20)
        database.reading = genuine  # type: ignore[method-assign] # in this test alone
        until(lambda: sink.sent == [b"a"])
    assert thread.is_alive()
    assert ("store unavailable", SINK) in [(log["event"], log["sink"]) for log in logs]


def test_at_a_stop_the_worker_finishes_its_current_work(database: Database, run: Any) -> None:
    fill(database, "a", "b", at=1.0)
    sink = ScriptedSink(max_count=1, meanwhile=run.stop.set)
    run(sink).join(20)
    until(lambda: len(sink.sent) == 1)
    assert sorted(stands[0] for stands in standing(database).values()) == ["delivered", "waiting"]


def test_a_worker_continues_after_any_error(database: Database, run: Any) -> None:
    fill(database, "corrupt", at=1.0)
    with database.writing() as connection:
        connection.execute(deliveries.update().values(payload=b"not what it was"))
    sink = ScriptedSink()
    with capture_logs() as logs:
        thread = run(sink)
        until(lambda: logs or not thread.is_alive())
    assert thread.is_alive()
    assert {log["log_level"] for log in logs} == {"error"}


def _unforeseen() -> None:
    raise KeyError("whatever")


def _out_of_order(**_: object) -> Any:
    raise StoreUnavailable("out of order")


def test_what_fails_again_and_again_is_complained_of_once(database: Database, work: Any, clock: Clock) -> None:
    fill(database, "a", "b")
    worker = work(ScriptedSink(lambda _: Outcome(Happened.FAILED, 503)))
    with capture_logs() as logs:
        for _ in range(3):
            worker.step()
            clock.now += HOUR
    [warning] = logs
    assert (warning["log_level"], warning["failed"], warning["reason"]) == ("warning", 2, "answered 503")


def test_an_uncertain_delivery_is_logged(database: Database, work: Any) -> None:
    fill(database, "a")
    with capture_logs() as logs:
        work(ScriptedSink(lambda _: Outcome(Happened.UNCERTAIN, 200))).step()
    assert [(log["log_level"], log["event"]) for log in logs] == [("error", "uncertain, an operator must decide")]
    assert standing(database)["a"][0] == "uncertain"


def test_an_unknown_outcome_is_retried_in_doubt(database: Database, work: Any, clock: Clock) -> None:
    fill(database, "a")
    work(ScriptedSink(meanwhile=_unforeseen)).step()
    clock.now += HOUR
    again = ScriptedSink()
    work(again).step()
    assert [parcel.in_doubt_since for parcel in again.parcels] == [NOW]
    assert standing(database)["a"][0] == "delivered"


def test_a_batch_that_failed_is_settled_by_few_statements(database: Database, clock: Clock) -> None:
    fill(database, *(f"event-{number}" for number in range(300)))
    sink = ScriptedSink(lambda _: Outcome(Happened.FAILED, 503))
    worker = Worker(Outbox(database), sink, Policy(max_age=7 * DAY), clock, dice=random.random)
    updates: list[str] = []

    def note(*given: Any) -> None:
        updates.extend(statement for statement in given[2:3] if statement.startswith("UPDATE deliveries SET status"))

    event.listen(database.engine, "before_cursor_execute", note)
    worker.step()
    tried = [due for _, due, attempts in standing(database).values() if attempts]
    assert len(tried) >= 100
    assert len(set(tried)) > 4
    assert len(updates) <= JITTER_STEPS + 2
