"""Bulk replays: the right events, oldest first, once each, whoever is killed meanwhile."""

import threading
from collections import Counter
from collections.abc import Callable

import pytest

from bridge.arrival import Arrival, Outgoing, Status
from bridge.delivery import bulk
from bridge.delivery.bulk import LEASE, STEP, BulkReplay, BulkReplayer, State
from bridge.delivery.database import Database
from bridge.delivery.desk import Desk
from bridge.delivery.journal import Filter
from bridge.delivery.replay import TO_BE_SENT
from bridge.delivery.store import Received
from bridge.delivery.tables import audit, deliveries, events
from bridge.errors import Invalid, NoSuchEvent, StoreUnavailable
from tests.delivery.arrivals import SINK, count, keep, received, rows
from tests.delivery.patience import until

NOW = 2_000.0
QUARANTINED = Filter(status="quarantined")


class Translation:
    """Today's code: what it was asked to translate, in order."""

    def __init__(self, becomes: Callable[[str], Arrival]) -> None:
        self.asked: list[str] = []
        self._becomes = becomes

    def __call__(self, door: str, body: bytes, event_id: str, at: float) -> Arrival:
        self.asked.append(event_id)
        return self._becomes(event_id)


def understood(event_id: str) -> Arrival:
    outgoing = Outgoing(SINK, event_id, b"{}")
    return Arrival(Status.ACCEPTED, "Customer Rewarded", "", "anna-1", None, (outgoing,))


def broken(number: int, **changes: object) -> Received:
    return received(None, status=Status.QUARANTINED, at=1_000.0 + number, **changes)  # type: ignore[arg-type]


@pytest.fixture
def translation() -> Translation:
    return Translation(understood)


@pytest.fixture
def desk(database: Database, translation: Translation) -> Desk:
    return Desk(database, translation, lambda: NOW)


def replayer(database: Database, translation: Translation, now: float = NOW) -> BulkReplayer:
    return BulkReplayer(database, translation, lambda: now)


def look(database: Database, replay_id: str) -> BulkReplay:
    with database.reading() as connection:
        return bulk.one(connection, replay_id)


def run(worker: BulkReplayer) -> None:
    while worker.step():
        pass


def test_all_that_fit_are_run_again_oldest_first(database: Database, desk: Desk, translation: Translation) -> None:
    ids = keep(database, *(broken(number) for number in range(STEP + 5)))
    keep(database, received("other"))
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    assert look(database, replay_id).total == STEP + 5
    run(replayer(database, translation))
    assert translation.asked == ids
    done = look(database, replay_id)
    assert (done.state, done.done, done.became) == (State.DONE, STEP + 5, {TO_BE_SENT: STEP + 5})
    assert (done.who, done.at, done.ended_at, done.wanted) == ("console: Ada", NOW, NOW, QUARANTINED)
    assert count(database, deliveries) == STEP + 6


def test_what_stands_there_again_is_not_run_twice(database: Database, desk: Desk) -> None:
    ids = keep(database, *(broken(number) for number in range(STEP * 2)))
    translation = Translation(lambda _: Arrival(Status.QUARANTINED, reason="still"))
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    run(replayer(database, translation))
    assert translation.asked == ids
    assert look(database, replay_id).became == {"quarantined": STEP * 2}


