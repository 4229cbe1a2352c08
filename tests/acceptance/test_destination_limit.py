"""The rate limit is Voucherify's, and shared by all processes; refused keys and an exceeded plan cost nothing."""

import time

import pytest
from flask import Response

from bridge.demo.voucherify import Call
from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve
from tests.acceptance.destination import Destination, track, users
from tests.acceptance.voucherify import EVENTS, Voucherify, Work, a_moment, answer
from tests.acceptance.waiting import until

PROCESSES = 2
"""Of two servers."""


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(lambda wait: {"Retry_After": f"{wait}", "X_Rate_Limit_Retry": "0"}, id="Retry-After"),
        pytest.param(
            lambda wait: {"Retry_After": "0", "X_Rate_Limit_Retry": f"{time.time() + wait:.3f}"},
            id="X-Rate-Limit-Retry",
        ),
    ],
)
def test_after_a_429_no_process_calls_before_the_time_that_voucherify_names(
    headers: object, database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    assert callable(headers)
    wait, throttled_at = 3.0, 0.0

    def once(call: Call, work: Work) -> Response:
        nonlocal throttled_at
        if call.path != EVENTS or throttled_at:
            return work()
        throttled_at = time.time()
        return answer(429, **headers(3))

    voucherify.script = once
    doors = [Destination(serve(database_url, voucherify).root) for _ in range(2)]
    doors[0].accept(track("first"))
    until(lambda: books.attempts()["throttled"] == 1, "Voucherify asks to wait")
    for name, door in zip(users(10), doors * 5, strict=True):
        door.accept(track(name))

    books.wait_until_settled(11)

    assert all(call.at >= throttled_at + wait for call in voucherify.calls() if call.at > throttled_at)
    assert books.rows("SELECT DISTINCT attempts FROM deliveries") == [(1,)]
    assert set(voucherify.events().values()) == {1}


def test_when_the_last_call_of_a_window_is_spent_all_wait_for_the_next_one(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    limit, seconds, names = 20, 3.0, users(60)
    voucherify.limit(limit, seconds)
    doors = [Destination(serve(database_url, voucherify).root) for _ in range(2)]
    for name, door in zip(names, doors * 30, strict=True):
        door.accept(track(name))

    books.wait_until_settled(len(names))

    assert voucherify.events() == {(name, "Order Completed"): 1 for name in names}
    refused = books.attempts()["throttled"]
    windows = -(-len(voucherify.calls()) // limit)
    # A call may be under way when another process is told that there are none left.
    assert refused <= windows * (PROCESSES - 1)
    assert books.rows("SELECT DISTINCT attempts FROM deliveries") == [(1,)]


def test_a_budget_keeps_the_calls_of_all_processes_steady(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    a_minute, names = 600, users(30)
    interval = 60.0 / a_minute
    doors = [Destination(serve(database_url, voucherify, VOUCHERIFY_RATE_LIMIT=str(a_minute)).root) for _ in range(2)]
    for name, door in zip(names, doors * 15, strict=True):
        door.accept(track(name))

    books.wait_until_settled(len(names))

    calls = [call.at for call in voucherify.calls()]
    for window in (5, 10, 20):
        shortest = min(later - earlier for earlier, later in zip(calls, calls[window:], strict=False))
        # One that was late on its way makes the next one seem early.
        assert shortest >= (window - 3) * interval
    assert books.deliveries() == {"delivered": len(names)}
    assert not books.attempts(), "no call was refused"


@pytest.mark.parametrize("status", [401, 402], ids=["401: the keys are refused", "402: the plan is exceeded"])
def test_while_voucherify_refuses_everybody_nothing_is_lost_or_counted(
    status: int, database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    voucherify.script = lambda *_: answer(status, **a_moment(0))
    server = serve(database_url, voucherify)
    names = users(10)
    Destination(server.root).accept(*map(track, names))
    until(lambda: books.attempts()["forbidden"] >= 1, "Voucherify refuses")
    until(lambda: "sink paused" in server.log, "the log says so")
    until(lambda: books.deliveries() == {"waiting": len(names)}, "all wait")
    assert books.rows("SELECT DISTINCT attempts FROM deliveries") == [(0,)]
    [(reason,)] = books.rows("SELECT reason FROM sinks WHERE paused_until > 0")
    assert reason == f"forbidden ({status})"

    voucherify.script = None

    def settled() -> bool:
        books.move_backoff()
        return books.deliveries() == {"delivered": len(names)}

    until(settled, "everything is delivered")
    assert voucherify.events() == {(name, "Order Completed"): 1 for name in names}
