"""Bulk replays: the right events, oldest first, once each, in spite of kills."""

import threading
from collections.abc import Callable
from datetime import datetime

import pytest

from bridge import to_segment
from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import audit, deliveries, events, replays
from bridge.errors import Invalid, NoSuchEvent, StoreUnavailable
from bridge.messages import WEBHOOKS, Arrival, Outgoing, Status
from bridge.operations import bulk_replay
from bridge.operations.bulk_replay import AHEAD, STEP, BulkReplay, BulkReplayer, State
from bridge.operations.desk import Desk
from bridge.operations.history import Filter
from bridge.translation.replaying import TO_BE_SENT
from tests.delivery.arrivals import SINK, Received, count, keep, received, rows
from tests.delivery.patience import until
from tests.delivery.pending import Silent, Stand, drain, translator

NOW = 2_000.0
QUARANTINED = Filter(status="quarantined")


class Translation:
    """A translation that records the bodies of its calls."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.becomes: Callable[[str], Arrival] = understood

    def __call__(self, body: bytes, _: datetime) -> Arrival:
        self.asked.append(body.decode())
        return self.becomes(body.decode())


def understood(body: str) -> Arrival:
    outgoing = Outgoing(SINK, body, b"{}")
    return Arrival(Status.ACCEPTED, "Customer Rewarded", "", "anna-1", None, (outgoing,))


def still(_: str) -> Arrival:
    return Arrival(Status.QUARANTINED, reason="still")


def broken(number: int, **changes: object) -> Received:
    return received(None, content=f"{number}", status=Status.QUARANTINED, at=1_000.0 + number, **changes)  # type: ignore[arg-type] # any of its arguments


def bodies(*numbers: int) -> list[str]:
    return [f"None {number}" for number in numbers]


@pytest.fixture
def translation(monkeypatch: pytest.MonkeyPatch) -> Translation:
    translation = Translation()
    monkeypatch.setattr(to_segment, "translate", translation)
    return translation


@pytest.fixture
def desk(database: Database, translation: Translation) -> Desk:
    return Desk(database, Silent(), lambda: NOW)


def look(database: Database, replay_id: str) -> BulkReplay:
    with database.reading() as connection:
        return bulk_replay.one(connection, replay_id)


def run(database: Database) -> None:
    """Hand over and translate until none is left."""
    replayer = BulkReplayer(database, lambda: NOW)
    while replayer.step():
        drain(database, WEBHOOKS)


def test_all_that_fit_are_run_again_oldest_first(database: Database, desk: Desk, translation: Translation) -> None:
    keep(database, *(broken(number) for number in range(STEP + 5)))
    keep(database, received("other"))
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    assert look(database, replay_id).total == STEP + 5
    run(database)
    assert translation.asked == bodies(*range(STEP + 5))
    done = look(database, replay_id)
    assert (done.state, done.done, done.became) == (State.DONE, STEP + 5, {TO_BE_SENT: STEP + 5})
    assert (done.who, done.at, done.ended_at, done.wanted) == ("console: Ada", NOW, NOW, QUARANTINED)
    assert count(database, deliveries) == STEP + 6


def test_an_event_with_the_same_status_again_is_not_replayed_twice(
    database: Database, desk: Desk, translation: Translation
) -> None:
    keep(database, *(broken(number) for number in range(STEP * 2)))
    translation.becomes = still
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    run(database)
    assert translation.asked == bodies(*range(STEP * 2))
    assert look(database, replay_id).became == {"quarantined": STEP * 2}


def test_what_comes_in_later_is_no_part_of_it(database: Database, desk: Desk, translation: Translation) -> None:
    keep(database, broken(1))
    desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    keep(database, broken(2))
    run(database)
    assert translation.asked == bodies(1)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(status="quarantined", customer="ben-2"), ["b"]),
        (Filter(status="quarantined", since=1_002.0), ["b", "c"]),
        (Filter(status="quarantined", until=1_002.0), ["a"]),
        (Filter(status="quarantined", error="a REASON"), ["a", "b", "c"]),
        (Filter(status="quarantined", error="another"), []),
        (Filter(status="quarantined", event="Another"), []),
        (Filter(status="quarantined", direction="to_voucherify"), []),
        (Filter(status="ignored"), ["d"]),
    ],
)
def test_only_matching_events_are_replayed(
    database: Database, desk: Desk, translation: Translation, wanted: Filter, found: list[str]
) -> None:
    kept = {
        "a": broken(1),
        "b": broken(2, customer="ben-2"),
        "c": broken(3),
        "d": received(None, status=Status.IGNORED, at=1_004.0),
    }
    keep(database, *kept.values())
    replay_id = desk.begin_bulk_replay(wanted, "console: Ada")
    assert look(database, replay_id).total == len(found)
    run(database)
    assert translation.asked == [kept[name].message.body.decode() for name in found]


class PowerCut(BaseException):
    """Ends a process; no handler catches it."""


def test_the_work_of_a_killed_process_is_taken_over(database: Database, desk: Desk, translation: Translation) -> None:
    keep(database, *(broken(number) for number in range(STEP * 2)))
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    BulkReplayer(database, lambda: NOW).step()

    def cut(body: str) -> Arrival:
        if body == f"None {STEP // 2}":
            raise PowerCut
        return understood(body)

    translation.becomes = cut
    with pytest.raises(PowerCut):
        translator(database, WEBHOOKS, Stand("killed")).step()
    translation.becomes = understood
    drain(database, WEBHOOKS, Stand("other", dead=["killed"]))
    run(database)
    done = look(database, replay_id)
    assert (done.state, done.done, done.became) == (State.DONE, STEP * 2, {TO_BE_SENT: STEP * 2})
    assert count(database, deliveries) == STEP * 2


def test_many_at_once_run_no_event_twice(database: Database, desk: Desk, translation: Translation) -> None:
    keep(database, *(broken(number) for number in range(STEP * 3)))
    translation.becomes = still
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")

    def work() -> None:
        replayer, ours = BulkReplayer(database, lambda: NOW), translator(database, WEBHOOKS)
        until(lambda: (replayer.step(), ours.step(), look(database, replay_id).state is State.DONE)[2])

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(translation.asked) == sorted(bodies(*range(STEP * 3)))
    assert look(database, replay_id).done == STEP * 3


def test_only_a_few_are_handed_over_ahead_of_the_translators(
    database: Database, desk: Desk, translation: Translation
) -> None:
    keep(database, *(broken(number) for number in range(AHEAD + STEP)))
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    replayer = BulkReplayer(database, lambda: NOW)
    while replayer.step():
        pass
    assert (count(database, replays), look(database, replay_id).state) == (AHEAD, State.RUNNING)


def test_it_is_stopped_and_what_was_handed_over_is_not_run(
    database: Database, desk: Desk, translation: Translation
) -> None:
    keep(database, *(broken(number) for number in range(STEP * 3)))
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    replayer = BulkReplayer(database, lambda: NOW)
    replayer.step()
    drain(database, WEBHOOKS)
    replayer.step()
    assert Desk(database, Silent(), lambda: NOW + 1).stop_bulk_replay(replay_id, "console: Ben")
    run(database)
    drain(database, WEBHOOKS)
    assert len(translation.asked) == STEP
    assert (look(database, replay_id).state, look(database, replay_id).done) == (State.STOPPED, STEP)
    assert not desk.stop_bulk_replay(replay_id, "console: Ben")
    assert [(row["who"], row["did"], row["detail"]) for row in rows(database, audit)] == [
        ("console: Ada", "began a bulk replay", replay_id),
        ("console: Ben", "stopped a bulk replay", replay_id),
    ]


def test_one_event_that_cannot_be_translated_holds_up_no_other(
    database: Database, desk: Desk, translation: Translation
) -> None:
    keep(database, broken(1), broken(2), broken(3))

    def strange(body: str) -> Arrival:
        if body == "None 2":
            raise RuntimeError
        return understood(body)

    translation.becomes = strange
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    run(database)
    assert look(database, replay_id).became == {TO_BE_SENT: 2, "quarantined": 1}
    assert [row["status"] for row in rows(database, events)] == ["accepted", "quarantined", "accepted"]


def test_one_with_nothing_to_do_is_done(database: Database, desk: Desk, translation: Translation) -> None:
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    run(database)
    assert look(database, replay_id).state is State.DONE


@pytest.mark.parametrize("status", ["delivered", "waiting", "uncertain", None])
def test_what_needs_no_replay_or_a_decision_is_not_run_by_the_many(desk: Desk, status: str | None) -> None:
    with pytest.raises(Invalid, match="status"):
        desk.begin_bulk_replay(Filter(status=status), "console: Ada")


def test_they_are_listed_newest_first(database: Database, desk: Desk) -> None:
    made = [Desk(database, Silent(), lambda at=at: NOW + at).begin_bulk_replay(QUARANTINED, "a") for at in range(3)]  # type: ignore[misc] # mypy infers no default of a lambda
    with database.reading() as connection:
        assert [one.id for one in bulk_replay.listing(connection, 2)] == [made[2], made[1]]
        assert [one.id for one in bulk_replay.listing(connection, 2, before=made[1])] == [made[0]]


def test_there_is_none_of_another_id(database: Database, desk: Desk) -> None:
    with pytest.raises(NoSuchEvent):
        look(database, "NOTHING")
    with pytest.raises(NoSuchEvent):
        desk.stop_bulk_replay("NOTHING", "a")


def test_it_continues_when_the_database_answers_again(
    database: Database, desk: Desk, translation: Translation, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(database, broken(1))
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    worker = BulkReplayer(database, lambda: NOW)
    troubles = iter([StoreUnavailable("gone"), RuntimeError("strange")])
    step = worker.step

    def troubled() -> bool:
        for trouble in troubles:
            raise trouble
        return step()

    monkeypatch.setattr(bulk_replay, "BEAT", 0.01)
    monkeypatch.setattr(worker, "step", troubled)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    until(lambda: (drain(database, WEBHOOKS), look(database, replay_id).state is State.DONE)[1])
    stop.set()
    thread.join()
    assert len(translation.asked) == 1