def test_what_comes_in_later_is_no_part_of_it(database: Database, desk: Desk, translation: Translation) -> None:
    [early] = keep(database, broken(1))
    desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    keep(database, broken(2))
    run(replayer(database, translation))
    assert translation.asked == [early]


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
def test_a_filter_is_kept_to(
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
    run(replayer(database, translation))
    assert translation.asked == [kept[name].message.id for name in found]


def test_a_step_whose_process_is_killed_is_taken_anew_by_another(
    database: Database, desk: Desk, translation: Translation
) -> None:
    ids = keep(database, *(broken(number) for number in range(STEP * 2)))
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")

    class PowerCut(BaseException):
        pass

    def cut(event_id: str) -> Arrival:
        if event_id == ids[STEP + 3]:
            raise PowerCut
        return understood(event_id)

    with pytest.raises(PowerCut):
        run(replayer(database, Translation(cut)))
    assert (look(database, replay_id).done, count(database, deliveries)) == (STEP, STEP)
    run(replayer(database, translation, NOW + LEASE / 2))
    assert translation.asked == []
    run(replayer(database, translation, NOW + LEASE))
    assert translation.asked == ids[STEP:]
    assert look(database, replay_id).became == {TO_BE_SENT: STEP * 2}


def test_many_at_once_run_no_event_twice(database: Database, desk: Desk) -> None:
    ids = keep(database, *(broken(number) for number in range(STEP * 3)))
    translation = Translation(lambda _: Arrival(Status.QUARANTINED, reason="still"))
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")

    def work() -> None:
        worker = replayer(database, translation)
        until(lambda: (worker.step(), look(database, replay_id).state is State.DONE)[1])

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(translation.asked) == Counter(ids)
    assert look(database, replay_id).done == len(ids)


def test_it_is_stopped_after_the_step_in_hand(database: Database, desk: Desk, translation: Translation) -> None:
    keep(database, *(broken(number) for number in range(STEP * 2)))
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    worker = replayer(database, translation)
    worker.step()
    assert desk.stop_bulk_replay(replay_id, "console: Ben")
    run(worker)
    assert len(translation.asked) == STEP
    assert (look(database, replay_id).state, look(database, replay_id).done) == (State.STOPPED, STEP)
    assert not desk.stop_bulk_replay(replay_id, "console: Ben")
    assert [(row["who"], row["did"], row["detail"]) for row in rows(database, audit)] == [
        ("console: Ada", "began a bulk replay", replay_id),
        ("console: Ben", "stopped a bulk replay", replay_id),
    ]


def test_one_event_that_cannot_be_run_holds_up_nobody(database: Database, desk: Desk) -> None:
    ids = keep(database, broken(1), broken(2), broken(3))

    def strange(event_id: str) -> Arrival:
        if event_id == ids[1]:
            raise RuntimeError
        return understood(event_id)

    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    run(replayer(database, Translation(strange)))
    assert look(database, replay_id).became == {TO_BE_SENT: 2, "failed": 1}
    assert [row["status"] for row in rows(database, events)] == ["accepted", "quarantined", "accepted"]


def test_one_with_nothing_to_do_is_done(database: Database, desk: Desk, translation: Translation) -> None:
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    run(replayer(database, translation))
    assert look(database, replay_id).state is State.DONE


@pytest.mark.parametrize("status", ["delivered", "waiting", "uncertain", None])
def test_what_needs_no_replay_or_a_decision_is_not_run_by_the_many(desk: Desk, status: str | None) -> None:
    with pytest.raises(Invalid, match="status"):
        desk.begin_bulk_replay(Filter(status=status), "console: Ada")


def test_they_are_listed_newest_first(database: Database, desk: Desk) -> None:
    made = [Desk(database, understood, lambda at=at: NOW + at).begin_bulk_replay(QUARANTINED, "a") for at in range(3)]  # type: ignore[arg-type, misc]
    with database.reading() as connection:
        assert [one.id for one in bulk.listing(connection, 2)] == [made[2], made[1]]
        assert [one.id for one in bulk.listing(connection, 2, before=made[1])] == [made[0]]


def test_there_is_none_of_another_id(database: Database, desk: Desk) -> None:
    with pytest.raises(NoSuchEvent):
        look(database, "NOTHING")
    with pytest.raises(NoSuchEvent):
        desk.stop_bulk_replay("NOTHING", "a")


def test_it_goes_on_when_the_database_is_back(
    database: Database, desk: Desk, translation: Translation, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(database, broken(1))
    replay_id = desk.begin_bulk_replay(QUARANTINED, "console: Ada")
    worker = replayer(database, translation)
    troubles = iter([StoreUnavailable("gone"), RuntimeError("strange")])
    step = worker.step

    def troubled() -> bool:
        for trouble in troubles:
            raise trouble
        return step()

    monkeypatch.setattr(bulk, "BEAT", 0.01)
    monkeypatch.setattr(worker, "step", troubled)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    until(lambda: look(database, replay_id).state is State.DONE)
    stop.set()
    thread.join()
    assert len(translation.asked) == 1
