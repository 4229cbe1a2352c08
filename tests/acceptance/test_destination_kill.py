"""``kill -9`` around the post of a custom event: it is recorded once, and where nobody can tell, not again."""

from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from flask import Response

from bridge.demo.metadata_schemas import metadata_schema
from bridge.demo.voucherify import Call
from tests.acceptance.books import Books
from tests.acceptance.command import said
from tests.acceptance.conftest import Serve
from tests.acceptance.destination import Destination, identify, track
from tests.acceptance.server import Server
from tests.acceptance.voucherify import EVENTS, Voucherify, Work
from tests.acceptance.waiting import until

LOOK_UP = "/v1/customers/anna/activity"
LONGEST_SEND = 40.0
"""Seconds that a worker may need to send what it has claimed."""


class Killer:
    """Kills whoever makes the first call to a path: before the work is done or after it."""

    def __init__(self, server: Server, path: str, *, works: bool) -> None:
        self.done = False
        self._server, self._path, self._works = server, path, works
        self._begun = False

    def __call__(self, call: Call, work: Work) -> Response:
        if call.path != self._path or self._begun:
            return work()
        self._begun = True
        answer = work() if self._works else Response(status=500)
        self._server.kill_workers()
        self.done = True
        return answer


def accept_both(server: Server, books: Books, **paid: object) -> list[str]:
    """A custom event and an upsert of one customer, both kept before the first is sent."""
    books.hold_back("voucherify")
    ids = Destination(server.root).accept(track("anna", "Paid", **paid), identify("anna", name="after"))
    books.resume()
    return ids


def assert_recorded_once(voucherify: Voucherify, books: Books) -> None:
    books.wait_until_settled(2)
    assert books.deliveries() == {"delivered": 2}
    assert voucherify.events() == {("anna", "Paid"): 1}
    assert voucherify.project.customers["anna"]["name"] == "after"


@dataclass(frozen=True)
class Moment:
    """When the workers are killed: at a call to ``path``, before its work is done or after it.

    Attributes:
        posts: how often the event is posted in all.
    """

    path: str
    works: bool
    posts: int


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(Moment("/v1/metadata-schemas/event", works=True, posts=1), id="before it is sent"),
        pytest.param(Moment(EVENTS, works=False, posts=2), id="when it was sent and is not recorded"),
        pytest.param(Moment(EVENTS, works=True, posts=1), id="when it is recorded and not answered"),
    ],
)
def test_killed_around_the_post_of_a_custom_event_it_is_recorded_once(
    moment: Moment, database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    server = serve(database_url, voucherify)
    voucherify.script = killer = Killer(server, moment.path, works=moment.works)
    accept_both(server, books)
    until(lambda: killer.done, "the workers are killed")
    assert books.deliveries() == {"sending": 1, "queued": 1}

    books.end_leases()

    assert_recorded_once(voucherify, books)
    assert len(voucherify.calls(EVENTS)) == moment.posts
    assert voucherify.calls(LOOK_UP), "nobody looked whether it was there"


def test_killed_between_voucherifys_answer_and_its_record_it_is_recorded_once(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    server = serve(database_url, voucherify)
    with ExitStack() as lock:

        def lock_before_the_answer(call: Call, work: Work) -> Response:
            answer = work()
            if call.path == EVENTS:
                lock.enter_context(books.locked())
            return answer

        voucherify.script = lock_before_the_answer
        accept_both(server, books)
        voucherify.wait_for_events(1)
        books.wait_for_waiters(1)
        server.kill_workers()
    voucherify.script = None
    assert books.deliveries() == {"sending": 1, "queued": 1}

    books.end_leases()

    assert_recorded_once(voucherify, books)
    assert len(voucherify.calls(EVENTS)) == 1


def test_what_is_not_in_the_activity_is_not_sent_again_while_it_may_still_show_there(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    server = serve(database_url, voucherify)
    voucherify.script = killer = Killer(server, EVENTS, works=False)
    accept_both(server, books)
    until(lambda: killer.done, "the workers are killed")

    books.move_time()

    until(lambda: books.attempts()["failed"] == 1, "it is looked up")
    [(wait,)] = books.rows("SELECT due_at - doubt_since FROM deliveries WHERE status = 'waiting'")
    assert wait > LONGEST_SEND, "whoever was killed may have posted it that late"
    assert len(voucherify.calls(EVENTS)) == 1

    books.move_backoff()

    assert_recorded_once(voucherify, books)
    assert len(voucherify.calls(EVENTS)) == 2


def test_where_nobody_can_tell_it_is_uncertain_and_the_customer_moves_on(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    voucherify.project.schemas["event"] = metadata_schema("event", {"total": "string"}, defined_only=True)
    server = serve(database_url, voucherify)
    voucherify.script = killer = Killer(server, EVENTS, works=True)
    [event_id, _] = accept_both(server, books, metadata={"total": "5"})
    until(lambda: killer.done, "the workers are killed")

    books.end_leases()

    books.wait_until_settled(2)
    assert books.rows("SELECT event_id FROM deliveries WHERE status = 'uncertain'") == [(event_id,)]
    assert voucherify.events() == {("anna", "Paid"): 1}
    assert voucherify.project.customers["anna"]["name"] == "after"
    [(detail,)] = books.rows("SELECT detail FROM attempts WHERE outcome = 'uncertain'")
    assert detail.startswith("in doubt: 1 like it in the customer's activity")

    assert said(database_url, "decide", event_id, "--delivered") == {"id": event_id, "decided": 1}
    assert books.deliveries() == {"delivered": 2}
    assert said(database_url, "decide", event_id, "--again") == {"id": event_id, "decided": 0}
    assert len(voucherify.calls(EVENTS)) == 1
