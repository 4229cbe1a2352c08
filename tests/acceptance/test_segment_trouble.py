"""Segment is down, refuses, asks to wait, or does not know the write key: nothing is lost, and nobody is pestered."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from flask import Response

from bridge.demo.segment import Event
from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve
from tests.acceptance.customers import redeems, users
from tests.acceptance.receiver import Receiver, answer
from tests.acceptance.server import WRITE_KEY
from tests.acceptance.waiting import PATIENCE, until


def test_what_comes_in_while_segment_refuses_connections_arrives_when_it_is_back(
    database_url: str, serve: Serve, segment_down: Receiver, books: Books
) -> None:
    server = serve(database_url, segment_down)
    names = users(20)
    for name in names:
        assert server.status(redeems(name)) == "accepted"
    until(lambda: books.attempts()["failed"] >= len(names), "every event was tried")
    assert not books.deliveries().keys() - {"waiting", "sending"}

    segment_down.open()

    books.wait_until_settled(len(names))
    segment_down.assert_once(names)


def test_what_segment_fails_to_take_arrives_when_it_takes_events_again(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    failures = [answer(500), answer(503), answer(302, Location=f"{segment.url}/v1/batch")]
    segment.script = lambda _: failures.pop() if failures else None
    server = serve(database_url, segment)
    names = users(20)
    for name in names:
        assert server.status(redeems(name)) == "accepted"

    books.wait_until_settled(len(names))

    segment.assert_once(names)
    assert books.deliveries() == Counter(delivered=len(names))
    assert books.attempts()["failed"] == sum(len(batch) for _, batch in segment.calls[:3])


def test_one_bad_event_among_a_hundred_is_a_dead_letter_and_the_others_are_delivered(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    names = users(100)
    bad = names[37]
    segment.script = lambda batch: answer(400) if bad in {event["userId"] for event in batch} else None
    server = serve(database_url, segment)
    books.hold_back()
    for name in names:
        assert server.status(redeems(name)) == "accepted"

    books.move_time()

    books.wait_until_settled(len(names))
    assert len(segment.calls[0][1]) == len(names)
    segment.assert_once([name for name in names if name != bad])
    assert books.deliveries() == Counter(delivered=99, dead=1)
    assert books.rows(
        "SELECT customer, deliveries.attempts FROM deliveries JOIN events ON events.id = event_id "
        "WHERE deliveries.status = 'dead'"
    ) == [(bad, 1)]
    assert "dead letter" in server.log


def test_after_a_429_no_process_calls_before_the_time_that_segment_names(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    wait = 3
    first = [answer(429, **{"Retry-After": str(wait)})]
    segment.script = lambda _: first.pop() if first else None
    servers = [serve(database_url, segment), serve(database_url, segment)]
    names = users(10)
    books.hold_back()
    for name in names:
        assert servers[0].status(redeems(name)) == "accepted"
    books.move_time()
    until(lambda: books.attempts()["throttled"] == len(names), "Segment asks to wait")
    late = users(10, "late")
    for name, server in zip(late, servers * 5, strict=True):
        assert server.status(redeems(name)) == "accepted"

    books.wait_until_settled(20)

    throttled, *others = [when for when, _ in segment.calls]
    assert all(when - throttled >= wait for when in others)
    segment.assert_once([*names, *late])
    assert books.rows("SELECT DISTINCT attempts FROM deliveries") == [(1,)]


def test_a_process_that_waits_for_the_database_while_a_429_is_recorded_heeds_it_too(
    sqlite_url: str, serve: Serve, segment: Receiver, tmp_path: Path
) -> None:
    wait = 6
    late = "(SELECT id FROM events WHERE customer = 'late')"
    books = Books(sqlite_url)
    # Each elects a worker of its own: in one folder, one of them would deliver.
    server, _ = (serve(sqlite_url, segment, BRIDGE_RUN_DIR=str(tmp_path / name)) for name in ("one", "another"))
    books.hold_back()
    for name in ("early", "late"):
        assert server.status(redeems(name)) == "accepted"

    with ExitStack() as lock:
        locked = threading.Event()

        def lock_and_throttle(batch: Sequence[Event]) -> Response | None:
            if len(segment.calls) > 1:
                return None
            # Due when the one who is told to wait has long queued for the database, ahead of the other.
            books.change(f"UPDATE deliveries SET due_at = :soon WHERE event_id IN {late}", soon=time.time() + 2)
            lock.enter_context(books.locked())
            locked.set()
            return answer(429, **{"Retry-After": str(wait)})

        segment.script = lock_and_throttle
        books.change(f"UPDATE deliveries SET due_at = :never WHERE event_id IN {late}", never=time.time() + 3600)
        books.change("UPDATE sinks SET paused_until = 0")
        # Before, they wait for each other.
        assert locked.wait(PATIENCE)
        books.wait_for_waiters(2)

    books.wait_until_settled(2)
    throttled, *others = [when for when, _ in segment.calls]
    assert all(when - throttled >= wait for when in others)
    segment.assert_once(["early", "late"])


def test_a_429_in_the_middle_of_a_halved_batch_stops_the_rest_of_it(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    wait = 2
    names = users(8)
    script: list[Response | None] = [answer(400), None, answer(429, **{"Retry-After": str(wait)})]

    def next_answer(batch: Sequence[Event]) -> Response | None:
        return script.pop(0) if script else None

    segment.script = next_answer
    server = serve(database_url, segment)
    books.hold_back()
    for name in names:
        assert server.status(redeems(name)) == "accepted"

    books.move_time()

    books.wait_until_settled(len(names))
    whole, half, throttled, *others = segment.calls
    assert [len(batch) for _, batch in (whole, half, throttled)] == [8, 4, 4]
    assert all(when - throttled[0] >= wait for when, _ in others)
    segment.assert_once(names)


def test_a_wrong_write_key_kills_no_event_and_all_arrive_when_it_is_mended(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    segment.stand_in.write_key = "the key of another source"
    server = serve(database_url, segment)
    names = users(10)
    for name in names:
        assert server.status(redeems(name)) == "accepted"
    until(lambda: books.attempts()["forbidden"] >= 1, "Segment refuses the key")
    until(lambda: "sink paused" in server.log, "the log says so")
    until(lambda: books.deliveries() == Counter(waiting=len(names)), "all wait")
    assert books.rows("SELECT DISTINCT attempts FROM deliveries") == [(0,)]

    segment.stand_in.write_key = WRITE_KEY
    books.move_time()

    books.wait_until_settled(len(names))
    segment.assert_once(names)
