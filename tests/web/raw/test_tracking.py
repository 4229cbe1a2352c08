"""Door of Segment's tracking API: stored events, answers, refusals."""

import gzip
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import unpack
from bridge.delivery.database.tables import deliveries, events, messages
from bridge.messages import EVENT_TYPES as TYPES
from bridge.operations.history import story
from bridge.settings import Settings
from bridge.to_voucherify.raw_events.posted import BATCH_BYTES, EVENT_BYTES, TOO_LARGE
from tests.delivery.arrivals import count, rows
from tests.to_voucherify.test_events import JSON, of_size
from tests.translating import shown, translate, translating
from tests.web.raw.applications import KEY, LIMIT, TRACK, Make, basic, encode, refused

SUCCESS = {"success": True}


def post(client: FlaskClient, path: str, value: Any, **headers: str) -> TestResponse:
    """Post a body, and translate the stored message."""
    response = send(client, path, value, **headers)
    if response.status_code == 200:
        translate(client.application.extensions["bridge"])
    return response


def send(client: FlaskClient, path: str, value: Any, **headers: str) -> TestResponse:
    given = {"Content-Type": "application/json", **basic(KEY), **headers}
    return client.post(path, data=encode(value), headers={name: text for name, text in given.items() if text})


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_has_its_path_and_is_stored_before_it_is_answered(
    client: FlaskClient, stored: Database, kind: str
) -> None:
    response = post(client, f"/v1/{kind}", {**TRACK, "groupId": "g", "previousId": "p"})
    [event] = rows(stored, events)
    assert (response.status_code, response.json) == (200, SUCCESS)
    assert (event["door"], event["direction"], event["customer"]) == (f"v1/{kind}", "to_voucherify", "anna-1")
    assert shown(stored, event["id"])["type"] == kind
    assert event["status"] == ("ignored" if kind == "alias" else "accepted")
    assert count(stored, deliveries) == (0 if kind == "alias" else 1)


@pytest.mark.parametrize(
    ("path", "door"),
    [(f"/v1/{kind[0]}", f"v1/{kind}") for kind in TYPES] + [("/v1/b", "v1/batch"), ("/v1/import", "v1/batch")],
)
def test_the_paths_that_libraries_use_instead(client: FlaskClient, stored: Database, path: str, door: str) -> None:
    value = {"batch": [{**TRACK, "type": "track"}]} if door == "v1/batch" else TRACK
    assert post(client, path, value).json == SUCCESS
    assert [row["door"] for row in rows(stored, events)] == [door]


LIBRARIES = {
    "analytics-java": "/v1/import/",
    "analytics-java before 3.1": "/v1/import",
    "analytics-ruby": "/v1/import",
    "Analytics.NET": "/v1/import",
    "analytics-go": "/v1/batch",
    "analytics-php": "/v1/batch",
    "analytics-python": "/v1/batch",
    "analytics-node": "/v1/batch",
    "analytics-kotlin": "/v1/b",
    "analytics-swift": "/v1/b",
    "Analytics-CSharp": "/v1/b",
    "analytics.js, batching": "/v1/b",
    "analytics.js": "/v1/t",
    "rudder-sdk-java, -go, -node, -ios, -android": "/v1/batch",
    "rudder-sdk-js": "/v1/track",
    "rudder-sdk-js, batching": "/v1/batch",
    "rudder-sdk-js, a page that is left": "/beacon/v1/batch",
}
"""Paths of each library, by its public sources.

They follow the host, or a host that ends in ``/v1``.
"""


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("typed", ["{}", "{}/", "/{}", "/{}//"])
def test_each_library_is_answered_at_its_path_however_its_host_is_typed(
    client: FlaskClient, library: str, typed: str
) -> None:
    path = LIBRARIES[library]
    is_batch = path.strip("/") not in ("v1/t", "v1/track")
    address = typed.format(path)
    given = {"PATH_INFO": address, "RAW_URI": address, "REQUEST_URI": address}
    value = {"batch": [{**TRACK, "type": "track"}]} if is_batch else TRACK
    response = client.post("/", json=value, headers=basic(KEY), environ_overrides=given)
    assert (response.status_code, response.json) == (200, SUCCESS)


@pytest.mark.parametrize(("key", "status"), [(KEY, 200), ("another", 401), ("", 401)])
def test_a_browser_that_leaves_a_page_sends_text_with_the_key_in_the_address(
    client: FlaskClient, stored: Database, key: str, status: int
) -> None:
    value = {"batch": [{**TRACK, "type": "track"}], "sentAt": "2031-01-01T00:00:00.000Z"}
    headers = {"Content-Type": "text/plain;charset=UTF-8", "Authorization": ""}
    assert post(client, f"/beacon/v1/batch?writeKey={key}", value, **headers).status_code == status
    assert count(stored, deliveries) == (status == 200)


