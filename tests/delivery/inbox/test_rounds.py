"""Rounds: claiming, progress, and takeover."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import insert, text, update

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import pending, replays, rounds
from bridge.delivery.inbox import Replay, Round, Taker, take_over
from bridge.delivery.inbox import rounds as module
from bridge.messages import CALLS, RAW_EVENTS, WEBHOOKS
from tests.delivery.arrivals import count, rows
from tests.delivery.pending import append, called, message

Open = Callable[[str], Database]


def put(database: Database, queue: str, *names: str, size: int = 10) -> None:
    """Make messages of these ids pending."""
    with database.writing() as connection:
        values = [{"queue": queue, "message_id": name, "size": size} for name in names]
        connection.execute(insert(pending), values)


def ask(database: Database, queue: str, *names: str) -> None:
    """Make replays of these events pending."""
    with database.writing() as connection:
        values = [{"queue": queue, "event_id": name, "audit_id": "", "who": "", "bulk_id": ""} for name in names]
        connection.execute(insert(replays), values)


def take(database: Database, queue: str = WEBHOOKS, holder: str = "here") -> Round | None:
    return Taker(database, queue).take(holder)


def taken(database: Database, queue: str = WEBHOOKS, holder: str = "here") -> Round:
    found = take(database, queue, holder)
    assert found is not None
    return found


def move(database: Database, one: Round, work: tuple[str, ...] = (), done: int = 0) -> Round | None:
    with database.writing() as connection:
        return one.move(connection, work, done, database.now(connection))


def expire(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(update(rounds).values(lease_expires_at=0.0))


def no_one(_: str) -> bool:
    return False


def everyone(_: str) -> bool:
    return True


def test_a_round_takes_what_waits_in_its_order(database: Database) -> None:
    put(database, WEBHOOKS, "c", "a", "b")
    put(database, CALLS, "x")
    found = taken(database)
    assert (found.work, found.holder, found.is_alone) == (("c", "a", "b"), "here", False)
    assert [row["message_id"] for row in rows(database, pending)] == ["x"]
    assert [row["id"] for row in rows(database, rounds)] == [found.id]
    assert take(database) is None


def test_a_round_is_bounded_by_number_and_bytes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    put(database, WEBHOOKS, "a", "b", "c", "d")
    put(database, WEBHOOKS, "large", size=1_000)
    put(database, WEBHOOKS, "e", "f", size=90)
    assert [taken(database).work for _ in range(4)] == [("a", "b", "c"), ("d",), ("large",), ("e",)]


def test_a_fifth_of_a_round_is_replays_while_both_wait(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    put(database, WEBHOOKS, *map(str, range(20)))
    ask(database, WEBHOOKS, *(f"event {number}" for number in range(5)))
    ask(database, CALLS, "another queue's")
    shares = []
    for _ in range(3):
        work = taken(database).work
        shares.append(
            (len([one for one in work if isinstance(one, str)]), [one for one in work if isinstance(one, Replay)])
        )
    assert shares == [
        (8, [Replay("event 0"), Replay("event 1")]),
        (8, [Replay("event 2"), Replay("event 3")]),
        (4, [Replay("event 4")]),
    ]


@pytest.mark.parametrize("queue", [CALLS, RAW_EVENTS])
def test_a_queue_of_calls_has_one_round_at_a_time(database: Database, queue: str) -> None:
    put(database, queue, "a")
    first = taken(database, queue)
    put(database, queue, "b")
    assert take(database, queue, "other") is None
    move(database, first)
    assert taken(database, queue, "other").work == ("b",)


def test_webhooks_have_several(database: Database) -> None:
    put(database, WEBHOOKS, "a")
    taken(database)
    put(database, WEBHOOKS, "b")
    assert taken(database, holder="other").work == ("b",)


def test_the_database_refuses_a_second_round_of_a_queue_of_calls(database: Database) -> None:
    put(database, CALLS, "a")
    other = Taker(database, CALLS)
    other._waits = lambda *_: True  # type: ignore[method-assign] # it looked before the first was taken
    taken(database, CALLS)
    put(database, CALLS, "b")
    assert other.take("other") is None
    assert [row["message_id"] for row in rows(database, pending)] == ["b"]


def test_a_dead_holders_round_is_taken_over_at_once_and_its_messages_alone(database: Database) -> None:
    put(database, CALLS, "a", "b")
    ask(database, CALLS, "event")
    first = taken(database, CALLS, "dead")
    assert take_over(database, CALLS, "other", no_one) is None
    found = take_over(database, CALLS, "other", lambda holder: holder == "dead")
    assert found is not None
    assert (found.id, found.work, found.holder) == (first.id, ("a", "b", Replay("event")), "other")
    assert found.is_alone
    assert not found.is_poisoned


def test_a_living_holders_round_is_taken_over_when_its_lease_ends(database: Database) -> None:
    put(database, CALLS, "a")
    taken(database, CALLS)
    assert take_over(database, CALLS, "other", no_one) is None
    expire(database)
    found = take_over(database, CALLS, "other", no_one)
    assert found is not None
    # From then on the other translator has it.
    assert take_over(database, CALLS, "third", no_one) is None


def test_moving_on_begins_the_lease_anew(database: Database) -> None:
    put(database, CALLS, "a", "b")
    first = taken(database, CALLS)
    expire(database)
    move(database, first, ("b",))
    assert take_over(database, CALLS, "other", no_one) is None


def test_a_holder_that_lost_its_round_moves_nothing(database: Database) -> None:
    put(database, CALLS, "a", "b", "c")
    slept = taken(database, CALLS)
    found = take_over(database, CALLS, "other", everyone)
    assert found is not None
    assert move(database, slept) is None
    assert move(database, slept, ("b", "c")) is None
    moved = move(database, found, ("c",))
    assert moved is not None
    assert moved.work == ("c",)


def test_a_holder_that_lost_its_round_twice_moves_nothing_either(database: Database) -> None:
    put(database, CALLS, "a", "b", "c")
    taken(database, CALLS)
    slept = take_over(database, CALLS, "second", everyone)
    third = take_over(database, CALLS, "third", everyone)
    assert slept is not None
    assert third is not None
    # The third has come further: how often its first message was begun alone is as it was for the second.
    moved = move(database, third, ("b", "c"))
    assert moved is not None
    assert moved.begun == slept.begun
    assert move(database, slept) is None
    assert [row["holder"] for row in rows(database, rounds)] == ["third"]


def test_a_released_round_is_taken_over_at_once_and_not_alone(database: Database) -> None:
    put(database, CALLS, "a", "b")
    first = taken(database, CALLS)
    with database.writing() as connection:
        first.release(connection)
    found = take_over(database, CALLS, "other", no_one)
    assert found is not None
    assert not found.is_alone
    assert move(database, first) is None


def test_who_was_alone_when_processes_ended_is_suspected_and_after_many_poisoned(database: Database) -> None:
    put(database, CALLS, "a", "b")
    taken(database, CALLS)
    states = []
    for number in range(11):
        found = take_over(database, CALLS, f"holder {number}", everyone)
        assert found is not None
        states.append((found.is_alone, found.is_suspected, found.is_poisoned))
    assert states == [(True, False, False)] * 2 + [(True, True, False)] * 8 + [(True, True, True)]
    # The next message has ended no process yet.
    assert found is not None
    moved = move(database, found, ("b",))
    assert moved is not None
    assert (moved.is_alone, moved.is_suspected) == (True, False)


def test_a_round_remembers_how_far_it_is(database: Database) -> None:
    put(database, RAW_EVENTS, "a", "b")
    first = taken(database, RAW_EVENTS)
    move(database, first, ("a", "b"), 1_700)
    found = take_over(database, RAW_EVENTS, "other", everyone)
    assert found is not None
    assert (found.work, found.done) == (("a", "b"), 1_700)


def test_a_failed_translator_finds_how_far_its_round_has_come(database: Database) -> None:
    put(database, CALLS, "a", "b")
    first = taken(database, CALLS)
    move(database, first, ("b",))  # and its answer was lost
    with database.reading() as connection:
        found = first.resume(connection)
    assert found is not None
    assert (found.work, found.holder) == (("b",), "here")
    take_over(database, CALLS, "other", everyone)
    with database.reading() as connection:
        assert first.resume(connection) is None


def test_sequence_numbers_never_begin_again(database: Database) -> None:
    put(database, CALLS, "a")
    first = rows(database, pending)[0]["sequence"]
    move(database, taken(database, CALLS))
    put(database, CALLS, "b")
    assert rows(database, pending)[0]["sequence"] > first


# PostgreSQL


def test_a_message_of_a_transaction_that_was_held_open_is_found(postgres_url: str, open_database: Open) -> None:
    database, held = open_database(postgres_url), open_database(postgres_url)
    taker = Taker(database, WEBHOOKS)
    found: list[object] = []
    with held.writing() as connection:
        connection.execute(insert(pending), {"queue": WEBHOOKS, "message_id": "held", "size": 1})
        for number in range(5):
            put(database, WEBHOOKS, f"{number}")
            one = taker.take("here")
            assert one is not None
            found += one.work
    one = taker.take("here")
    assert one is not None
    assert [*found, *one.work] == ["0", "1", "2", "3", "4", "held"]


def test_a_message_that_becomes_visible_very_late_is_found_by_a_full_look(
    postgres_url: str, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, held = open_database(postgres_url), open_database(postgres_url)
    monkeypatch.setattr(module, "LATE_SECONDS", 1.0)
    monkeypatch.setattr(time, "monotonic", iter(range(1_000, 2_000, 2)).__next__)
    taker = Taker(database, WEBHOOKS)
    with held.writing() as connection:
        connection.execute(insert(pending), {"queue": WEBHOOKS, "message_id": "held", "size": 1})
        put(database, WEBHOOKS, "a")
        assert taker.take("here") is not None
        assert taker.take("here") is None
    assert taker.take("here") is None
    monkeypatch.setattr(module, "FULL_LOOK_SECONDS", 0.0)
    one = taker.take("here")
    assert one is not None
    assert one.work == ("held",)


def test_a_backlog_is_taken_in_order_however_long_it_has_waited(
    postgres_url: str, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_database(postgres_url)
    monkeypatch.setattr(module, "LATE_SECONDS", 1.0)
    monkeypatch.setattr(module, "MOST", 10)
    monkeypatch.setattr(time, "monotonic", iter(range(1_000, 2_000, 2)).__next__)
    taker = Taker(database, CALLS)
    assert taker.take("here") is None
    names = [f"{number:03}" for number in range(45)]
    put(database, CALLS, *names)
    found: list[object] = []
    while one := taker.take("here"):
        found += one.work
        move(database, one)
    assert found == names


def test_taking_passes_over_what_another_is_taking(postgres_url: str, open_database: Open) -> None:
    ours, other = open_database(postgres_url), open_database(postgres_url)
    put(ours, WEBHOOKS, "a", "b", "c")
    with other.writing() as connection:
        connection.execute(text("SELECT 1 FROM pending WHERE message_id = 'b' FOR UPDATE"))
        assert taken(ours).work == ("a", "c")
    assert taken(ours).work == ("b",)


def test_ids_that_wait_are_found_by_an_index(sqlite_url: str, open_database: Open) -> None:
    database = open_database(sqlite_url)
    append(database, called("anna"), message(b"{}"))
    with database.reading() as connection:
        plan = connection.execute(
            text("EXPLAIN QUERY PLAN SELECT sequence, size FROM pending WHERE queue = 'calls' AND sequence > 0")
        ).all()
    assert "pending_by_queue" in plan[0][3]
    assert count(database, pending) == 2
