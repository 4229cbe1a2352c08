"""Door of Voucherify's webhooks, with Flask and a real database."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import unpack
from bridge.delivery.database.tables import deliveries, events, messages, pending
from bridge.delivery.process.crew import Crew
from bridge.demo.segment import SegmentStandIn
from bridge.demo.serving import Served
from bridge.settings import Settings, ToSegment
from bridge.to_segment.catalogue import EVENTS, Event
from bridge.web import create_app
from tests.delivery.arrivals import count, rows
from tests.delivery.patience import until
from tests.translating import translate, translating
from tests.webhooks import ANNA, DATA, SECRET, distribution, encode, redemption, signed, webhook

URL = "/webhooks/voucherify"
LIMIT = 200_000
MESSAGE = webhook("redemption.succeeded", redemption())

Make = Callable[..., Flask]


@pytest.fixture
def make(sqlite_url: str) -> Iterator[Make]:
    """Return a function that makes an application without deliveries."""
    made: list[Flask] = []

    def app(segment_host: str = "http://127.0.0.1:1", *, translates: bool = True, **changes: Any) -> Flask:
        settings = {
            "to_segment": ToSegment("write-key", segment_host, gzip=False, webhook_secrets=(SECRET, "the-next-secret")),
            "to_voucherify": None,
            "voucherify_url": "https://api.voucherify.io",
            "database_url": sqlite_url,
            "embedded_worker": False,
            "max_body_bytes": LIMIT,
            "max_age": 86_400.0,
        }
        made.append(create_app(Settings(**{**settings, **changes})))
        if translates:
            at_work.enter_context(translating(made[-1].extensions["bridge"]))
        return made[-1]

    with ExitStack() as at_work:
        yield app
    for one in made:
        one.extensions["bridge"].close()


def post(client: FlaskClient, body: bytes, headers: dict[str, str] | None = None) -> TestResponse:
    """Post a webhook, and wait for its outcome."""
    return client.post(URL, data=body, headers={"Prefer": "wait=10", **(headers or signed(body))})


def refused(response: Response, status: int, code: str) -> None:
    """Check the status and form of an error."""
    assert response.status_code == status
    assert response.mimetype == "application/json"
    assert response.json is not None
    assert response.json.keys() == {"error"}
    assert response.json["error"].keys() == {"code", "message", "fields"}
    assert response.json["error"]["code"] == code
    for secret in (SECRET, "the-next-secret", "write-key", "Traceback", "anna@example.com"):
        assert secret not in response.get_data(as_text=True)


# Accepted


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
@pytest.mark.parametrize("envelope", [webhook, distribution], ids=["project", "distribution"])
def test_each_event_is_accepted_and_stored(client: FlaskClient, stored: Database, event: Event, envelope: Any) -> None:
    body = encode(envelope(event.type, DATA[event.type]))
    response = post(client, body)
    assert response.status_code == 202
    [kept] = rows(stored, events)
    assert response.json == {"status": "accepted", "id": kept["id"], "event": event.name, "reason": None}
    assert unpack(rows(stored, messages)[0]["body"]) == body
    assert count(stored, deliveries) == 1


def test_a_repeat_is_a_duplicate_of_the_first(client: FlaskClient, stored: Database) -> None:
    first, second = post(client, encode(MESSAGE)).json, post(client, encode(MESSAGE)).json
    assert first is not None
    assert second == {**first, "status": "duplicate"}
    assert count(stored, deliveries) == 1


def test_what_was_spaced_on_the_way_is_authentic_and_stored_as_it_came(client: FlaskClient, stored: Database) -> None:
    sent = json.dumps(MESSAGE, indent=2, ensure_ascii=False).encode()
    assert post(client, sent, signed(encode(MESSAGE))).status_code == 202
    assert unpack(rows(stored, messages)[0]["body"]) == sent


def test_the_next_secret_is_valid_too(client: FlaskClient) -> None:
    assert post(client, encode(MESSAGE), signed(encode(MESSAGE), "the-next-secret")).status_code == 202


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8", "text/plain", "a/b/c", ""]
)
def test_whatever_it_calls_itself_it_is_accepted(client: FlaskClient, content_type: str) -> None:
    body = encode(MESSAGE)
    response = post(client, body, signed(body) | {"Content-Type": content_type})
    assert (response.status_code, response.json and response.json["status"]) == (202, "accepted")


def test_a_test_webhook_gets_its_2xx(client: FlaskClient) -> None:
    body = encode({"type": "webhook.test", "data": {}, "event": {"id": "ev_test", "type": "webhook.test"}})
    response = post(client, body)
    assert (response.status_code, response.json and response.json["status"]) == (202, "ignored")


def test_an_anonymous_event_is_ignored(client: FlaskClient, stored: Database) -> None:
    body = encode(webhook("rewarded", {"customer": None, "holder": ANNA}))
    response = post(client, body)
    assert response.status_code == 202
    assert response.json is not None
    assert (response.json["status"], response.json["reason"]) == ("ignored", "anonymous")
    assert count(stored, deliveries) == 0


# Requests that this door refuses


def test_a_body_of_just_the_limit_is_read(client: FlaskClient) -> None:
    assert post(client, b" " * LIMIT).status_code == 202


@pytest.mark.parametrize("path", [URL, f"{URL}/", f"/{URL}", "//webhooks//voucherify//"])
def test_a_slash_too_many_is_not_redirected(client: FlaskClient, path: str) -> None:
    body = encode(MESSAGE)
    given = {"PATH_INFO": path, "RAW_URI": path, "REQUEST_URI": path}
    assert client.post("/", data=body, headers=signed(body), environ_overrides=given).status_code == 202


def test_another_path_is_not_found(client: FlaskClient) -> None:
    refused(client.post("/webhooks/nobody"), 404, "not_found")


# Authentic, but unusable


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"a": "\xff"}', id="invalid UTF-8"),
        pytest.param(b'{"a": ', id="invalid JSON"),
        pytest.param(b'{"data": {"a": NaN}}', id="NaN"),
        pytest.param(b'{"data": {"a": -Infinity}}', id="Infinity"),
        pytest.param(b"[" * 100_000, id="100,000 levels deep"),
        pytest.param(b'{"data":' * 20_000 + b"1" + b"}" * 20_000, id="20,000 objects deep"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"{}", id="{}"),
        pytest.param(b"\x00", id="a NUL"),
        pytest.param(encode({"type": "redemption.succeeded"}), id="data missing"),
        pytest.param(encode(webhook("redemption.succeeded", {"customer": "anna"})), id="customer a text"),
        pytest.param(encode(webhook("redemption.succeeded", redemption(voucher=["v"]))), id="voucher a list"),
        pytest.param(encode({"hello": "designed by the operator"}), id="a raw payload"),
    ],
)
def test_what_is_authentic_but_unusable_is_quarantined_as_it_came(
    client: FlaskClient, stored: Database, body: bytes
) -> None:
    response = post(client, body)
    assert response.status_code == 202
    [kept] = rows(stored, events)
    assert response.json is not None
    assert response.json == {
        "status": "quarantined",
        "id": kept["id"],
        "event": kept["event"] or None,
        "reason": kept["reason"],
    }
    assert (kept["status"], unpack(rows(stored, messages)[0]["body"])) == ("quarantined", body)
    assert kept["reason"]
    assert count(stored, deliveries) == 0
    assert post(client, encode(MESSAGE)).status_code == 202


def test_the_same_event_with_other_data_is_quarantined(client: FlaskClient, stored: Database) -> None:
    post(client, encode(MESSAGE))
    response = post(client, encode(MESSAGE | {"data": redemption(order={"id": "another"})}))
    assert (response.status_code, response.json and response.json["status"]) == (202, "quarantined")
    assert count(stored, deliveries) == 1


@pytest.mark.parametrize(
    ("source_id", "user_id"),
    [
        pytest.param("7", "7", id="a number"),
        pytest.param(json.dumps("x" * 2_000), "x" * 2_000, id="2,000 characters"),
        pytest.param('"Ånna-名前"', "Ånna-名前", id="unicode"),
        pytest.param(r'"a\u0000b"', "a\N{REPLACEMENT CHARACTER}b", id="NUL"),
        pytest.param(r'"a\ud800b"', "a\N{REPLACEMENT CHARACTER}b", id="a lone surrogate"),
    ],
)
def test_any_source_id_is_stored_and_sent(client: FlaskClient, stored: Database, source_id: str, user_id: str) -> None:
    body = encode(MESSAGE).replace(b'"anna-1"', source_id.encode())
    response = post(client, body)
    assert (response.status_code, response.json and response.json["status"]) == (202, "accepted")
    [kept] = rows(stored, events)
    assert (kept["customer"], unpack(rows(stored, messages)[0]["body"])) == (user_id, body)
    assert json.loads(unpack(rows(stored, deliveries)[0]["payload"]))["userId"] == user_id


# Errors of the bridge


def test_a_lost_database_is_a_503_until_it_is_back(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    path.write_bytes(b"not a database " * 100)
    with capture_logs() as logs:
        client = make(database_url=f"sqlite:///{path}").test_client()
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["store unavailable"]
    for _ in range(2):
        refused(post(client, encode(MESSAGE)), 503, "unavailable")
    path.unlink()
    assert post(client, encode(MESSAGE)).status_code == 202


# Delivery


def test_the_embedded_worker_delivers_what_was_accepted(make: Make, stored: Database) -> None:
    segment = SegmentStandIn(write_key="write-key")
    with Served(segment.app()) as served:
        app = make(segment_host=served.url, embedded_worker=True, translates=False)
        assert post(app.test_client(), encode(MESSAGE)).get_json()["status"] == "accepted"
        until(lambda: segment.events)
        until(lambda: rows(stored, deliveries)[0]["status"] == "delivered")
        crew: Crew = app.extensions["bridge"].crew
        crew.stop()
    [event] = segment.events
    assert (event["event"], event["userId"]) == ("Customer Redemption Succeeded", "anna-1")


def test_with_an_external_worker_nothing_is_translated_or_sent_from_here(make: Make, stored: Database) -> None:
    client = make(embedded_worker=False, translates=False).test_client()
    assert client.post(URL, data=encode(MESSAGE), headers=signed(encode(MESSAGE))).status_code == 202
    assert (count(stored, pending), count(stored, events)) == (1, 0)
    translate(client.application.extensions["bridge"])
    assert (count(stored, pending), rows(stored, deliveries)[0]["status"]) == (0, "waiting")


# Requests that prefer to wait


@pytest.mark.parametrize(
    "prefer",
    [None, "", "wait", "wait=", "wait=0", "wait=-1", "wait=soon", "wait=1e3", "wait=\N{SUPERSCRIPT TWO}", "await=9"],
)
def test_who_does_not_prefer_to_wait_is_answered_once_it_is_stored(
    make: Make, stored: Database, prefer: str | None
) -> None:
    client = make(translates=False).test_client()
    headers = signed(encode(MESSAGE)) | ({} if prefer is None else {"Prefer": prefer})
    response = client.post(URL, data=encode(MESSAGE), headers=headers)
    [message] = rows(stored, messages)
    assert (response.status_code, response.json) == (202, {"status": "stored", "id": message["id"]})
    assert "Preference-Applied" not in response.headers
    assert (unpack(message["body"]), count(stored, pending), count(stored, events)) == (encode(MESSAGE), 1, 0)


@pytest.mark.parametrize("prefer", ["wait=10", "respond-async, wait=10", "Wait = 10", 'wait="10"; x=y, a', "wait=9999"])
def test_who_prefers_to_wait_is_answered_with_the_outcome(client: FlaskClient, prefer: str) -> None:
    response = client.post(URL, data=encode(MESSAGE), headers=signed(encode(MESSAGE)) | {"Prefer": prefer})
    assert (response.status_code, response.json and response.json["status"]) == (202, "accepted")
    assert response.headers["Preference-Applied"] == "wait"


def test_who_waits_in_vain_is_answered_in_time(make: Make) -> None:
    client = make(translates=False).test_client()
    began = time.monotonic()
    response = client.post(URL, data=encode(MESSAGE), headers=signed(encode(MESSAGE)) | {"Prefer": "wait=1"})
    assert 0.9 < time.monotonic() - began < 5
    assert (response.status_code, response.json and response.json["status"]) == (202, "stored")
    assert "Preference-Applied" not in response.headers
