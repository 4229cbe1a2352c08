"""Many requests, one transaction: whoever comes together is committed together, and answered for one by one."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from functools import partial
from queue import SimpleQueue
from typing import Any, Self

import pytest
from sqlalchemy import event, text

from bridge.arrival import Kept, Status
from bridge.delivery import group_commit
from bridge.delivery.database import Database
from bridge.delivery.group_commit import GroupCommit, _Waiting
from bridge.delivery.store import Received, keep
from bridge.delivery.tables import deliveries, events, seen
from bridge.errors import Invalid, StoreUnavailable
from tests.delivery.arrivals import count, received, rows
from tests.delivery.contender import EVENTS
from tests.delivery.contenders import contend
from tests.delivery.patience import until

Open = Callable[[str], Database]


class Door:
    """Lets nobody write to a database as long as it is shut."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._opened = threading.Event()
        self.reached = threading.Event()

    def __enter__(self) -> Self:
        genuine = self._genuine = self._database.writing

        def writing() -> Any:
            self.reached.set()
            assert self._opened.wait(30)
            return genuine()

        self._database.writing = writing  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        self._database.writing = self._genuine  # type: ignore[method-assign]
        self._opened.set()


def together(commit: GroupCommit, batch: Sequence[Received]) -> list["Future[Kept]"]:
    """Keep them in one transaction, in their order: the first is not ready before all have come."""
    begun, all_there = threading.Event(), threading.Event()

    def first() -> Received:
        begun.set()
        assert all_there.wait(30)
        return batch[0]

    with ThreadPoolExecutor(len(batch)) as pool:
        waiting = [pool.submit(commit.keep, first)]
        assert begun.wait(30)
        for number, one in enumerate(batch[1:], start=1):
            waiting.append(pool.submit(commit.keep, partial(copy, one)))
            until(lambda expected=number: commit._queue.qsize() == expected)  # type: ignore[misc]
        all_there.set()
    return waiting


@pytest.fixture
def commits(database: Database) -> list[object]:
    """One entry for each transaction that was committed."""
    found: list[object] = []
    event.listen(database.engine, "commit", found.append)
    return found


def test_those_who_wait_are_committed_in_one_transaction(database: Database, commits: list[object]) -> None:
    before = len(commits)
    kept = together(GroupCommit(database), [received(f"call-{number}") for number in range(8)])
    assert [one.result().status for one in kept] == [Status.ACCEPTED] * 8
    assert len(commits) == before + 1
    assert count(database, deliveries) == 8


def test_a_repeat_in_the_same_transaction_is_a_duplicate(database: Database) -> None:
    batch = [received("a"), received("a"), received("b", "a"), received("a", content="other")]
    kept = [one.result() for one in together(GroupCommit(database), batch)]
    assert [one.status for one in kept] == ["accepted", "duplicate", "duplicate", "quarantined"]
    assert len({one.id for one in kept[:3]}) == 1
    assert [row["repeats"] for row in rows(database, events)] == [2, 0]
    assert count(database, deliveries) == 1


def test_threads_that_come_with_the_same_events_deliver_each_once(database: Database) -> None:
    commit = GroupCommit(database)
    begin = threading.Barrier(16)

    def one_thread(_: int) -> list[Status]:
        begin.wait(timeout=30)
        return [commit.keep(partial(received, f"call-{number}")).status for number in range(10)]

    with ThreadPoolExecutor(16) as pool:
        statuses = Counter(status for found in pool.map(one_thread, range(16)) for status in found)
    assert statuses == {Status.ACCEPTED: 10, Status.DUPLICATE: 150}
    assert count(database, events) == count(database, deliveries) == 10
    assert sum(row["repeats"] for row in rows(database, events)) == 150


def test_processes_that_come_with_the_same_events_deliver_each_once(database: Database, database_url: str) -> None:
    one, other = contend("keep", database_url, processes=2)
    assert len(one) == len(other) == EVENTS
    assert Counter([*one, *other]) == {"accepted": EVENTS, "duplicate": EVENTS}
    assert count(database, events) == count(database, deliveries) == EVENTS
    assert count(database, seen) == 2 * EVENTS


