"""``kill -9`` at the worst moments: nothing is lost, and what comes twice comes under the same messageId."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import requests

from bridge.demo.segment import Event
from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve
from tests.acceptance.customers import redeems, users
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import SEVERAL, Server
from tests.acceptance.waiting import until

LEASE = 120.0
"""Seconds: a killed process's deliveries may wait for the end of a lease of 40 s."""


def post_and_be_cut_off(server: Server, body: bytes) -> None:
    with pytest.raises(requests.ConnectionError):
        server.post(body)


def test_killed_before_the_commit_it_has_promised_nothing_and_the_retry_is_taken(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    server = serve(database_url, segment, *SEVERAL)
    names = users(4)
    with ThreadPoolExecutor(len(names)) as pool:
        with books.locked():
            posts = [pool.submit(post_and_be_cut_off, server, redeems(name)) for name in names]
            books.wait_for_waiters(1)
            server.kill_workers()
        for post in posts:
            post.result()
    assert books.messages() == 0

    for name in names:
        server.deliver(redeems(name))

    books.wait_until_settled(len(names), LEASE)
    segment.assert_once(names)


def test_killed_after_the_commit_everything_that_was_answered_202_is_delivered(
    database_url: str, serve: Serve, segment_down: Receiver, books: Books
) -> None:
    server = serve(database_url, segment_down, *SEVERAL)
    names = users(20)
    for name in names:
        assert server.status(redeems(name)) == "accepted"
    server.kill()
    books.move_time()

    segment_down.open()
    server.start()

    books.wait_until_settled(len(names), LEASE)
    segment_down.assert_once(names)


def assert_twice_under_one_id(segment: Receiver, names: Sequence[str]) -> None:
    assert segment.users() == Counter(dict.fromkeys(names, 2))
    assert len({event["messageId"] for event in segment.stand_in.events}) == len(names)
    first, second = segment.stand_in.batches
    assert sorted(first, key=_by_user) == sorted(second, key=_by_user)


def _by_user(event: Event) -> str:
    return str(event["userId"])


def test_killed_before_it_heard_segments_200_it_repeats_the_same_messages(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    server = serve(database_url, segment, *SEVERAL)
    names = users(20)

    def kill_first_sender(batch: Sequence[Event]) -> None:
        if len(segment.calls) == 1:
            server.kill_workers()

    segment.script = kill_first_sender
    books.hold_back()
    for name in names:
        assert server.status(redeems(name)) == "accepted"
    books.move_time()
    segment.wait_for(names)
    assert books.deliveries() == Counter(sending=len(names))

    books.move_time()

    books.wait_until_settled(len(names), LEASE)
    assert_twice_under_one_id(segment, names)


def test_killed_between_segments_200_and_its_record_it_repeats_the_same_messages(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    server = serve(database_url, segment, *SEVERAL)
    names = users(20)
    books.hold_back()
    for name in names:
        assert server.status(redeems(name)) == "accepted"

    with ExitStack() as lock:

        def lock_before_first_answer(batch: Sequence[Event]) -> None:
            if len(segment.calls) == 1:
                lock.enter_context(books.locked())

        segment.script = lock_before_first_answer
        books.move_time()
        segment.wait_for(names)
        books.wait_for_waiters(1)
        server.kill_workers()
    assert books.deliveries() == Counter(sending=len(names))

    books.move_time()

    books.wait_until_settled(len(names), LEASE)
    assert_twice_under_one_id(segment, names)


def test_killed_over_and_over_while_webhooks_come_in_nothing_is_lost(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    server = serve(database_url, segment, *SEVERAL)
    names = users(60)
    with ThreadPoolExecutor(4) as pool:
        posts = [pool.submit(server.deliver, redeems(name)) for name in names]
        for share in (10, 25, 40):
            until(lambda share=share: sum(post.done() for post in posts) >= share, f"{share} webhooks are taken")  # type: ignore[misc] # mypy infers no default of a lambda
            server.kill_workers()
        for post in posts:
            post.result()
    books.move_time()

    books.wait_until_settled(len(names), LEASE)
    assert set(segment.users()) == set(names)
    assert books.events() == Counter(accepted=len(names))
    assert len({(event["userId"], event["messageId"]) for event in segment.stand_in.events}) == len(names)
