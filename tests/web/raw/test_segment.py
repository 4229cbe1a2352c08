"""Door of Segment's webhooks: senders, single events and arrays, answers."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from werkzeug.test import TestResponse

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import deliveries, events, messages
from tests.delivery.arrivals import count, rows
from tests.to_voucherify.test_events import JSON
from tests.translating import translate, translating
from tests.web.raw.applications import SECRET, TRACK, Make, basic, encode, refused, signed

URL = "/webhooks/segment"
EVENT = {**TRACK, "type": "track", "properties": {"name": "Öl"}}
OTHER = {**EVENT, "messageId": "m-2"}
TOLD = {"X-Bridge-Secret": SECRET}


def post(client: FlaskClient, value: Any, *headers: dict[str, str]) -> TestResponse:
    """Post a body, and wait for its outcome."""
    with translating(client.application.extensions["bridge"]):
        return send(client, value, {"Prefer": "wait=10"}, *headers)


def send(client: FlaskClient, value: Any, *headers: dict[str, str]) -> TestResponse:
    given = {name: text for some in headers for name, text in some.items()}
    return client.post(URL, data=encode(value), headers={"Content-Type": "application/json", **given})


def test_a_signed_event_is_stored_and_answered_for(client: FlaskClient, stored: Database) -> None:
    response = post(client, EVENT, signed(EVENT))
    [event] = rows(stored, events)
    assert (response.status_code, response.json) == (
        200,
        {"status": "accepted", "id": event["id"], "event": "Order Completed", "reason": None},
    )
    assert (event["door"], event["customer"], count(stored, deliveries)) == ("webhooks/segment", "anna-1", 1)


def test_an_event_is_accepted_once_at_all_doors(client: FlaskClient, stored: Database) -> None:
    first = post(client, EVENT, signed(EVENT, "the-next-one")).json
    again = post(client, EVENT, signed(EVENT)).json
    assert client.post("/v1/track", json=TRACK, headers=basic("write-key-1")).status_code == 200
    translate(client.application.extensions["bridge"])
    assert (first and first["status"], again and again["status"]) == ("accepted", "duplicate")
    assert count(stored, deliveries) == 1


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(TOLD, id="a header"),
        pytest.param(basic("segment", SECRET), id="a password"),
        pytest.param(basic("", "the-next-one"), id="another valid one"),
    ],
)
def test_an_array_is_signed_for_its_first_event_and_needs_the_secret_itself(
    client: FlaskClient, stored: Database, told: dict[str, str]
) -> None:
    response = post(client, [EVENT, OTHER, 5, EVENT], signed(EVENT), told)
    assert [one["status"] for one in response.json or ()] == ["accepted", "accepted", "quarantined", "duplicate"]
    assert [row["status"] for row in rows(stored, events)] == ["accepted", "accepted", "quarantined"]


def test_a_signature_of_the_whole_array_will_do_as_well(client: FlaskClient) -> None:
    assert post(client, [EVENT, OTHER], signed([EVENT, OTHER]), TOLD).status_code == 200
    for opening in (b" [ \n", b"\xef\xbb\xbf["):
        assert post(client, opening + b'{"a":1} ]', signed(b'{"a":1}'), TOLD).status_code == 200


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        pytest.param(EVENT, [], id="nothing"),
        pytest.param(EVENT, [signed(EVENT, "another")], id="another secret"),
        pytest.param(EVENT, [signed(OTHER)], id="another event's signature"),
        pytest.param(EVENT, [TOLD], id="the secret alone"),
        pytest.param(EVENT, [{"X-Signature": "x"}, TOLD], id="a wrong signature with the secret"),
        pytest.param([EVENT, OTHER], [signed(EVENT)], id="an array with its signature alone"),
        pytest.param([EVENT, OTHER], [signed(EVENT), basic(SECRET)], id="the secret as a user"),
        pytest.param(
            [EVENT, OTHER], [signed(EVENT), {"X-Bridge-Secret": "another"}], id="another secret in the header"
        ),
        pytest.param([EVENT, OTHER], [signed(OTHER), TOLD], id="an array signed for its second event"),
        pytest.param([], [signed([])], id="an empty array without the secret"),
        pytest.param(b"[", [signed(b"")], id="an array that cannot be read, signed as nothing"),
        pytest.param(b" \n[" + encode(EVENT) + b"]", [signed(EVENT)], id="an array after white space"),
        pytest.param(b"[" * 100_000, [signed(b"")], id="deep"),
    ],
)
def test_what_is_not_vouched_for_is_not_stored(
    client: FlaskClient, stored: Database, value: Any, headers: list[dict[str, str]]
) -> None:
    refused(send(client, value, *headers), 401, "unauthorized")
    assert count(stored, messages) == 0


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ({"type": "track", "userId": "a"}, {"event"}),
        ({"type": "track", "event": "X"}, {"userId"}),
        ({"userId": "a"}, {"type"}),
        ("text", {""}),
        (b"{", {""}),
        (b"\xff", {""}),
        (b"", {""}),
    ],
)
def test_a_single_event_that_means_nothing_is_refused(
    client: FlaskClient, stored: Database, value: Any, fields: set[str]
) -> None:
    assert refused(send(client, value, signed(value)), 400, "invalid").keys() == fields
    assert count(stored, messages) == 0


def test_who_does_not_wait_is_answered_once_it_is_stored(client: FlaskClient, stored: Database) -> None:
    responses = [send(client, EVENT, signed(EVENT)), send(client, [EVENT, 5], signed(EVENT), TOLD)]
    ids = [row["id"] for row in rows(stored, messages)]
    assert [one.json for one in responses] == [{"status": "stored", "id": one} for one in ids]
    assert [one.status_code for one in responses] == [200, 200]
    assert count(stored, events) == 0


def test_more_events_than_segment_sends_at_once_are_refused(client: FlaskClient) -> None:
    many: list[dict[str, str]] = [{}] * 4001
    refused(post(client, many, signed({}), TOLD), 400, "invalid")


def test_an_empty_array_is_nothing_to_do(client: FlaskClient) -> None:
    assert post(client, [], signed([]), TOLD).json == []


@pytest.mark.parametrize("path", [f"{URL}/", f"/{URL}", "//webhooks//segment//"])
def test_a_slash_too_many_is_not_redirected(client: FlaskClient, path: str) -> None:
    given = {"PATH_INFO": path, "RAW_URI": path, "REQUEST_URI": path}
    headers = {"Content-Type": "application/json", **signed(EVENT)}
    response = client.post("/", data=encode(EVENT), headers=headers, environ_overrides=given)
    assert response.status_code == 200


def test_without_a_secret_there_is_no_door(make: Make) -> None:
    client = make(event_secrets=()).test_client()
    refused(post(client, EVENT, signed(EVENT, "")), 404, "not_found")


@given(JSON)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
def test_no_json_is_answered_with_a_5xx(client: FlaskClient, value: Any) -> None:
    first = signed(value[0]) if isinstance(value, list) and value else signed(value)
    assert send(client, value, first, TOLD).status_code in (200, 400)
    translate(client.application.extensions["bridge"])


def test_a_number_beyond_any_float_is_stored_and_quarantined_for_it(client: FlaskClient, stored: Database) -> None:
    body = b'{"type": "track", "userId": "anna-1", "event": "E", "properties": {"n": 1e999}}'
    assert post(client, body, signed(body)).status_code == 200
    assert [row["reason"] for row in rows(stored, events)] == ["a number is beyond any float"]
