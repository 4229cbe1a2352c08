"""The doors, over HTTP: what each stores, what it refuses, and what it answers to a sender that waits."""

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import requests
from sqlalchemy.engine import URL

from bridge.credentials import sign
from tests.acceptance.books import Books
from tests.acceptance.command import run, said
from tests.acceptance.conftest import Hire, Serve, serving
from tests.acceptance.customers import redeems
from tests.acceptance.destination import Destination, track
from tests.acceptance.process import WRITE_KEY
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import WAIT, Server
from tests.acceptance.voucherify import Voucherify
from tests.acceptance.waiting import PATIENCE, until
from tests.conftest import order
from tests.demo.contract import Contract
from tests.webhooks import SECRET, signed

KEYS = {"BRIDGE_WRITE_KEYS": WRITE_KEY, "SEGMENT_WEBHOOK_SECRET": SECRET}
LIMIT = 1_048_576
NAME = "Customer Redemption Succeeded"
MOST_WAITING = 8


@dataclass(frozen=True)
class Bridge:
    """A running server with every door open, and its database."""

    server: Server
    books: Books
    database_url: str

    def post(self, path: str, value: Any, **headers: str) -> requests.Response:
        """Post JSON as Segment's libraries do."""
        url = f"{self.server.root}/{path}"
        return requests.post(url, json=value, auth=(WRITE_KEY, ""), headers=headers, timeout=PATIENCE)

    def post_webhook(self, value: Any, **headers: str) -> requests.Response:
        """Post an event, or an array, as Segment's webhooks do."""
        body = json.dumps(value).encode()
        first = json.dumps(value[0]).encode() if isinstance(value, list) and value else body
        given = {"Content-Type": "application/json", "X-Signature": sign(first, SECRET), "X-Bridge-Secret": SECRET}
        url = f"{self.server.root}/webhooks/segment"
        return requests.post(url, data=body, headers={**given, **headers}, timeout=PATIENCE)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def bridge(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, contract: Contract
) -> Iterator[Bridge]:
    """One for all tests of a database: each has customers of its own."""
    directory = tmp_path_factory.mktemp("doors")
    url = f"sqlite:///{directory / 'bridge.db'}"
    if request.param == "postgresql":
        postgres: URL = request.getfixturevalue("postgres_server")
        order(postgres, f"CREATE DATABASE {(name := f'doors_{uuid4().hex}')}")
        url = postgres.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    segment, voucherify = Receiver(), Voucherify(contract)
    segment.open()
    voucherify.open()
    with serving(directory) as serve:
        yield Bridge(serve(url, segment, voucherify, **KEYS), Books(url), url)
    segment.close()
    voucherify.close()


def unique(name: str) -> str:
    return f"{name}-{uuid4().hex[:8]}"


def an_event(user: str = "", **more: Any) -> dict[str, Any]:
    return {"userId": user or unique("user"), "type": "track", "event": "Paid", "messageId": uuid4().hex, **more}


def refusal(response: requests.Response, status: int) -> Mapping[str, str]:
    """By field, what is wrong."""
    assert response.status_code == status, response.text
    told = response.json()["error"]
    assert told.keys() == {"code", "message", "fields"}
    fields: Mapping[str, str] = told["fields"]
    return fields