HUGE = b'{"type": "track", "userId": "anna-1", "event": "E", "properties": {"n": 1e999}}'


def test_a_number_beyond_any_float_is_stored_and_quarantined_for_it(client: FlaskClient, stored: Database) -> None:
    assert post(client, "/v1/track", HUGE[:-1] + b', "writeKey": "x"}').json == SUCCESS
    [row] = rows(stored, events)
    assert (row["status"], row["reason"]) == ("quarantined", "a number is beyond any float")
    with stored.reading() as connection:
        assert b"writeKey" not in story(connection, row["id"]).body


def test_a_number_beyond_any_float_affects_its_own_event_alone(client: FlaskClient, stored: Database) -> None:
    first, last = (encode({**TRACK, "type": "track", "messageId": f"m-{number}"}) for number in (1, 2))
    assert post(client, "/v1/batch", b'{"batch": [%b, %b, %b]}' % (first, HUGE, last)).json == SUCCESS
    statuses = [row["status"] for row in sorted(rows(stored, events), key=lambda row: row["id"])]
    assert statuses == ["accepted", "quarantined", "accepted"]


def test_a_byte_order_mark_is_skipped(client: FlaskClient, stored: Database) -> None:
    assert post(client, "/v1/track", b"\xef\xbb\xbf" + encode(TRACK)).json == SUCCESS
    assert [row["status"] for row in rows(stored, events)] == ["accepted"]


def test_mobile_libraries_send_compressed_text_with_the_key_in_the_body(client: FlaskClient, stored: Database) -> None:
    packed = gzip.compress(encode({"batch": [{**TRACK, "type": "track"}], "writeKey": KEY}))
    headers = {"Content-Type": "text/plain", "Content-Encoding": "gzip", "Authorization": ""}
    assert post(client, "/v1/b", packed, **headers).json == SUCCESS
    assert count(stored, deliveries) == 1


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="a header"),
        pytest.param(basic("write-key-2"), id="another valid key"),
        pytest.param(basic(KEY, "a password"), id="with a password"),
    ],
)
def test_a_write_key_in_the_header_opens_the_door(client: FlaskClient, headers: dict[str, str]) -> None:
    assert post(client, "/v1/track", TRACK, **headers).status_code == 200


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
@pytest.mark.parametrize("authorization", ["", "Bearer token"])
def test_so_does_one_in_the_body_which_is_never_shown(
    client: FlaskClient, stored: Database, path: str, authorization: str
) -> None:
    item = {**TRACK, "type": "track", "writeKey": KEY}
    value = {"batch": [item], "writeKey": KEY} if path == "/v1/batch" else item
    assert post(client, path, value, Authorization=authorization).status_code == 200
    assert shown(stored, rows(stored, events)[0]["id"]) == {**TRACK, "type": "track"}


@pytest.mark.parametrize("value", [TRACK, {**TRACK, "writeKey": "another"}, {**TRACK, "writeKey": 5}, [], b"{", b""])
@pytest.mark.parametrize("headers", [{"Authorization": ""}, basic("another"), {"Authorization": "Basic ***"}])
def test_without_a_valid_one_nothing_is_stored(
    client: FlaskClient, stored: Database, value: Any, headers: dict[str, str]
) -> None:
    refused(post(client, "/v1/track", value, **headers), 401, "unauthorized")
    assert count(stored, messages) == 0


def test_an_event_is_accepted_once_and_a_retried_batch_adds_nothing(client: FlaskClient, stored: Database) -> None:
    batch = {"batch": [{"type": kind, "userId": "anna-1", "event": "X", "messageId": kind} for kind in TYPES] + [5]}
    for path, value in (("/v1/track", TRACK), ("/v1/track", {**TRACK, "sentAt": "later"}), ("/v1/batch", batch)):
        assert post(client, path, value).status_code == 200
    before = [{**row, "repeats": 0} for row in rows(stored, events)], rows(stored, deliveries)
    assert post(client, "/v1/batch", batch).status_code == 200
    assert ([{**row, "repeats": 0} for row in rows(stored, events)], rows(stored, deliveries)) == before
    assert [row["repeats"] for row in rows(stored, events)] == [1] * 8


