"""Limits of write keys: types, rates, and ``messageId``s of their own."""

from collections.abc import Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import deliveries, events, messages, seen
from bridge.messages import Outgoing
from bridge.translation.deciding import CONTRADICTION, outgoing_key
from bridge.write_keys import parse
from tests.delivery.arrivals import count, rows
from tests.translating import translate
from tests.web.raw.applications import KEY, TRACK, Make, basic, encode, refused

BROWSER = "browser-key"
ITEM = {**TRACK, "type": "track"}


@pytest.fixture
def client(make: Make) -> FlaskClient:
    return make(write_keys=tuple(map(parse, (KEY, f"{BROWSER}:track+page:5/h")))).test_client()


@pytest.fixture
def stored(client: FlaskClient) -> Database:
    return client.application.extensions["bridge"].database  # type: ignore[no-any-return] # Flask's extensions are Any


def post(client: FlaskClient, path: str, value: Any, key: str = BROWSER, address: str = "192.0.2.1") -> Any:
    response = client.post(
        path,
        data=encode(value),
        content_type="application/json",
        headers=basic(key),
        environ_base={"REMOTE_ADDR": address},
    )
    translate(client.application.extensions["bridge"])
    return response


def outcomes(stored: Database) -> Sequence[tuple[str, str]]:
    return [(row["status"], row["reason"]) for row in rows(stored, events)]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/v1/identify", {"userId": "anna-1"}),
        ("/v1/i", {"userId": "anna-1", "type": "track", "event": "X"}),
        ("/v1/batch", {"batch": [{"type": "identify", "userId": "anna-1"}, {"type": "group", "userId": "anna-1"}]}),
        ("/v1/batch", {"batch": [{"type": "identify", "userId": "anna-1"}, 5, {"type": "unknown"}]}),
    ],
)
def test_a_key_sends_only_its_types(client: FlaskClient, stored: Database, path: str, value: Any) -> None:
    refused(post(client, path, value), 403, "forbidden")
    assert count(stored, messages) == 0
    assert post(client, path, value, KEY).status_code == 200


def test_of_a_mixed_batch_the_other_types_are_quarantined(client: FlaskClient, stored: Database) -> None:
    batch = [{"type": "identify", "userId": "eve-1", "traits": {"email": "x@example.com"}}, ITEM]
    assert post(client, "/v1/batch", {"batch": batch}).status_code == 200
    assert outcomes(stored) == [("quarantined", "its write key may not send identify"), ("accepted", "")]
    assert count(stored, deliveries) == 1


def test_a_rate_is_of_one_address_and_says_when_it_ends(client: FlaskClient, stored: Database) -> None:
    for number in range(5):
        assert post(client, "/v1/track", {**TRACK, "messageId": f"m-{number}"}).status_code == 200
    response = post(client, "/v1/track", TRACK)
    refused(response, 429, "too_many_requests")
    assert 0 < int(response.headers["Retry-After"]) <= 3600
    assert count(stored, messages) == 5
    assert post(client, "/v1/track", TRACK, address="192.0.2.2").status_code == 200
    assert post(client, "/v1/track", TRACK, KEY).status_code == 200


def test_behind_a_proxy_the_rate_is_of_the_client(client: FlaskClient) -> None:
    def status(client_address: str, peer: str) -> int:
        headers = {**basic(BROWSER), "X-Forwarded-For": client_address}
        return client.post("/v1/track", json=TRACK, headers=headers, environ_base={"REMOTE_ADDR": peer}).status_code

    assert [status("192.0.2.1", "127.0.0.1") for _ in range(6)] == [200] * 5 + [429]
    assert status("192.0.2.2", "127.0.0.1") == 200
    # A client that names another address itself is its own address.
    assert [status(f"192.0.2.{number}", "198.51.100.1") for number in range(6)] == [200] * 5 + [429]


def test_a_batch_counts_its_events(client: FlaskClient) -> None:
    assert post(client, "/v1/batch", {"batch": [{**ITEM, "messageId": f"m-{number}"} for number in range(6)]}).json
    refused(post(client, "/v1/track", TRACK), 429, "too_many_requests")


def test_an_event_of_one_key_never_replaces_another_keys(client: FlaskClient, stored: Database) -> None:
    assert post(client, "/v1/track", {**TRACK, "event": "Forged"}).status_code == 200
    assert post(client, "/v1/track", {**TRACK, "event": "Order Completed"}, KEY).status_code == 200
    assert outcomes(stored) == [("accepted", "")] * 2
    assert count(stored, deliveries) == 2


def test_the_same_id_with_other_content_is_quarantined(client: FlaskClient, stored: Database) -> None:
    post(client, "/v1/track", {**TRACK, "properties": {"total": 1}}, KEY)
    post(client, "/v1/track", {**TRACK, "properties": {"total": 2}}, KEY)
    first, _ = (row["id"] for row in rows(stored, events))
    assert outcomes(stored) == [("accepted", ""), ("quarantined", f"{CONTRADICTION}, as {first}")]
    assert count(stored, deliveries) == 1


@pytest.mark.parametrize("of_a_try", ["sentAt", "receivedAt", "_metadata"])
def test_a_librarys_retry_is_a_duplicate(client: FlaskClient, stored: Database, of_a_try: str) -> None:
    post(client, "/v1/track", TRACK, KEY)
    post(client, "/v1/track", {**TRACK, of_a_try: "of the second try", "writeKey": KEY}, KEY)
    assert [(row["status"], row["repeats"]) for row in rows(stored, events)] == [("accepted", 1)]


def test_an_ignored_event_is_identified_by_its_content_too(client: FlaskClient, stored: Database) -> None:
    alias = {"type": "alias", "userId": "anna-1", "previousId": "p", "messageId": "m-9"}
    for value in (alias, alias, {**alias, "previousId": "q"}):
        post(client, "/v1/alias", value, KEY)
    assert [(row["status"], row["repeats"]) for row in rows(stored, events)] == [("ignored", 1), ("quarantined", 0)]


def test_what_an_older_version_has_seen_stays_a_duplicate(client: FlaskClient, stored: Database) -> None:
    post(client, "/v1/track", TRACK, KEY)
    [made] = rows(stored, deliveries)
    with stored.writing() as connection:  # version 0.2.0: one mark for all keys, without a digest of the content
        connection.execute(seen.delete())
        shared = outgoing_key(Outgoing("voucherify", made["key"], b""))
        connection.execute(
            seen.insert().values(key=shared, digest=b"", event_id=made["event_id"], at=made["created_at"])
        )
    for key in (KEY, BROWSER):
        post(client, "/v1/track", {**TRACK, "properties": {"other": True}}, key)
    assert count(stored, deliveries) == 1