def test_whoever_stores_the_same_first_makes_ours_a_duplicate(postgres_url: str, open_database: Open) -> None:
    ours, other = open_database(postgres_url), open_database(postgres_url)
    with ThreadPoolExecutor(1) as pool:
        with other.writing() as connection:
            keep(connection, [received()])
            waiting = pool.submit(GroupCommit(ours).keep, received)
            until(lambda: _blocked(other) == 1)
        assert waiting.result(timeout=10).status is Status.DUPLICATE
    assert count(ours, events) == count(ours, deliveries) == 1


def test_repeats_of_the_same_events_in_another_order_do_not_wait_in_a_circle(
    postgres_url: str, open_database: Open
) -> None:
    databases = [open_database(postgres_url) for _ in range(3)]
    first, second = received("a"), received("b")
    GroupCommit(databases[0]).keep_all([first, second])
    orders = [[received("a"), received("b")], [received("b"), received("a")]]
    with ThreadPoolExecutor(2) as pool:
        with databases[2].writing() as blocker:
            blocker.execute(text("UPDATE events SET repeats = 0 WHERE id = :id"), {"id": first.message.id})
            waiting: list[Future[list[Status]]] = []
            for number, (database, order) in enumerate(zip(databases, orders, strict=False), start=1):
                waiting.append(pool.submit(_repeat, database, order))
                until(lambda expected=number: _blocked(databases[2]) == expected)  # type: ignore[misc]
        assert [one.result(timeout=30) for one in waiting] == [[Status.DUPLICATE] * 2] * 2
    assert [row["repeats"] for row in rows(databases[0], events)] == [2, 2]


def test_only_the_one_that_cannot_be_stored_is_refused(postgres_url: str, open_database: Open) -> None:
    database = open_database(postgres_url)
    unstorable = received("b", customer="\x00")  # a translation would never make it: PostgreSQL takes no NUL
    kept = together(GroupCommit(database), [received("a"), unstorable, received("c")])
    assert [kept[0].result().status, kept[2].result().status] == [Status.ACCEPTED] * 2
    with pytest.raises(StoreUnavailable):
        kept[1].result()
    assert count(database, events) == 2


def test_alone_it_is_refused_alone(postgres_url: str, open_database: Open) -> None:
    database = open_database(postgres_url)
    with pytest.raises(StoreUnavailable, match="DataError"):
        GroupCommit(database).keep(partial(received, customer="\x00"))


def test_what_cannot_be_made_ready_is_told_to_who_brought_it_and_nobody_else(database: Database) -> None:
    commit = GroupCommit(database)

    def invalid() -> Received:
        raise Invalid({"userId": "Missing."})

    with ThreadPoolExecutor(4) as pool:
        others = [pool.submit(commit.keep, partial(received, name)) for name in "abc"]
        with pytest.raises(Invalid):
            commit.keep(invalid)
        assert {one.result().status for one in others} == {Status.ACCEPTED}
    assert count(database, events) == 3


def test_an_outage_is_told_to_everybody_who_waits_and_ends_with_it(database: Database) -> None:
    commit = GroupCommit(database)
    genuine = database.writing
    database.writing = _out_of_order  # type: ignore[method-assign]
    batch = [received("a"), received("b"), received("c")]
    for refused in together(commit, batch):
        with pytest.raises(StoreUnavailable, match="out of order"):
            refused.result()
    database.writing = genuine  # type: ignore[method-assign]
    assert {one.result().status for one in together(commit, batch)} == {Status.ACCEPTED}
    assert count(database, events) == 3