def test_without_a_message_id_each_is_new(client: FlaskClient, stored: Database) -> None:
    for _ in range(2):
        post(client, "/v1/track", {**TRACK, "messageId": None})
    keys = [json.loads(row["key"]) for row in rows(stored, deliveries)]
    assert [row["id"] for row in rows(stored, events)] == [message_id for _, message_id in keys]
    assert len({message_id for _, message_id in keys}) == 2


def test_the_events_of_a_batch_are_events_of_their_own_in_its_order(client: FlaskClient, stored: Database) -> None:
    batch = [{"type": "track", "userId": f"u-{number % 7}", "event": f"E{number:03}"} for number in range(200)]
    assert post(client, "/v1/batch", {"batch": batch, "context": {"ip": "1.2.3.4"}}).json == SUCCESS
    kept = rows(stored, events)
    assert [row["event"] for row in kept] == [item["event"] for item in batch]
    assert [row["id"][26:] for row in kept] == [f"{place:04d}" for place in range(200)]
    assert shown(stored, kept[150]["id"]) == {**batch[150], "context": {"ip": "1.2.3.4"}}
    assert [json.loads(unpack(row["payload"]))["body"]["event"] for row in rows(stored, deliveries)] == [
        item["event"] for item in batch
    ]


def test_of_a_batch_what_means_nothing_is_recorded_with_the_reason(client: FlaskClient, stored: Database) -> None:
    batch = [{**TRACK, "type": "track"}, {"type": "track", "userId": "a"}, {"type": "track", "event": "X"}, "odd"]
    with capture_logs() as logs:
        assert post(client, "/v1/batch", {"batch": batch}).json == SUCCESS
    kept = rows(stored, events)
    assert [(row["status"], row["reason"]) for row in kept] == [
        ("accepted", ""),
        ("quarantined", "event: Missing."),
        ("quarantined", "userId: Missing, and so is anonymousId."),
        ("quarantined", "the event: Not an object."),
    ]
    [message] = rows(stored, messages)
    assert [line for line in logs if line["event"] == "translated" and line["status"] == "quarantined"] == [
        {
            "event": "translated",
            "direction": "to_voucherify",
            "event_name": row["event"],
            "status": "quarantined",
            "reason": row["reason"],
            "event_id": row["id"],
            "request_id": message["request_id"],
            "log_level": "warning",
        }
        for row in kept[1:]
    ]


@pytest.mark.parametrize(
    ("path", "value", "fields"),
    [
        ("/v1/track", {"userId": "a"}, {"event"}),
        ("/v1/track", {"event": "X"}, {"userId"}),
        ("/v1/page", {}, {"userId"}),
        ("/v1/identify", [], {""}),
        ("/v1/identify", b"{", {""}),
        ("/v1/identify", b"\xff", {""}),
        ("/v1/identify", b"[" * 100_000, {""}),
        ("/v1/batch", {}, {"batch"}),
        ("/v1/batch", b"null", {"batch"}),
        ("/v1/track", of_size(EVENT_BYTES + 1), {""}),
        ("/v1/batch", {"batch": [{}] * 2501}, {"batch"}),
        ("/v1/batch", {"batch": [], "padding": "x" * BATCH_BYTES}, {""}),
    ],
)
def test_what_segment_refuses_or_throws_away_is_refused(
    client: FlaskClient, stored: Database, path: str, value: Any, fields: set[str]
) -> None:
    assert refused(post(client, path, value), 400, "invalid").keys() == fields
    assert count(stored, messages) == 0


def test_a_wrong_event_of_a_batch_costs_no_other(client: FlaskClient, stored: Database) -> None:
    batch = [of_size(EVENT_BYTES + 1), {**TRACK, "type": "track"}, {}]
    assert post(client, "/v1/batch", {"batch": batch}).json == SUCCESS
    assert [row["status"] for row in rows(stored, events)] == ["quarantined", "accepted", "quarantined"]
    assert rows(stored, events)[0]["reason"] == TOO_LARGE


