"""What an operator does by the command line while the bridge runs, and what is said of it."""

import json

from flask import Response

from tests.acceptance.books import Books
from tests.acceptance.command import run, said
from tests.acceptance.conftest import Serve
from tests.acceptance.customers import redeems
from tests.acceptance.destination import Destination, identify
from tests.acceptance.receiver import Receiver, answer
from tests.acceptance.voucherify import Voucherify
from tests.acceptance.waiting import until


def status_of(database_url: str, event_id: str) -> str:
    return str(said(database_url, "events", event_id)["entry"]["status"])


def test_a_replay_says_what_became_of_it(database_url: str, serve: Serve, segment: Receiver, books: Books) -> None:
    refused = True
    segment.script = lambda _: answer(400) if refused else None
    server = serve(database_url, segment)
    dead, quarantined = server.outcome(redeems("ada"))["id"], server.outcome(b"no JSON")["id"]
    books.wait_until_settled(1)
    assert (status_of(database_url, dead), status_of(database_url, quarantined)) == ("dead", "quarantined")

    refused = False
    assert said(database_url, "replay", dead, quarantined) == [
        {"id": dead, "became": "to be sent"},
        {"id": quarantined, "became": "quarantined"},
    ]
    until(lambda: books.deliveries() == {"delivered": 1}, "it is delivered")
    assert said(database_url, "replay", dead) == [{"id": dead, "became": "delivered"}]
    segment.assert_once(["ada"])

    unknown = run(database_url, "replay", "01" + "Z" * 24, "--json")
    assert unknown.returncode == 1
    assert json.loads(unknown.stdout)[0]["became"] == "no such event"
    done = [(one["did"], one["detail"]) for one in said(database_url, "audit")]
    assert sorted(done) == [("replayed", "delivered"), ("replayed", "quarantined"), ("replayed", "to be sent")]


def test_what_is_discarded_is_not_sent_until_it_is_replayed(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    server = serve(database_url, voucherify)
    books.hold_back("voucherify")
    first, second = Destination(server.root).accept(identify("anna", name="First"), identify("anna", name="Second"))

    assert said(database_url, "discard", first) == [{"id": first, "became": "discarded"}]

    assert status_of(database_url, first) == "discarded"
    assert status_of(database_url, second) == "waiting"
    books.resume()
    until(lambda: books.deliveries() == {"delivered": 1, "discarded": 1}, "the second is delivered")
    assert voucherify.project.customers["anna"]["name"] == "Second"
    assert said(database_url, "replay", first) == [{"id": first, "became": "to be sent"}]
    until(lambda: books.deliveries() == {"delivered": 2}, "the first is delivered")
    assert voucherify.project.customers["anna"]["name"] == "First"


def test_translation_is_paused_and_resumed(database_url: str, serve: Serve, segment: Receiver, books: Books) -> None:
    server = serve(database_url, segment)
    assert server.status(redeems("before")) == "accepted"
    assert run(database_url, "pause", "translation").returncode == 0
    until(lambda: "translation" in server.checks(), "it is degraded")
    waiting = server.store(redeems("waits"))
    assert status_of(database_url, waiting) == "pending"
    replayed = said(database_url, "replay", *(event_id for (event_id,) in books.rows("SELECT id FROM events")))
    assert [one["became"] for one in replayed] == ["waiting for a translator: see the event later"]
    assert status_of(database_url, waiting) == "pending"

    assert run(database_url, "resume", "translation").returncode == 0

    segment.wait_for(["before", "waits"])
    until(lambda: status_of(database_url, waiting) == "delivered", "it is delivered")
    segment.assert_once(["before", "waits"])


def test_what_is_dead_is_replayed_by_the_many(database_url: str, serve: Serve, segment: Receiver, books: Books) -> None:
    refused = True

    def moody(_: object) -> Response | None:
        return answer(400) if refused else None

    segment.script = moody
    server = serve(database_url, segment)
    names = [f"user-{number}" for number in range(5)]
    for name in names:
        assert server.status(redeems(name)) == "accepted"
    until(lambda: books.deliveries() == {"dead": len(names)}, "all are dead")

    refused = False
    replayed = said(database_url, "replay", "--status", "dead")

    assert (replayed["state"], replayed["total"], replayed["became"]) == ("done", 5, {"to be sent": 5})
    until(lambda: books.deliveries() == {"delivered": len(names)}, "all are delivered")
    segment.assert_once(names)
