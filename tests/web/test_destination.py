"""Calls of Segment's destination, with a Voucherify that answers."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import unpack
from bridge.delivery.database.tables import deliveries, events, messages
from bridge.demo.calls import CALLS, credentials
from bridge.demo.serving import Served
from bridge.demo.voucherify import VoucherifyStandIn
from bridge.settings import Settings, ToSegment, ToVoucherify
from bridge.web import create_app
from tests.delivery.arrivals import count, rows
from tests.delivery.patience import until
from tests.translating import translating

APP_ID, SECRET_KEY = "the-app-id", "the-secret-key"
KEYS = credentials(APP_ID, SECRET_KEY)
TEST = "/segmentio/test-authentication"
TITLES = {
    "customer-processing": "Upsert Customer",
    "event-processing": "Add Custom Event",
    "group-processing": "Assign Customer To Group",
}
TO_SEGMENT = ToSegment("write-key", "http://127.0.0.1:1", gzip=False, webhook_secrets=("secret",))
WRONG_KEYS = [
    pytest.param({"Secret-Key": KEYS["Secret-Key"]}, id="no Authorization"),
    pytest.param({"Authorization": KEYS["Authorization"]}, id="no Secret-Key"),
    pytest.param(credentials(APP_ID, "another"), id="another Secret Key"),
    pytest.param(credentials("another", SECRET_KEY), id="another Application ID"),
    pytest.param(credentials(SECRET_KEY, APP_ID), id="the wrong way round"),
]

Make = Callable[..., Flask]


@pytest.fixture
def voucherify() -> VoucherifyStandIn:
    return VoucherifyStandIn(APP_ID, SECRET_KEY)


@pytest.fixture
def make(sqlite_url: str, voucherify: VoucherifyStandIn) -> Iterator[Make]:
    made: list[Flask] = []

    def app(**changes: Any) -> Flask:
        settings = {
            "to_segment": None,
            "to_voucherify": ToVoucherify(APP_ID, SECRET_KEY, rate_limit=None),
            "voucherify_url": served.url,
            "database_url": sqlite_url,
            "embedded_worker": False,
            "max_body_bytes": 200_000,
            "max_age": 86_400.0,
        }
        made.append(create_app(Settings(**{**settings, **changes})))
        if not changes.get("embedded_worker"):
            at_work.enter_context(translating(made[-1].extensions["bridge"]))
        return made[-1]

    with Served(voucherify.app()) as served:
        with ExitStack() as at_work:
            yield app
        for one in made:
            one.extensions["bridge"].close()


def post(client: FlaskClient, path: str, body: Any, headers: Any = KEYS) -> TestResponse:
    """Post a call, and wait for its outcome."""
    return send(client, path, body, {"Prefer": "wait=10", **headers})


def send(client: FlaskClient, path: str, body: Any, headers: Any = KEYS) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return client.post(path, data=data, headers={"Content-Type": "application/json", **headers})


def refused(response: TestResponse, status: int, code: str) -> dict[str, str]:
    """Check the status and form of an error, and return the fields it names."""
    assert response.status_code == status
    assert response.json is not None
    assert response.json["error"]["code"] == code
    for secret in (APP_ID, SECRET_KEY, "Traceback", "ada@example.com"):
        assert secret not in response.get_data(as_text=True)
    fields: dict[str, str] = response.json["error"]["fields"]
    return fields


@pytest.mark.parametrize("kind", CALLS)
def test_each_kind_of_call_is_accepted_once_it_is_stored(client: FlaskClient, stored: Database, kind: str) -> None:
    path, body = CALLS[kind]
    response = post(client, f"/segmentio/{path}", body)
    [event], [delivery] = rows(stored, events), rows(stored, deliveries)
    assert response.status_code == 200
    assert response.json == {"status": "accepted", "id": event["id"], "event": TITLES[path], "reason": None}
    assert json.loads(unpack(rows(stored, messages)[0]["body"])) == body
    assert (event["door"], event["direction"]) == (f"segmentio/{path}", "to_voucherify")
    assert (delivery["lane"], delivery["sink"], delivery["key"]) == ("ada-1815", "voucherify", event["id"])
    assert delivery["mergeable"] is (kind in ("identify", "group"))


def test_who_does_not_wait_is_answered_once_it_is_stored(client: FlaskClient, stored: Database) -> None:
    response = send(client, "/segmentio/customer-processing", CALLS["identify"][1])
    assert (response.status_code, response.json) == (200, {"status": "stored", "id": rows(stored, messages)[0]["id"]})


def test_a_call_that_says_nothing_of_itself_is_always_new(client: FlaskClient, stored: Database) -> None:
    path, body = CALLS["track"]
    answers = [post(client, f"/segmentio/{path}", body).json for _ in range(2)]
    assert [one and one["status"] for one in answers] == ["accepted", "accepted"]
    assert count(stored, deliveries) == 2


def test_a_call_with_a_message_id_is_accepted_once_for_each_action(client: FlaskClient, stored: Database) -> None:
    metadata = {"metadata": {"messageId": "m-1"}}
    kinds = ("track", "track", "identify", "identify")
    answers = [post(client, f"/segmentio/{CALLS[kind][0]}", {**CALLS[kind][1], **metadata}).json for kind in kinds]
    assert [one and one["status"] for one in answers] == ["accepted", "duplicate", "accepted", "duplicate"]
    assert [one and one["id"] for one in answers][::2] == [one and one["id"] for one in answers][1::2]
    assert sorted(row["key"] for row in rows(stored, deliveries)) == ["add_custom_event:m-1", "upsert_customer:m-1"]


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        pytest.param("customer-processing", {}, {"source_id", "type"}, id="nothing"),
        pytest.param("customer-processing", {"source_id": "", "type": "t"}, {"source_id"}, id="an empty user id"),
        pytest.param(
            "customer-processing",
            {"source_id": ["a", "b"], "type": {"is": "t"}},
            {"source_id", "type"},
            id="wrong types",
        ),
        pytest.param("event-processing", {"type": "track"}, {"customer"}, id="no customer"),
        pytest.param("event-processing", {"customer": {}, "type": "t"}, {"customer.source_id"}, id="no user id"),
        pytest.param("group-processing", {"customer": {"source_id": "a"}, "type": "t"}, {"group_id"}, id="no group"),
        pytest.param("group-processing", [], {""}, id="a list"),
        pytest.param("group-processing", b"{", {""}, id="no JSON"),
        pytest.param("group-processing", b"[" * 100_000, {""}, id="100,000 levels deep"),
        pytest.param("group-processing", b"\xff", {""}, id="no UTF-8"),
    ],
)
def test_a_call_that_its_action_cannot_use_is_refused_by_field(
    client: FlaskClient, stored: Database, path: str, body: Any, fields: set[str]
) -> None:
    assert refused(post(client, f"/segmentio/{path}", body), 400, "invalid").keys() == fields
    assert count(stored, messages) == 0


# The test button


def test_right_keys_are_tried_there_too(client: FlaskClient, voucherify: VoucherifyStandIn) -> None:
    response = client.get(TEST, headers=KEYS)
    assert (response.status_code, response.json and response.json["status"]) == (200, "accepted")
    assert [(one.method, one.path) for one in voucherify.calls] == [("GET", "/v1/customers")]


@pytest.mark.parametrize("headers", WRONG_KEYS)
def test_wrong_keys_are_not_tried_there(client: FlaskClient, voucherify: VoucherifyStandIn, headers: Any) -> None:
    refused(client.get(TEST, headers=headers), 401, "unauthorized")
    assert voucherify.calls == []


def test_keys_that_voucherify_refuses_are_refused(client: FlaskClient, voucherify: VoucherifyStandIn) -> None:
    voucherify.secret_key = "rotated"
    refused(client.get(TEST, headers=KEYS), 401, "unauthorized")


def test_a_voucherify_in_trouble_is_a_502_with_the_reason(client: FlaskClient, voucherify: VoucherifyStandIn) -> None:
    voucherify.fault = lambda *_: Response("down", 503)
    response = client.get(TEST, headers=KEYS)
    refused(response, 502, "bad_gateway")
    assert "Voucherify answers 503" in response.get_data(as_text=True)


# Directions, and delivery


def test_both_directions_side_by_side(make: Make) -> None:
    app = make(to_segment=TO_SEGMENT)
    refused(app.test_client().post("/webhooks/voucherify"), 401, "unauthorized")
    assert app.test_client().get(TEST, headers=KEYS).status_code == 200
    assert [one.sink.name for one in app.extensions["bridge"].crew.workers] == ["segment", "voucherify"]


def test_a_direction_that_is_off_has_no_worker(make: Make) -> None:
    here, there = make(), make(to_segment=TO_SEGMENT, to_voucherify=None)
    refused(here.test_client().post("/webhooks/voucherify"), 404, "not_found")
    refused(there.test_client().get(TEST, headers=KEYS), 404, "not_found")
    assert [one.sink.name for one in here.extensions["bridge"].crew.workers] == ["voucherify"]
    assert [one.sink.name for one in there.extensions["bridge"].crew.workers] == ["segment"]


@pytest.mark.parametrize("rate_limit", [None, 60_000.0], ids=["no budget", "a budget"])
def test_the_embedded_worker_delivers_what_was_accepted(
    make: Make, stored: Database, voucherify: VoucherifyStandIn, rate_limit: float | None
) -> None:
    app = make(to_voucherify=ToVoucherify(APP_ID, SECRET_KEY, rate_limit), embedded_worker=True)
    for path, body in CALLS.values():
        assert post(app.test_client(), f"/segmentio/{path}", body).status_code == 200
    until(lambda: {row["status"] for row in rows(stored, deliveries)} == {"delivered"})
    assert voucherify.project.customers["ada-1815"]["metadata"]["group_id"] == "book-club"
    assert [call.body["event"] for call in voucherify.calls if call.path == "/v1/events"] == [
        "Book Ordered",
        "Viewed Bestsellers Page",
        "Viewed Basket Screen",
    ]