@pytest.mark.parametrize("path", ["/v1/page", "/v1/batch"])
def test_an_anonymous_event_is_ignored_with_the_reason(client: FlaskClient, stored: Database, path: str) -> None:
    anonymous = {"type": "page", "anonymousId": "nobody"}
    assert post(client, path, {"batch": [anonymous]} if path == "/v1/batch" else anonymous).json == SUCCESS
    [event] = rows(stored, events)
    assert event["status"] == "ignored"
    assert event["reason"].startswith("anonymous")


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
def test_who_prefers_to_wait_is_answered_with_what_became_of_each_event(
    client: FlaskClient, stored: Database, path: str
) -> None:
    batch = [{**TRACK, "type": "track"}, 5, {**TRACK, "type": "track"}]
    with translating(client.application.extensions["bridge"]):
        response = send(client, path, {"batch": batch} if path == "/v1/batch" else TRACK, Prefer="wait=10")
    ids = [row["id"] for row in rows(stored, events)]
    taken = {"status": "accepted", "id": ids[0], "event": "Order Completed", "reason": None}
    odd = {"status": "quarantined", "id": ids[-1], "event": None, "reason": "the event: Not an object."}
    results = [taken, odd, {**taken, "status": "duplicate"}] if path == "/v1/batch" else [taken]
    assert (response.status_code, response.json) == (200, {"success": True, "results": results})
    assert response.headers["Preference-Applied"] == "wait"


def test_who_waits_for_an_empty_batch_waits_for_nothing(client: FlaskClient) -> None:
    assert send(client, "/v1/batch", {"batch": []}, Prefer="wait=10").json == {"success": True, "results": []}


def test_an_empty_batch_is_a_success(client: FlaskClient, stored: Database) -> None:
    assert post(client, "/v1/batch", {"batch": []}).json == SUCCESS
    assert count(stored, events) == 0


# How it is sent


def test_a_compressed_body_is_unpacked(client: FlaskClient, stored: Database) -> None:
    packed = gzip.compress(encode(TRACK))
    assert post(client, "/v1/track", packed, **{"Content-Encoding": "gzip"}).status_code == 200
    assert unpack(rows(stored, messages)[0]["body"]) == encode(TRACK)
    assert count(stored, events) == 1


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        pytest.param(gzip.compress(b" " * LIMIT), "gzip", 400, id="as much as may be, of nothing"),
        pytest.param(gzip.compress(encode(TRACK))[:-9], "gzip", 400, id="cut"),
        pytest.param(gzip.compress(encode(TRACK)) + b"x", "gzip", 400, id="something behind it"),
        pytest.param(encode(TRACK), "gzip", 400, id="not compressed"),
        pytest.param(b"", "gzip", 400, id="empty"),
        pytest.param(encode(TRACK), "br", 415, id="another encoding"),
        pytest.param(encode(TRACK), "gzip, gzip", 415, id="twice"),
    ],
)
def test_a_body_that_is_badly_compressed_is_refused(
    client: FlaskClient, stored: Database, body: bytes, encoding: str, status: int
) -> None:
    assert post(client, "/v1/track", body, **{"Content-Encoding": encoding}).status_code == status
    assert count(stored, messages) == 0


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "text/plain", "text/plain;charset=UTF-8"])
def test_json_may_be_sent_as_text_as_browsers_do(client: FlaskClient, kind: str) -> None:
    assert post(client, "/v1/t", TRACK, **{"Content-Type": kind}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/track", "/v1/t", "/v1/b", "/v1/batch"])
def test_a_browser_may_post_from_any_site(client: FlaskClient, path: str) -> None:
    asked = client.options(
        path, headers={"Origin": "https://shop.example.com", "Access-Control-Request-Method": "POST"}
    )
    assert asked.status_code == 200
    assert asked.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    allowed = {name.strip().lower() for name in asked.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"authorization", "content-type", "x-retry-count"} <= allowed


@pytest.mark.parametrize(("value", "status"), [(TRACK, 200), ({}, 400), (b"{", 400)])
def test_it_may_read_every_answer(client: FlaskClient, value: Any, status: int) -> None:
    response = post(client, "/v1/track", value)
    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (status, "*")


def test_no_other_door_is_open_to_browsers(client: FlaskClient) -> None:
    assert "Access-Control-Allow-Origin" not in client.options("/segmentio/customer-processing").headers


def test_without_write_keys_there_is_no_door(make: Make) -> None:
    client = make(write_keys=()).test_client()
    refused(post(client, "/v1/track", TRACK), 404, "not_found")


@given(
    st.sampled_from([*(f"/v1/{kind}" for kind in TYPES), "/v1/batch"]),
    JSON | st.fixed_dictionaries({"batch": st.lists(JSON, max_size=4)}, optional={"context": JSON}),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
def test_no_json_is_answered_with_a_5xx(client: FlaskClient, path: str, value: Any) -> None:
    assert post(client, path, value).status_code in (200, 400)


def test_settings_hide_the_keys(make: Make) -> None:
    shown: Settings = make().extensions["bridge"].settings
    assert KEY not in repr(shown)
