"""One payload that a firewall refuses, and a service that says 429 for ever: the others go on, and nobody hammers."""

import time
from collections import Counter
from collections.abc import Sequence

import pytest
from flask import Response

from bridge.demo.segment import Event
from bridge.demo.voucherify import Call
from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve
from tests.acceptance.customers import redeems, users
from tests.acceptance.destination import Destination, identify, track
from tests.acceptance.receiver import Receiver
from tests.acceptance.voucherify import Voucherify, Work, answer
from tests.acceptance.waiting import until

ATTACK = "<img src=x onerror=alert(1)>"
OTHERS = 12
SOON = 30.0


def blocked() -> Response:
    return Response("<html><head><title>403 Forbidden</title></head><body>Blocked.</body></html>", 403)


@pytest.mark.parametrize("call", [identify("blocked", name=ATTACK), track("blocked", metadata={"note": ATTACK})])
def test_what_a_firewall_before_voucherify_refuses_is_alone_a_dead_letter(
    call: tuple[str, dict[str, object]], sqlite_url: str, serve: Serve, voucherify: Voucherify
) -> None:
    def firewall(call: Call, work: Work) -> Response:
        return blocked() if "onerror" in str(call.body) else work()

    voucherify.script = firewall
    books, door = Books(sqlite_url), Destination(serve(sqlite_url, voucherify).root)
    began = time.monotonic()
    door.accept(call, *(identify(name) for name in users(OTHERS)))
    until(lambda: books.deliveries() == Counter(delivered=OTHERS, dead=1), "the others are delivered")
    assert time.monotonic() - began < SOON
    assert books.rows(
        "SELECT DISTINCT attempts.code FROM attempts JOIN deliveries ON deliveries.id = delivery_id"
        " WHERE status = 'dead'"
    ) == [(403,)]
    assert books.rows("SELECT name FROM sinks WHERE paused_until > 0") == []


def test_what_a_firewall_before_segment_refuses_is_alone_a_dead_letter(
    sqlite_url: str, serve: Serve, segment: Receiver
) -> None:
    def firewall(batch: Sequence[Event]) -> Response | None:
        return blocked() if any(event["userId"] == "blocked" for event in batch) else None

    segment.script = firewall
    books, server = Books(sqlite_url), serve(sqlite_url, segment)
    names, began = users(OTHERS), time.monotonic()
    for name in ("blocked", *names):
        server.status(redeems(name))
    until(lambda: books.deliveries() == Counter(delivered=OTHERS, dead=1), "the others are delivered")
    assert time.monotonic() - began < SOON
    assert books.rows("SELECT name FROM sinks WHERE paused_until > 0") == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"X_Rate_Limit_Remaining": "0", "X_Rate_Limit_Retry": "1000000000"}, id="an epoch that is past"),
        pytest.param({"Retry_After": "0"}, id="no time"),
        pytest.param({"Retry_After": "Wed, 21 Oct 2015 07:28:00 GMT"}, id="a date that is past"),
        pytest.param({"X_Rate_Limit_Remaining": "0", "X_Rate_Limit_Retry": "30"}, id="an epoch of 1970"),
    ],
)
def test_a_429_costs_a_wait_whatever_time_it_names(
    headers: dict[str, str], sqlite_url: str, serve: Serve, voucherify: Voucherify
) -> None:
    given = {"Retry-After": "", "X-Rate-Limit-Retry": ""} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    voucherify.script = lambda *_: Response("{}", 429, given)
    door = Destination(serve(sqlite_url, voucherify).root)
    door.accept(identify("anna"))
    until(lambda: bool(voucherify.calls()), "Voucherify is called")
    time.sleep(5.0)
    assert 1 <= len(voucherify.calls()) <= 2


@pytest.mark.parametrize("status", [200, 403])
def test_a_service_that_takes_nothing_at_all_loses_nothing(
    status: int, sqlite_url: str, serve: Serve, voucherify: Voucherify
) -> None:
    voucherify.script = lambda *_: answer(status) if status != 200 else Response("<html>Sign in</html>", 200)
    books, server = Books(sqlite_url), serve(sqlite_url, voucherify)
    Destination(server.root).accept(*(identify(name) for name in users(OTHERS)))
    until(lambda: books.attempts().total() >= 1, "it was tried")
    until(lambda: books.deliveries() == Counter(waiting=OTHERS), "all wait")