ANYTHING = {
    "nothing": b"",
    "a text": b"hello",
    "half of JSON": b'{"type": "redemption.succeeded", "data": {',
    "100 levels": b'{"a":' * 100 + b"1" + b"}" * 100,
    "10,000 levels": b"[" * 10_000 + b"]" * 10_000,
    "bytes": bytes(range(256)) * 16,
    "compressed": b"\x1f\x8b\x08\x00" + bytes(60),
    "as much as is taken": b"x" * LIMIT,
    "a form": b"a=1&b=2",
}
TYPES = (
    *("application/json", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded"),
    *("multipart/form-data; boundary=x", "not a type", ""),
)


class TestVoucherifysWebhooks:
    @pytest.mark.parametrize("content", ANYTHING)
    def test_whatever_is_authentic_is_stored(self, content: str, bridge: Bridge) -> None:
        body = ANYTHING[content] + (b"" if content in ("nothing", "as much as is taken") else uuid4().hex.encode())
        ids = []
        for content_type in TYPES:
            response = bridge.server.post(body, **{"Content-Type": content_type})
            assert response.status_code == 202, (content_type, response.text)
            assert response.json().keys() == {"status", "id"}
            assert response.json()["status"] == "stored"
            assert "Preference-Applied" not in response.headers
            ids.append(response.json()["id"])
        bridge.books.wait_until_translated()
        for one in ids:
            assert bridge.books.rows("SELECT status FROM events WHERE id = :id", id=one) == [("quarantined",)]

    def test_one_byte_over_the_limit_is_refused(self, bridge: Bridge) -> None:
        before = bridge.books.messages()
        assert refusal(bridge.server.post(b"x" * (LIMIT + 1)), 413) == {}
        assert bridge.books.messages() == before

    def test_without_a_length_it_is_stored(self, bridge: Bridge) -> None:
        body = redeems(unique("chunked"))
        headers = {**signed(body), **WAIT}
        response = requests.post(bridge.server.url, data=iter([body[:7], body[7:]]), headers=headers, timeout=PATIENCE)
        assert (response.status_code, response.json()["status"]) == (202, "accepted")

    def test_who_waits_is_answered_with_the_outcome(self, bridge: Bridge) -> None:
        user = unique("user")
        accepted, duplicate = (bridge.server.outcome(redeems(user)) for _ in range(2))
        assert accepted == {"status": "accepted", "id": accepted["id"], "event": NAME, "reason": None}
        assert duplicate == {"status": "duplicate", "id": accepted["id"], "event": NAME, "reason": None}
        contradiction = bridge.server.outcome(redeems(unique("user"), user))
        assert contradiction["status"] == "quarantined"
        assert accepted["id"] in contradiction["reason"]
        ignored = bridge.server.outcome(redeems(unique("user")).replace(b"redemption.succeeded", b"voucher.created"))
        assert (ignored["status"], ignored["reason"]) == ("ignored", "unknown type")


class TestWhatSegmentsDoorsRefuse:
    @pytest.mark.parametrize(
        ("path", "value", "fields"),
        [
            pytest.param("v1/track", {"userId": "u"}, {"event"}, id="a track without a name"),
            pytest.param("v1/track", {"event": "Paid"}, {"userId"}, id="nobody's track"),
            pytest.param("v1/track", [], {""}, id="an array as a track"),
            pytest.param("v1/identify", {"userId": {"id": 1}}, {"userId"}, id="an object as an id"),
            pytest.param("v1/track", an_event(properties={"p": "x" * 33_000}), {""}, id="more than 32 KB"),
            pytest.param("v1/track", an_event(properties=json.loads("[" * 300 + "]" * 300)), {""}, id="300 levels"),
            pytest.param("v1/batch", {"batch": {}}, {"batch"}, id="a batch that is no list"),
            pytest.param("v1/batch", [], {"batch"}, id="a list that is no batch"),
            pytest.param("v1/batch", {"batch": [{}] * 2501}, {"batch"}, id="2,501 events in a batch"),
        ],
    )
    def test_of_the_tracking_api(self, path: str, value: Any, fields: set[str], bridge: Bridge) -> None:
        before = bridge.books.messages()
        told = refusal(bridge.post(path, value), 400)
        assert told.keys() == fields
        assert all(told.values())
        assert bridge.books.messages() == before

    @pytest.mark.parametrize(
        ("value", "fields"),
        [
            pytest.param({"type": "track", "userId": "u"}, {"event"}, id="a track without a name"),
            pytest.param({"userId": "u"}, {"type"}, id="an event without a type"),
            pytest.param("an event", {""}, id="a text"),
            pytest.param([{}] * 4001, {""}, id="4,001 events in an array"),
        ],
    )
    def test_of_segments_webhooks(self, value: Any, fields: set[str], bridge: Bridge) -> None:
        before = bridge.books.messages()
        assert refusal(bridge.post_webhook(value), 400).keys() == fields
        assert bridge.books.messages() == before

    def test_a_batch_over_the_limit_of_a_body(self, bridge: Bridge) -> None:
        response = bridge.post("v1/batch", {"batch": [an_event(properties={"p": "x" * 30_000}) for _ in range(40)]})
        assert response.status_code in (400, 413)


def wrong_ones() -> list[Any]:
    """Events that no door refuses in a batch, and that mean nothing. The same again would be duplicates."""
    return [
        {"type": "track", "userId": "u"},
        {"type": "rumour", "userId": "u"},
        unique("no object"),
        uuid4().int % 10**9,
        [unique("no object")],
        an_event(properties={"p": "x" * 33_000}),
    ]


def assert_wrong_ones_are_quarantined_alone(outcomes: list[Mapping[str, Any]]) -> None:
    assert [one["status"] for one in outcomes] == ["accepted", *["quarantined"] * (len(outcomes) - 2), "accepted"]
    assert all(one["reason"] for one in outcomes[1:-1])
    assert len({one["id"] for one in outcomes}) == len(wrong_ones()) + 2


class TestABatch:
    def test_a_wrong_event_is_quarantined_alone(self, bridge: Bridge) -> None:
        batch = {"batch": [an_event(), *wrong_ones(), an_event()]}
        response = bridge.post("v1/batch", batch, **WAIT)
        assert (response.status_code, response.headers["Preference-Applied"]) == (200, "wait")
        assert response.json()["success"] is True
        assert_wrong_ones_are_quarantined_alone(response.json()["results"])

    def test_of_an_array_too(self, bridge: Bridge) -> None:
        response = bridge.post_webhook([an_event(), *wrong_ones(), an_event()], **WAIT)
        assert response.status_code == 200
        assert_wrong_ones_are_quarantined_alone(response.json())

    def test_an_empty_one_is_taken(self, bridge: Bridge) -> None:
        assert bridge.post("v1/batch", {"batch": []}, **WAIT).json() == {"success": True, "results": []}
        assert bridge.post_webhook([], **WAIT).json() == []


class TestAnswers:
    """With and without ``Prefer``, at every door of Segment's."""

    def test_the_destination(self, bridge: Bridge) -> None:
        destination = Destination(bridge.server.root)
        stored = destination.post(track(unique("user")))
        assert (stored.status_code, stored.json()) == (200, {"status": "stored", "id": stored.json()["id"]})
        assert "Preference-Applied" not in stored.headers
        outcome = destination.outcome(track(unique("user")))
        assert outcome == {"status": "accepted", "id": outcome["id"], "event": "Add Custom Event", "reason": None}

    def test_the_tracking_api(self, bridge: Bridge) -> None:
        assert bridge.post("v1/track", an_event()).json() == {"success": True}
        repeated = an_event()
        first, again = (bridge.post("v1/track", repeated, **WAIT).json() for _ in range(2))
        [accepted], [duplicate] = first["results"], again["results"]
        assert (first["success"], accepted["status"], accepted["event"]) == (True, "accepted", "Paid")
        assert (duplicate["status"], duplicate["id"]) == ("duplicate", accepted["id"])

    def test_segments_webhooks(self, bridge: Bridge) -> None:
        for value in (an_event(), [an_event(), an_event()]):
            stored = bridge.post_webhook(value)
            assert (stored.status_code, stored.json()) == (200, {"status": "stored", "id": stored.json()["id"]})
        one = bridge.post_webhook(an_event(), **WAIT)
        assert one.json()["status"] == "accepted"
        several = bridge.post_webhook([an_event(), an_event()], **WAIT)
        assert [told["status"] for told in several.json()] == ["accepted"] * 2
        assert several.headers["Preference-Applied"] == "wait"

    @pytest.mark.parametrize("prefer", ["wait", "wait=", "wait=x", "wait=-1", "wait=0", "return=minimal", "wait=1.5"])
    def test_a_preference_that_is_none_is_ignored(self, prefer: str, bridge: Bridge) -> None:
        response = bridge.server.post(redeems(unique("user")), Prefer=prefer)
        assert (response.status_code, response.json()["status"]) == (202, "stored")
        assert "Preference-Applied" not in response.headers

    @pytest.mark.parametrize("prefer", ["respond-async, wait=10", "Wait=10", 'wait="10"', "wait=999"])
    def test_a_preference_may_be_written_in_many_ways(self, prefer: str, bridge: Bridge) -> None:
        response = bridge.server.post(redeems(unique("user")), Prefer=prefer)
        assert (response.status_code, response.json()["status"]) == (202, "accepted")


def test_every_id_that_was_answered_is_found(bridge: Bridge) -> None:
    webhook, call, event = redeems(unique("user")), track(unique("user"), metadata={"messageId": "m"}), an_event()
    found = {}
    for _ in range(2):
        found[bridge.server.store(webhook)] = "redemption.succeeded"
        [stored] = Destination(bridge.server.root).store(call)
        found[stored] = call[1]["customer"]["source_id"]
        found[bridge.post_webhook(event).json()["id"]] = event["messageId"]
    array = [an_event(), unique("no object"), event]
    array_id = bridge.post_webhook(array).json()["id"]
    results = bridge.post("v1/batch", {"batch": array}, **WAIT).json()["results"]
    bridge.books.wait_until_translated()

    for one, content in found.items():
        told = said(bridge.database_url, "events", one)
        assert content in json.dumps(told["body"])
        assert told["entry"]["status"] not in ("pending", "quarantined")
        assert told["entry"]["repeats"] >= 1
    for result in results:
        assert said(bridge.database_url, "events", result["id"])["entry"]["id"] == result["id"]
    listed = said(bridge.database_url, "events", array_id)
    assert [one["id"][:26] for one in listed[:2]] == [array_id] * 2
    assert listed[1]["status"] == "quarantined"
    assert run(bridge.database_url, "events", "01" + "Z" * 24).returncode != 0


def test_more_than_eight_waiting_requests_are_answered_at_once(
    database_url: str, serve: Serve, segment: Receiver
) -> None:
    seconds, many = 6, MOST_WAITING + 4
    server = serve(database_url, segment, "--threads", str(many), BRIDGE_WORKER="external")

    def took(number: int) -> float:
        began = time.monotonic()
        response = server.post(redeems(f"user-{number}"), Prefer=f"wait={seconds}")
        assert (response.status_code, response.json()["status"]) == (202, "stored")
        assert "Preference-Applied" not in response.headers
        return time.monotonic() - began

    with ThreadPoolExecutor(many) as pool:
        durations = list(pool.map(took, range(many)))

    assert sum(one >= seconds for one in durations) == MOST_WAITING, durations


def test_while_no_worker_runs_messages_are_accepted_and_wait(
    database_url: str, serve: Serve, hire: Hire, segment: Receiver, books: Books
) -> None:
    server = serve(database_url, segment, BRIDGE_WORKER="external")
    began = time.monotonic()
    waited = server.post(redeems("first"), Prefer="wait=2")
    assert time.monotonic() - began >= 2
    assert (waited.status_code, waited.json()["status"]) == (202, "stored")
    ids = [waited.json()["id"], server.store(redeems("second")), server.store(redeems("second"))]
    nobody = {"worker": "no worker delivers to segment", "translation": "no worker translates webhooks"}
    until(lambda: server.checks() == nobody, "it is degraded, and still answers 200")
    for one in ids:
        told = said(database_url, "events", one)
        assert (told["entry"]["id"], told["entry"]["status"]) == (one, "pending")
    assert not books.events()

    hire(database_url, segment)

    books.wait_until_settled(2)
    segment.assert_once(["first", "second"])
    told = [said(database_url, "events", one)["entry"] for one in ids]
    assert [one["id"] for one in told] == [ids[0], ids[1], ids[1]]
    assert [one["status"] for one in told] == ["delivered"] * 3
    until(lambda: not server.checks(), "it is ready")
