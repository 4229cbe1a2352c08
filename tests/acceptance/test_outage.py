"""A service that fails for long: what it costs meanwhile, what ends it, and what an operator can do."""

import threading
import time
from collections.abc import Iterator

import pytest
from flask import Response

from bridge.demo.voucherify import Call
from tests.acceptance.books import Books
from tests.acceptance.command import said
from tests.acceptance.conftest import Serve
from tests.acceptance.customers import redeems, users
from tests.acceptance.destination import Destination, identify, track
from tests.acceptance.receiver import Receiver, answer
from tests.acceptance.server import Server
from tests.acceptance.voucherify import BULK, EVENTS, Voucherify, Work
from tests.acceptance.waiting import until

PAGE = "<html><body>Bad Gateway</body></html>" + "<!-- padding -->" * 1_150
"""A page of 18 KB."""

TRIES = 10

STORED_BYTES = (
    "SELECT (SELECT coalesce(sum(length(detail)), 0) FROM attempts)"
    " + (SELECT coalesce(sum(length(body)), 0) FROM responses), (SELECT count(*) FROM attempts)"
)


def accept(server: Server, names: list[str]) -> None:
    for name in names:
        assert server.status(redeems(name)) == "accepted"


def wait_for_tries(books: Books, tries: int) -> None:
    least = "SELECT min(attempts) FROM deliveries"
    until(lambda: books.rows(least)[0][0] >= tries, f"{tries} attempts each")


def test_an_outage_with_large_pages_writes_a_bounded_number_of_bytes(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    segment.script = lambda _: Response(PAGE, 502, mimetype="text/html")
    server = serve(database_url, segment)
    names = users(30)
    accept(server, names)
    for tries in range(1, TRIES + 1):
        wait_for_tries(books, tries)
        books.move_time()

    [(size, rows)] = books.rows(STORED_BYTES)
    assert rows <= len(names) * 5
    assert size < len(PAGE), f"{len(names) * TRIES} tries"
    [(event_id,)] = books.rows("SELECT event_id FROM deliveries ORDER BY id LIMIT 1")
    [delivery] = said(database_url, "events", event_id)["deliveries"]
    assert {one["detail"] for one in delivery["attempts"]} == {PAGE}
    assert delivery["attempts_between"] >= TRIES - 5
    segment.script = None
    books.move_time()
    books.wait_until_settled(len(names))
    segment.assert_once(names)


def test_after_an_outage_the_first_success_brings_the_rest_forward(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    segment.script = lambda _: answer(503)
    server = serve(database_url, segment)
    names = users(100)
    accept(server, names)
    wait_for_tries(books, 1)
    segment.script = None
    # As after an outage of hours: each waits for minutes.
    books.change("UPDATE deliveries SET due_at = due_at + 500 WHERE status = 'waiting'")
    waiting = books.deliveries()["waiting"]
    assert waiting > 50
    began = len(segment.calls)

    accept(server, ["the first"])

    books.wait_until_settled(len(names) + 1)
    segment.assert_once([*names, "the first"])
    sizes = [len(batch) for _, batch in segment.calls[began:]]
    assert max(sizes) < waiting, "not all at once"
    assert len(sizes) < waiting / 2, "not one by one"


def test_a_pause_without_end_is_ended_by_hand_with_one_careful_call(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    segment.script = lambda _: answer(429, **{"Retry-After": "1000000000"})
    server = serve(database_url, segment)
    names = users(20)
    accept(server, names[:1])
    until(lambda: books.attempts()["throttled"] == 1, "Segment asks to wait")
    accept(server, names[1:])
    [sink] = said(database_url, "status")["sinks"]
    assert sink["state"] == "paused"
    assert sink["paused_until"] - time.time() <= 3_600.0
    time.sleep(1.0)
    assert len(segment.calls) == 1
    assert server.log.count("sink paused") == 1
    assert books.attempts() == {"throttled": 1}, "what was not tried has no row"

    segment.script = None
    said(database_url, "resume", "segment")

    books.wait_until_settled(len(names))
    segment.assert_once(names)
    assert len(segment.calls[1][1]) == 1, "a single event"
    assert len(segment.calls) < len(names)


# Bulks


class Polls:
    """Responses to looks at async actions, until they are released."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.released = threading.Event()

    def __call__(self, call: Call, work: Work) -> Response:
        if "async-actions" not in call.path or self.released.is_set():
            return work()
        if self.kind == "hang":
            self.released.wait(30)
            return Response('{"code": 500, "message": "late", "key": "k"}', 500, mimetype="application/json")
        if self.kind == "HTML":
            return Response("<html>Welcome</html>", 200, mimetype="text/html")
        return Response('{"code": 0, "message": "no", "key": "k"}', int(self.kind), mimetype="application/json")


@pytest.fixture(params=["hang", "404", "401", "500", "HTML"])
def polls(request: pytest.FixtureRequest, voucherify: Voucherify) -> Iterator[Polls]:
    voucherify.script = script = Polls(request.param)
    yield script
    script.released.set()


def begin_bulk(database_url: str, server: Server, books: Books, voucherify: Voucherify, names: list[str]) -> None:
    """A bulk whose end is not seen."""
    books.hold_back("voucherify")
    door = Destination(server.root)
    for name in names:
        door.accept(identify(name))
    said(database_url, "resume", "voucherify")
    until(lambda: any("async-actions" in call.path for call in voucherify.calls()), "a look at the bulk")


def wait_for_event(voucherify: Voucherify, name: str) -> None:
    until(lambda: voucherify.events()[(name, "Order Completed")], "the other's event arrives")


def test_a_bulk_whose_end_is_not_seen_delays_no_other_customer(
    polls: Polls, database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    server, names = serve(database_url, voucherify), users(10)
    begin_bulk(database_url, server, books, voucherify, names)
    door = Destination(server.root)
    delays = []
    for other in users(10, "other"):
        door.accept(track(other))
        began = time.monotonic()
        wait_for_event(voucherify, other)
        delays.append(time.monotonic() - began)
    assert max(delays) < 3 * 3.0, "a look takes two seconds at most"
    door.accept(track(names[0]))
    until(lambda: books.deliveries()["queued"] == 1, "the customer's own event waits behind the bulk")

    polls.released.set()
    books.change("UPDATE deliveries SET due_at = 0 WHERE job IS NOT NULL")

    books.wait_until_settled(10 + 10 + 1)
    assert len(voucherify.calls(BULK)) == 1
    assert set(voucherify.events().values()) == {1}
    assert books.deliveries() == {"delivered": 21}


def test_after_a_kill_another_process_looks_at_the_bulk(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    voucherify.script = polls = Polls("500")
    server, names = serve(database_url, voucherify), users(10)
    begin_bulk(database_url, server, books, voucherify, names)
    until(lambda: books.rows("SELECT count(*) FROM deliveries WHERE job IS NOT NULL") == [(10,)], "the job is stored")

    server.kill()
    polls.released.set()
    again = serve(database_url, voucherify)
    books.change("UPDATE deliveries SET due_at = 0 WHERE job IS NOT NULL")
    books.end_leases()
    Destination(again.root).accept(track(names[0]))

    books.wait_until_settled(11)
    assert len(voucherify.calls(BULK)) == 1, "nothing is sent twice"
    assert len(voucherify.calls(EVENTS)) == 1
    assert set(voucherify.project.customers) == set(names)
