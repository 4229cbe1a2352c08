"""Deliveries that are ``sending`` from the start, without a claim."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import update

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import attempts, deliveries, sinks
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.worker import FIRST_GUESS_SECONDS, LEASE_MARGIN_SECONDS, SOON_SECONDS, Worker
from bridge.delivery.rules.retry import Policy
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.errors import StoreUnavailable
from bridge.messages import CALLS, WEBHOOKS
from bridge.operations.history import story
from tests.delivery.arrivals import SINK, count, rows
from tests.delivery.patience import until
from tests.delivery.pending import append, called, redeemed, translator
from tests.delivery.sinks import ScriptedSink

NOW = 1_900_000_000.0


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
def work(database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[[ScriptedSink], Worker]:
    monkeypatch.setattr(database, "now", lambda _: clock.now)
    return lambda sink: Worker(Outbox(database), sink, Policy(max_age=86_400.0 * 9_999), clock, dice=lambda: 0.5)


def go(worker: Worker) -> None:
    """Run the worker until it would wait.

    Every few steps it only reads the outbox.
    """
    while worker.step():
        pass


def come(database: Database, worker: Worker, *names: str) -> None:
    """Translate webhooks beside the worker."""
    append(database, *map(redeemed, names))
    translator(database, WEBHOOKS, workers={worker.sink.name: worker}).step()


def call(database: Database, worker: Worker, *customers: str) -> None:
    """Translate custom events beside the worker."""
    append(database, *map(called, customers))
    translator(database, CALLS, workers={"voucherify": worker}).step()


def standing(database: Database) -> list[str]:
    return [row["status"] for row in rows(database, deliveries)]


def to_voucherify(sink: ScriptedSink) -> ScriptedSink:
    sink.name, sink.knows_repeats = "voucherify", False
    return sink


def test_beside_an_idle_worker_they_are_written_as_being_sent(database: Database, work: Callable[..., Worker]) -> None:
    sink = ScriptedSink()
    worker = work(sink)
    worker.step()
    come(database, worker, "a", "b")
    [first, second] = rows(database, deliveries)
    assert (first["status"], second["status"], first["claims"], first["doubt_since"]) == ("sending", "sending", 1, None)
    assert first["lease_expires_at"] == NOW + SOON_SECONDS + sink.patience + LEASE_MARGIN_SECONDS
    assert not Outbox(database).is_due(SINK, NOW)
    go(worker)
    assert len(sink.parcels) == 2
    assert standing(database) == ["delivered"] * 2


def test_a_worker_that_has_not_looked_yet_has_no_room(database: Database, work: Callable[..., Worker]) -> None:
    worker = work(ScriptedSink())
    come(database, worker, "a")
    assert standing(database) == ["waiting"]


def test_while_something_that_is_due_waits_there_is_no_room(database: Database, work: Callable[..., Worker]) -> None:
    sink = ScriptedSink(max_count=1)
    worker = work(sink)
    come(database, worker, "a", "b")
    worker.step()
    come(database, worker, "c")
    assert standing(database) == ["delivered", "waiting", "waiting"]


@pytest.mark.parametrize("outcome", [Outcome(Happened.THROTTLED, 429, retry_after=60.0), Outcome(Happened.FAILED, 500)])
def test_after_a_trouble_there_is_no_room(database: Database, work: Callable[..., Worker], outcome: Outcome) -> None:
    worker = work(ScriptedSink(lambda _: outcome))
    worker.step()
    come(database, worker, "a")
    go(worker)
    come(database, worker, "b")
    assert standing(database)[1] == "waiting"


def test_while_a_sink_is_paused_there_is_no_room(database: Database, work: Callable[..., Worker]) -> None:
    with database.writing() as connection:
        connection.execute(sinks.insert().values(name=SINK, paused_until=NOW + 60))
    worker = work(ScriptedSink())
    worker.step()
    come(database, worker, "a")
    assert standing(database) == ["waiting"]


def test_room_is_what_the_sink_takes_beside_what_is_in_hand(database: Database, work: Callable[..., Worker]) -> None:
    worker = work(ScriptedSink(max_count=3))
    worker.step()
    come(database, worker, "a", "b")
    come(database, worker, "c", "d")
    assert standing(database) == ["sending"] * 3 + ["waiting"]
    assert worker.room().count == 0


def test_room_is_what_can_be_begun_soon(database: Database, work: Callable[..., Worker]) -> None:
    worker = work(ScriptedSink(max_count=10_000))
    worker.step()
    assert worker.room().count == SOON_SECONDS / FIRST_GUESS_SECONDS


def test_room_is_bounded_by_bytes(database: Database, work: Callable[..., Worker]) -> None:
    worker = work(ScriptedSink(max_bytes=10))
    worker.step()
    come(database, worker, "a")
    assert standing(database) == ["waiting"]


def test_of_a_lane_only_the_first_is_born_sending(database: Database, work: Callable[..., Worker]) -> None:
    sink = to_voucherify(ScriptedSink())
    worker = work(sink)
    worker.step()
    append(database, called("anna", 1), called("anna", 2), called("ben", 1))
    translator(database, CALLS, workers={"voucherify": worker}).step()
    assert standing(database) == ["sending", "queued", "sending"]
    go(worker)
    assert [parcel.key for parcel in sink.parcels] == [
        "add_custom_event:anna-1",
        "add_custom_event:ben-1",
        "add_custom_event:anna-2",
    ]


def test_what_cannot_be_begun_within_its_lease_is_handed_back(
    database: Database, work: Callable[..., Worker], clock: Clock
) -> None:
    sink = ScriptedSink()
    worker = work(sink)
    worker.step()
    come(database, worker, "a")
    clock.now = NOW + SOON_SECONDS + LEASE_MARGIN_SECONDS + 0.1  # the lease runs, but not as long as a call may take
    assert worker._taken_over() == []
    assert standing(database) == ["waiting"]
    go(worker)
    assert len(sink.parcels) == 1
    [row] = rows(database, deliveries)
    assert (row["status"], row["claims"], row["attempts"]) == ("delivered", 2, 1)


def test_what_is_in_hand_at_a_stop_is_handed_back(database: Database, work: Callable[..., Worker]) -> None:
    sink = ScriptedSink(max_count=1)
    worker = work(sink)
    worker.step()
    sink.max_count = 3
    come(database, worker, "a", "b", "c")
    sink.max_count = 1
    stop = threading.Event()
    sink.meanwhile = stop.set
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert len(sink.parcels) == 1
    until(lambda: "sending" not in standing(database))
    assert sorted(standing(database)) == ["delivered", "waiting", "waiting"]
    assert [row["attempts"] for row in rows(database, deliveries) if row["status"] == "waiting"] == [0, 0]


def test_only_what_is_about_to_be_called_is_in_doubt(database: Database, work: Callable[..., Worker]) -> None:
    sink = to_voucherify(ScriptedSink(max_count=3))
    worker = work(sink)
    worker.step()
    call(database, worker, "anna", "ben", "cara")
    assert [row["doubt_since"] for row in rows(database, deliveries)] == [None] * 3
    seen: list[list[float | None]] = []
    sink.max_count = 2
    sink.meanwhile = lambda: seen.append([row["doubt_since"] for row in rows(database, deliveries)])
    go(worker)
    assert seen == [[NOW, NOW, None], [None, None, NOW]]
    assert [row["doubt_since"] for row in rows(database, deliveries)] == [None] * 3


def test_what_a_service_tells_apart_is_never_in_doubt(database: Database, work: Callable[..., Worker]) -> None:
    seen: list[float | None] = []
    sink = ScriptedSink(meanwhile=lambda: seen.extend(row["doubt_since"] for row in rows(database, deliveries)))
    worker = work(sink)
    worker.step()
    come(database, worker, "a")
    go(worker)
    assert seen == [None]


def test_what_was_claimed_by_another_meanwhile_is_not_called(database: Database, work: Callable[..., Worker]) -> None:
    sink = to_voucherify(ScriptedSink())
    worker = work(sink)
    worker.step()
    call(database, worker, "anna", "ben")
    with database.writing() as connection:
        connection.execute(update(deliveries).where(deliveries.c.lane == "anna").values(claims=2))
    go(worker)
    assert [parcel.lane for parcel in sink.parcels] == ["ben"]


def test_a_sink_is_not_called_for_nothing(database: Database, work: Callable[..., Worker]) -> None:
    sink = to_voucherify(ScriptedSink())
    worker = work(sink)
    worker.step()
    call(database, worker, "anna")
    with database.writing() as connection:
        connection.execute(update(deliveries).values(claims=2))
    before = worker.room().count
    go(worker)
    assert sink.batches == []
    assert worker._seconds_each == FIRST_GUESS_SECONDS
    assert worker.room().count == before + 1


def test_without_the_database_nothing_is_called_that_would_be_in_doubt(
    database: Database, work: Callable[..., Worker], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = to_voucherify(ScriptedSink())
    worker = work(sink)
    worker.step()
    call(database, worker, "anna")

    def lost() -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(database, "writing", lost)
        with pytest.raises(StoreUnavailable):
            go(worker)
    assert sink.batches == []
    clock.now += 100.0
    go(worker)
    assert [(parcel.lane, parcel.in_doubt_since) for parcel in sink.parcels] == [("anna", None)]


def test_a_success_has_no_row_and_is_shown(database: Database, work: Callable[..., Worker], clock: Clock) -> None:
    def take() -> None:
        clock.now += 0.5

    worker = work(ScriptedSink(meanwhile=take))
    worker.step()
    come(database, worker, "a")
    go(worker)
    assert count(database, attempts) == 0
    [row] = rows(database, deliveries)
    assert (row["code"], row["seconds"], row["settled_at"]) == (200, 0.5, NOW + 0.5)
    with database.reading() as connection:
        [delivery] = story(connection, row["event_id"]).deliveries
    [attempt] = delivery.attempts
    assert (attempt.at, attempt.seconds, attempt.outcome, attempt.code) == (NOW, 0.5, "delivered", 200)


def test_a_success_after_a_failure_is_shown_behind_it(
    database: Database, work: Callable[..., Worker], clock: Clock
) -> None:
    sink = ScriptedSink(lambda _: Outcome(Happened.FAILED, 503))
    worker = work(sink)
    worker.step()
    come(database, worker, "a")
    go(worker)
    clock.now += 60.0
    sink.answer = lambda _: Outcome(Happened.DELIVERED, 200)
    go(worker)
    [row] = rows(database, deliveries)
    with database.reading() as connection:
        [delivery] = story(connection, row["event_id"]).deliveries
    assert [(one.outcome, one.code) for one in delivery.attempts] == [("failed", 503), ("delivered", 200)]


def test_a_success_with_a_note_has_a_row(database: Database, work: Callable[..., Worker]) -> None:
    worker = work(ScriptedSink(lambda _: Outcome(Happened.DELIVERED, 200, "left out: tier", note="left out: tier")))
    worker.step()
    come(database, worker, "a")
    go(worker)
    assert [(row["outcome"], row["detail"]) for row in rows(database, attempts)] == [("delivered", "left out: tier")]
    with database.reading() as connection:
        [delivery] = story(connection, rows(database, deliveries)[0]["event_id"]).deliveries
    assert len(delivery.attempts) == 1


def test_parcels_of_one_call_are_in_different_lanes(database: Database, work: Callable[..., Worker]) -> None:
    lanes: list[list[str]] = []
    sink = to_voucherify(ScriptedSink())
    sink.meanwhile = lambda: lanes.append([str(one.lane) for one in sink.parcels][sum(map(len, lanes)) :])
    worker = work(sink)
    worker.step()
    for number in range(3):
        append(database, called("anna", number), called("ben", number))
        translator(database, CALLS, workers={"voucherify": worker}).step()
    go(worker)
    assert [sorted(batch) for batch in lanes] == [["anna", "ben"]] * 3