def test_who_waits_too_long_is_told_so(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = GroupCommit(database)
    with Door(database), monkeypatch.context() as patched:
        patched.setattr(group_commit, "PATIENCE", 0.01)
        with pytest.raises(StoreUnavailable, match="too slow"):
            commit.keep(received)
    # It tries again, and it is not known whether somebody has stored it for it meanwhile.
    assert commit.keep(received).status in (Status.ACCEPTED, Status.DUPLICATE)
    assert count(database, deliveries) == 1


def test_what_came_in_one_request_is_kept_in_its_order_in_one_transaction(
    database: Database, commits: list[object]
) -> None:
    before = len(commits)
    kept = GroupCommit(database).keep_all([received(name) for name in ("a", "b", "a", "c")])
    assert [one.status for one in kept] == ["accepted", "accepted", "duplicate", "accepted"]
    assert kept[2].id == kept[0].id
    assert len(commits) == before + 1
    assert [row["key"] for row in rows(database, deliveries)] == ["a", "b", "c"]


def test_nothing_is_kept_of_nothing(database: Database) -> None:
    assert GroupCommit(database).keep_all([]) == []
    assert count(database, events) == 0


def test_of_one_request_all_is_kept_or_nothing(database: Database) -> None:
    commit = GroupCommit(database)
    doomed = [received("a"), received("b", customer={})]  # type: ignore[arg-type] # which no column takes
    with pytest.raises(StoreUnavailable):
        commit.keep_all(doomed)
    assert count(database, events) == count(database, deliveries) == count(database, seen) == 0
    assert [one.status for one in commit.keep_all([received("a"), received("b")])] == ["accepted"] * 2


def test_each_request_is_answered_for_its_own(database: Database) -> None:
    commit = GroupCommit(database)
    requests = [
        [received(f"{name}{number}") for number in range(size)] for name, size in (("a", 1), ("b", 3), ("c", 2))
    ]
    with ThreadPoolExecutor(len(requests)) as pool, Door(database) as door:
        waiting = [pool.submit(commit.keep_all, requests[0])]
        assert door.reached.wait(30)
        for number, one in enumerate(requests[1:], start=1):
            waiting.append(pool.submit(commit.keep_all, one))
            until(lambda expected=number: commit._queue.qsize() == expected)  # type: ignore[misc]
    assert [[kept.id for kept in one.result()] for one in waiting] == [
        [one.message.id for one in request] for request in requests
    ]


def test_a_transaction_does_not_grow_without_end(
    database: Database, commits: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "MOST", 4)
    before = len(commits)
    kept = together(GroupCommit(database), [received(f"call-{number}") for number in range(10)])
    assert {one.result().status for one in kept} == {Status.ACCEPTED}
    assert len(commits) == before + 3
    assert count(database, deliveries) == 10


def test_a_forked_process_begins_with_nobody_waiting(database: Database) -> None:
    commit = GroupCommit(database)
    commit._has_writer = True  # the parent's: it is not here
    commit._queue.put(_Waiting(lambda: [received("the parent's")], SimpleQueue()))
    commit.forget()
    assert commit.keep(partial(received, "ours")).status is Status.ACCEPTED
    assert count(database, events) == 1


def test_whatever_goes_wrong_is_told_and_the_next_is_kept(database: Database) -> None:
    commit = GroupCommit(database)
    genuine = database.writing
    database.writing = _unforeseen  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable, match="unforeseen: KeyError"):
        commit.keep(received)
    database.writing = genuine  # type: ignore[method-assign]
    assert commit.keep(received).status is Status.ACCEPTED


def test_threads_that_come_first_at_once_have_one_writer(database: Database) -> None:
    before = _writers()
    commit, begin = GroupCommit(database), threading.Barrier(8)

    def come(number: int) -> Status:
        begin.wait(timeout=30)
        return commit.keep(partial(received, f"call-{number}")).status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(come, range(8))) == {Status.ACCEPTED}
    assert _writers() == before + 1


def _repeat(database: Database, order: list[Received]) -> list[Status]:
    with database.writing() as connection:
        return [one.status for one in keep(connection, order)]


def _out_of_order() -> Any:
    raise StoreUnavailable("out of order")


def _unforeseen() -> Any:
    raise KeyError("whatever")


def _writers() -> int:
    return sum(thread.name == "group-commit" for thread in threading.enumerate())


def _blocked(database: Database) -> int:
    """How many of the server's connections wait for another's lock."""
    with database.reading() as connection:
        statement = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        found: int = connection.execute(text(statement)).scalar_one()
    return found
