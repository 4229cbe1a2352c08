"""Inputs that once failed at a door, or behind it."""

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sqlalchemy import make_url

from bridge.credentials import sign
from tests.acceptance.books import Books
from tests.acceptance.command import said
from tests.acceptance.conftest import Hire, Serve
from tests.acceptance.customers import redeems, users
from tests.acceptance.destination import Destination, identify, track
from tests.acceptance.pooler import Pooler
from tests.acceptance.process import WRITE_KEY
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import SEVERAL, WAIT, Server
from tests.acceptance.voucherify import Voucherify
from tests.acceptance.waiting import PATIENCE, until
from tests.webhooks import SECRET, encode, rollback, signed, webhook

KEYS = {"BRIDGE_WRITE_KEYS": WRITE_KEY, "SEGMENT_WEBHOOK_SECRET": SECRET}


def post_unredirected(server: Server, path: str, body: bytes, **headers: str) -> requests.Response:
    return requests.post(f"{server.root}{path}", data=body, headers=headers, timeout=PATIENCE, allow_redirects=False)


def with_write_key(server: Server, path: str, body: bytes) -> requests.Response:
    return requests.post(
        f"{server.root}{path}",
        data=body,
        headers={"Content-Type": "application/json; charset=UTF-8"},
        auth=(WRITE_KEY, ""),
        timeout=PATIENCE,
        allow_redirects=False,
    )


def test_a_slash_too_many_changes_nothing_at_any_door(
    sqlite_url: str, serve: Serve, segment: Receiver, voucherify: Voucherify
) -> None:
    """Answered 404, a webhook is switched off after twelve; Segment's library for Java always ends in one."""
    server, books = serve(sqlite_url, segment, voucherify, **KEYS), Books(sqlite_url)
    webhook_paths = ["/webhooks/voucherify/", "//webhooks/voucherify", "//webhooks//voucherify//"]
    for number, path in enumerate(webhook_paths):
        body = redeems(f"user-{number}")
        assert post_unredirected(server, path, body, **signed(body)).status_code == 202, path
    body = json.dumps({"type": "identify", "userId": "anna"}).encode()
    given = {"Content-Type": "application/json", "X-Signature": sign(body, SECRET)}
    assert post_unredirected(server, "/webhooks/segment/", body, **given).status_code == 200
    kinds = ["track", "identify", "page", "screen", "group", "alias", "t", "i", "p", "s", "g", "a"]
    event = b'{"userId": "anna", "event": "Paid", "groupId": "g", "previousId": "x"}'
    batch = b'{"batch": [{"type": "identify", "userId": "anna"}]}'
    for path, content in [*((kind, event) for kind in kinds), *((kind, batch) for kind in ("batch", "b", "import"))]:
        for before, after in (("/", ""), ("/", "/"), ("//", "/")):
            assert with_write_key(server, f"{before}v1/{path}{after}", content).status_code == 200, path
    destination = Destination(server.root)
    for name, told in (identify("anna"), track("anna")):
        assert destination.post((f"{name}/", told)).status_code == 200, name
    books.wait_until_translated()
    assert not books.events()["quarantined"]


def test_what_segments_library_for_java_posts_is_taken(sqlite_url: str, serve: Serve, voucherify: Voucherify) -> None:
    server = serve(sqlite_url, voucherify, **KEYS)
    body = (
        b'{"batch":[{"type":"identify","messageId":"j-1","userId":"java-1","timestamp":"2026-03-13T17:35:58.600Z",'
        b'"traits":{"name":"J"}}],"sentAt":"2026-03-13T17:35:59.000Z","context":{"library":{"name":"analytics-java"}}}'
    )
    assert with_write_key(server, "/v1/import/", body).json() == {"success": True}
    until(lambda: voucherify.project.customers.get("java-1", {}).get("name") == "J", "it arrives")


LONG, GOOD = 12, 108


def test_a_source_id_of_3000_characters_is_delivered_and_costs_no_other(
    database_url: str, serve: Serve, segment: Receiver, voucherify: Voucherify, books: Books
) -> None:
    server = serve(database_url, segment, voucherify, *SEVERAL)
    long = [secrets.token_urlsafe(2_250) for _ in range(LONG)]  # nothing that could be compressed
    names = users(GOOD)
    with ThreadPoolExecutor(8) as pool:
        posted = list(pool.map(server.post, [redeems(name, f"u{at}") for at, name in enumerate(names + long)]))
    assert {response.status_code for response in posted} == {202}
    Destination(server.root).accept(identify(long[0], name="First"), identify(long[0], name="Second"))

    books.wait_until_settled(LONG + GOOD + 2)

    assert books.deliveries().keys() == {"delivered"}
    segment.assert_once(names + long)
    assert voucherify.project.customers[long[0]]["name"] == "Second"
    found = said(database_url, "events", "--customer", long[1])
    assert [(one["customer"], one["status"]) for one in found] == [(long[1], "delivered")]
    assert len(said(database_url, "events", "--customer", long[0])) == 3
    assert said(database_url, "events", "--customer", long[0][:-1]) == []


