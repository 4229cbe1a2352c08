"""Segment's Voucherify (Actions) destination, served: the four calls, from the door to what Voucherify holds."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from flask import Response

from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve, serving
from tests.acceptance.destination import Destination, group, identify, track
from tests.acceptance.process import FAMILY_NAME, PHONE
from tests.acceptance.server import Server
from tests.acceptance.voucherify import Voucherify, answer
from tests.acceptance.waiting import until
from tests.demo.contract import Contract

FULL = {
    "name": "Anna of Malmö",
    "description": "came by train",
    "birthdate": "1990-05-01T10:00:00.000Z",
    "address": {"city": "Malmö", "state": None, "postal_code": "211 20", "street": "Storgatan 1", "country": "SE"},
    "metadata": {"tier": "gold", "visits": "7", "newsletter": "true", "left": None},
}
CARD = {"referral": {"code": "REF-1", "referrer_id": "ben-2"}, "loyalty": {"code": "CARD-7"}}


def test_the_four_calls_reach_voucherify(database_url: str, serve: Serve, voucherify: Voucherify, books: Books) -> None:
    destination = Destination(serve(database_url, voucherify).root)
    tested = destination.test()
    assert (tested.status_code, tested.json()["status"]) == (200, "accepted")

    destination.accept(
        identify("bare"),
        identify("full", **FULL),
        track("bare", metadata={"total": "49.5"}),
        track("full", "", type="page", **CARD),
        track("paged", "Viewed  Page", type="page"),
        group("full", plan="pro", seats="12"),
    )

    books.wait_until_settled(6)
    assert books.deliveries() == {"delivered": 6}
    customers = voucherify.project.customers
    assert customers["bare"] == {
        "source_id": "bare",
        "name": f"Anna bare {FAMILY_NAME}",
        "email": "bare@example.com",
        "phone": PHONE,
    }
    assert customers["full"] == {
        "source_id": "full",
        "name": "Anna of Malmö",
        "description": "came by train",
        "birthdate": "1990-05-01",
        "email": "full@example.com",
        "phone": PHONE,
        "address": {"city": "Malmö", "postal_code": "211 20", "line_1": "Storgatan 1", "country": "SE"},
        "metadata": {
            "tier": "gold",
            "visits": "7",
            "newsletter": "true",
            "group_id": "g-9",
            "group_plan": "pro",
            "group_seats": "12",
        },
    }
    events = {(one["customer"]["source_id"], one["event"]): one for one in voucherify.project.events}
    assert len(voucherify.project.events) == len(events) == 3
    assert {
        key: value for key, value in events["bare", "Order Completed"]["metadata"].items() if key != "bridge_id"
    } == {"total": "49.5"}
    assert not {"referral", "loyalty"} & events["bare", "Order Completed"].keys()
    assert {name: events["full", "page"][name] for name in CARD} == CARD
    assert events["paged", "Viewed  Page"]["customer"] == {"source_id": "paged", "email": "paged@example.com"}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('door') / 'bridge.db'}"


@pytest.fixture(scope="module")
def side(contract: Contract) -> Iterator[Voucherify]:
    side = Voucherify(contract)
    side.open()
    yield side
    side.close()
    problems, contract.problems = contract.problems, []
    assert not problems


@pytest.fixture(scope="module")
def server(database: str, side: Voucherify, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("serving")) as serve:
        yield serve(database, side)


@pytest.fixture
def destination(server: Server) -> Destination:
    return Destination(server.root)


@pytest.fixture
def nothing_stored(database: str, server: Server) -> Iterator[None]:
    before = Books(database).messages()
    yield
    assert Books(database).messages() == before


@pytest.fixture
def scripted(side: Voucherify) -> Iterator[Voucherify]:
    yield side
    side.script = None


def error(response: requests.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/json"
    told: dict[str, Any] = response.json()["error"]
    assert told.keys() == {"code", "message", "fields"}
    return told


@pytest.mark.parametrize("ending", ["", "/", "//", "/segmentio", "/segmentio/"], ids=lambda ending: ending or "none")
def test_whatever_the_custom_url_ends_in_every_call_arrives(ending: str, server: Server, side: Voucherify) -> None:
    destination, user = Destination(server.root + ending), f"user of {ending}"

    assert destination.test().status_code == 200
    destination.accept(identify(user), group(user), track(user))

    until(lambda: side.events()[user, "Order Completed"] == 1, "the last of them arrives")
    assert side.project.customers[user]["metadata"] == {"group_id": "g-9"}


@pytest.mark.usefixtures("nothing_stored")
class TestNothingIsStoredOf:
    @pytest.mark.parametrize(
        "wrong",
        [
            pytest.param({"app_id": "another"}, id="another application id"),
            pytest.param({"secret_key": "another"}, id="another secret key"),
            pytest.param({"app_id": "", "secret_key": ""}, id="empty keys"),
        ],
    )
    def test_calls_with_wrong_keys(self, wrong: dict[str, str], server: Server, side: Voucherify) -> None:
        before = len(side.calls())
        destination = Destination(server.root, **wrong)

        for response in (destination.test(), *map(destination.post, (identify("anna"), track("anna"), group("anna")))):
            assert error(response, 401)["code"] == "unauthorized"

        assert len(side.calls()) == before, "whoever has no keys makes the bridge call nobody"

    @pytest.mark.parametrize("missing", ["authorization", "secret-key"])
    def test_calls_without_a_key(self, missing: str, destination: Destination, server: Server) -> None:
        headers = {name: value for name, value in destination.headers().items() if name != missing}

        response = requests.post(
            f"{server.root}/segmentio/customer-processing", json=identify("anna")[1], headers=headers, timeout=30
        )

        assert error(response, 401)["code"] == "unauthorized"

    @pytest.mark.parametrize(
        ("call", "fields"),
        [
            pytest.param(("customer-processing", {}), {"source_id", "type"}, id="an upsert of nothing"),
            pytest.param(identify(""), {"source_id"}, id="an upsert with an empty source_id"),
            pytest.param(("event-processing", {}), {"customer", "type"}, id="an event of nothing"),
            pytest.param(track(""), {"customer.source_id"}, id="an event with an empty source_id"),
            pytest.param(
                track("anna", metadata="x"),
                {"metadata"},
                id="an event with metadata of a wrong type",
            ),
            pytest.param(("group-processing", {}), {"customer", "group_id", "type"}, id="a group of nothing"),
            pytest.param(group("", ""), {"customer.source_id", "group_id"}, id="a group with empty ids"),
            pytest.param(("customer-processing", []), {""}, id="an array: no batches"),
        ],
    )
    def test_a_call_that_violates_its_schema(
        self, call: tuple[str, Any], fields: set[str], destination: Destination
    ) -> None:
        told = error(destination.post(call), 400)

        assert told["fields"].keys() == fields
        assert all(told["fields"].values())
        assert all(name in told["message"] for name in fields)

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"source_id": NaN}'])
    def test_a_body_that_is_no_json(self, body: bytes, destination: Destination) -> None:
        headers = {"content-type": "application/json"}
        assert error(destination.request("POST", "customer-processing", body, **headers), 400)["code"] == "invalid"

    @pytest.mark.parametrize(
        ("method", "name", "content_type", "status"),
        [
            pytest.param("POST", "test-authentication", "application/json", 405, id="the test, posted"),
            pytest.param("GET", "customer-processing", "application/json", 405, id="a call, got"),
            pytest.param("PUT", "event-processing", "application/json", 405, id="a call, put"),
            pytest.param("POST", "other-processing", "application/json", 404, id="another path"),
            pytest.param("POST", "", "application/json", 404, id="no path"),
            pytest.param("POST", "event-processing", "text/plain", 415, id="a text"),
        ],
    )
    def test_what_is_no_call_of_the_destination(
        self, method: str, name: str, content_type: str, status: int, destination: Destination
    ) -> None:
        body = json.dumps(track("anna")[1]).encode()
        assert error(destination.request(method, name, body, **{"content-type": content_type}), status)["message"]

    def test_a_call_that_is_too_large(self, destination: Destination) -> None:
        too_large = identify("anna", description="x" * 1_048_576)
        assert error(destination.post(too_large), 413)["code"] == "request_entity_too_large"


class TestTheTestButton:
    @pytest.mark.parametrize(
        ("script", "status", "reason"),
        [
            pytest.param(lambda *_: answer(401), 401, "Voucherify does not accept these keys", id="wrong keys there"),
            pytest.param(lambda *_: answer(403), 401, "Voucherify does not accept these keys", id="forbidden there"),
            pytest.param(lambda *_: answer(500), 502, "Voucherify answers 500", id="500 there"),
            pytest.param(lambda *_: answer(429), 502, "Voucherify answers 429", id="429 there"),
            pytest.param(lambda *_: answer(302, Location="/"), 502, "Voucherify answers 302", id="a redirect there"),
        ],
    )
    def test_says_what_voucherify_says(
        self,
        script: Callable[..., Response],
        status: int,
        reason: str,
        destination: Destination,
        scripted: Voucherify,
    ) -> None:
        scripted.script = script
        assert error(destination.test(), status)["message"] == reason

    def test_says_that_voucherify_does_not_answer(
        self, sqlite_url: str, serve: Serve, voucherify_down: Voucherify
    ) -> None:
        destination = Destination(serve(sqlite_url, voucherify_down).root)
        assert error(destination.test(), 502)["message"] == "Voucherify answers nothing"
        destination.accept(identify("anna"))

    def test_a_call_is_stored_whatever_voucherify_says(
        self, database: str, destination: Destination, scripted: Voucherify
    ) -> None:
        scripted.script = lambda *_: answer(500)
        [event_id] = destination.accept(track("whoever"))
        assert Books(database).rows("SELECT customer FROM events WHERE id = :id", id=event_id) == [("whoever",)]


def test_a_message_id_in_the_metadata_tells_a_retry_and_is_taken_out_again(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    server = serve(database_url, voucherify)
    destination = Destination(server.root)
    paid = track("anna", "Paid", metadata={"messageId": "m-1", "total": "5"})
    [first] = destination.accept(paid)
    books.wait_until_settled(1)

    retried = [destination.outcome(paid) for _ in range(3)]
    destination.accept(track("anna", "Paid", metadata={"messageId": "m-2", "total": "5"}), identify("anna"))

    books.wait_until_settled(3)
    assert [(one["status"], one["id"]) for one in retried] == [("duplicate", first)] * 3
    assert voucherify.events() == {("anna", "Paid"): 2}
    assert [event["metadata"].keys() for event in voucherify.project.events] == [{"total", "bridge_id"}] * 2


def test_without_a_message_id_nothing_tells_a_retry(destination: Destination, side: Voucherify) -> None:
    destination.accept(track("twice"), track("twice"))
    until(lambda: side.events()["twice", "Order Completed"] == 2, "both are delivered")