@pytest.fixture
def pooled_url(postgres_url: str) -> Iterator[str]:
    url = make_url(postgres_url)
    pooler = Pooler(f"{url.query['host']}/.s.PGSQL.5432", str(url.database))
    yield f"postgresql://postgres@127.0.0.1:{pooler.port}/{url.database}"
    pooler.close()


def test_behind_a_pooler_in_transaction_mode(
    postgres_url: str, pooled_url: str, serve: Serve, hire: Hire, segment: Receiver
) -> None:
    """A statement that is prepared on one connection must not be used on another, which is another client's."""
    server = serve(pooled_url, segment, *SEVERAL, BRIDGE_WORKER="external")
    hire(pooled_url, segment)
    names = users(160)
    with ThreadPoolExecutor(16) as pool:
        posted = list(pool.map(lambda name: server.post(redeems(name)).status_code, names))
    assert posted == [202] * len(names)
    Books(postgres_url).wait_until_settled(len(names))
    segment.assert_once(names)
    assert "store unavailable" not in server.log


def test_a_webhook_of_another_version_says_what_to_set(sqlite_url: str, serve: Serve, segment: Receiver) -> None:
    redeemed = {"id": "r_2", "object": "redemption", "customer": {"id": "cust_1", "source_id": "u-1"}}
    body = encode(
        {
            "id": "event_Ab1",
            "object": "event",
            "webhook_id": "hook_1",
            "project_id": "proj_1",
            "created_at": "2026-03-13T17:35:58.600Z",
            "type": "redemption.succeeded",
            "data": {"object": redeemed},
            "metadata": {},
        }
    )
    outcome = serve(sqlite_url, segment).outcome(body)
    assert outcome["status"] == "quarantined"
    assert "v2024-01-01" in outcome["reason"]


def test_a_rollback_belongs_to_the_customer_of_its_redemption(sqlite_url: str, serve: Serve, segment: Receiver) -> None:
    nobodys: dict[str, Any] = {
        **rollback(customer=None, holder=None, redemption={"id": "r_1", "customer": {"id": "c", "source_id": "u-1"}}),
        "redemption_rollback": {"id": "rr_1", "object": "redemption_rollback", "amount": 500, "customer": None},
    }
    outcome = serve(sqlite_url, segment).outcome(encode(webhook("redemption.rollback.succeeded", nobodys)))
    assert outcome["status"] == "accepted"
    segment.wait_for(["u-1"])


DEPTHS = (*range(190, 210), *range(965, 985), 5_000)


@pytest.fixture(scope="module")
def refused_depths() -> list[bytes]:
    def nested(depth: int) -> bytes:
        return b'{"userId":"u","event":"E","properties":{"metadata":{"m":' + b"[" * depth + b"]" * depth + b"}}}"

    return [nested(depth) for depth in DEPTHS]


def test_what_is_nested_too_deeply_is_400_at_every_depth(
    sqlite_url: str, serve: Serve, voucherify: Voucherify, refused_depths: list[bytes]
) -> None:
    server = serve(sqlite_url, voucherify, **KEYS)
    for depth, event in zip(DEPTHS, refused_depths, strict=True):
        typed = event.replace(b"{", b'{"type":"track",', 1)
        given = {"Content-Type": "application/json", "X-Signature": sign(typed, SECRET)}
        answers = {
            "track": with_write_key(server, "/v1/track", event),
            "batch": with_write_key(server, "/v1/batch", b'{"batch":[' + typed + b"]}"),
            "webhook": post_unredirected(server, "/webhooks/segment", typed, **given),
        }
        statuses = {name: response.status_code for name, response in answers.items()}
        assert set(statuses.values()) == {400} or depth < 200, (depth, statuses)
        assert set(statuses.values()) <= {200, 400}, (depth, statuses)
    assert "unexpected error" not in server.log


def test_what_is_nested_as_deeply_as_is_taken_arrives(sqlite_url: str, serve: Serve, voucherify: Voucherify) -> None:
    server = serve(sqlite_url, voucherify, **KEYS)
    value: Any = "deep"
    for _ in range(150):
        value = [value]
    event = {"userId": "anna", "event": "Paid", "properties": {"metadata": {"m": value}}}
    response = requests.post(
        f"{server.root}/v1/track", json=event, auth=(WRITE_KEY, ""), headers=WAIT, timeout=PATIENCE
    )
    assert response.status_code == 200
    [outcome] = response.json()["results"]
    assert outcome["status"] in ("accepted", "quarantined")
    assert "unexpected error" not in server.log
