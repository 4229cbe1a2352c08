"""Raw events, from Segment's own libraries and as its webhooks post them, all the way to what Voucherify holds."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from bridge.credentials import sign
from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve
from tests.acceptance.libraries import LIBRARIES, Call
from tests.acceptance.process import FAMILY_NAME, PHONE, WRITE_KEY
from tests.acceptance.server import Server
from tests.acceptance.voucherify import Voucherify
from tests.acceptance.waiting import PATIENCE
from tests.webhooks import SECRET

DOORS = {"BRIDGE_WRITE_KEYS": WRITE_KEY, "SEGMENT_WEBHOOK_SECRET": SECRET}
EVENTS = ["Paid", "Viewed Home Page", "Viewed Basket Screen"]


def calls_of(user: str) -> list[Call]:
    """One of each of the six types; a seventh comes of Engage."""
    traits = {
        "first_name": "Anna",
        "last_name": FAMILY_NAME,
        "email": f"{user}@example.com",
        "phone": PHONE,
        "birthdate": "1990-05-01T00:00:00.000Z",
        "address": {"city": "Malmö", "street": "Storgatan 1", "state": None},
        "metadata": {"tier": "gold", "visits": 7},
    }
    computed = {"personas": {"computation_key": "big_spender", "computation_class": "audience"}}
    paid = {"email": f"{user}@example.com", "loyalty": {"code": "CARD-7"}, "metadata": {"total": 49.5, "coupon": "ö"}}
    return [
        ("identify", {"userId": user, "traits": traits}),
        ("track", {"userId": user, "event": "Paid", "properties": paid}),
        ("page", {"userId": user, "name": "Home", "properties": {"url": "https://shop.example.com"}}),
        ("screen", {"userId": user, "name": "Basket", "properties": {}}),
        ("group", {"userId": user, "groupId": "g-9", "traits": {"plan": "pro", "seats": 12}}),
        ("alias", {"userId": user, "previousId": "nobody"}),
        ("identify", {"userId": user, "traits": {"big_spender": False}, "context": computed}),
    ]


def assert_arrived(voucherify: Voucherify, user: str) -> None:
    assert voucherify.project.customers[user] == {
        "source_id": user,
        "name": f"Anna {FAMILY_NAME}",
        "email": f"{user}@example.com",
        "phone": PHONE,
        "birthdate": "1990-05-01",
        "address": {"city": "Malmö", "line_1": "Storgatan 1"},
        "metadata": {
            "tier": "gold",
            "visits": 7,
            "group_id": "g-9",
            "group_plan": "pro",
            "group_seats": 12,
            "big_spender": False,
        },
    }
    events = [one for one in voucherify.project.events if one["customer"]["source_id"] == user]
    assert [one["event"] for one in events] == EVENTS
    paid = events[0]
    assert (paid["customer"]["email"], paid["loyalty"]) == (f"{user}@example.com", {"code": "CARD-7"})
    assert {name: paid["metadata"][name] for name in ("total", "coupon")} == {"total": 49.5, "coupon": "ö"}


def as_segments_webhooks(server: Server, calls: Sequence[Call]) -> None:
    """One event alone, the others as an array, of which only the first is signed."""
    events = [
        {"type": method, "messageId": f"{method}-{at}-of-webhooks", **message}
        for at, (method, message) in enumerate(calls)
    ]
    for value, secret in ((events[0], {}), (events[1:], {"X-Bridge-Secret": SECRET})):
        first = value[0] if isinstance(value, list) else value
        response = requests.post(
            f"{server.root}/webhooks/segment",
            data=compact(value),
            headers={"Content-Type": "application/json", "X-Signature": sign(compact(first), SECRET), **secret},
            timeout=PATIENCE,
        )
        assert response.status_code == 200, response.text


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def post(server: Server, path: str, value: Any) -> requests.Response:
    return requests.post(f"{server.root}/v1/{path}", json=value, auth=(WRITE_KEY, ""), timeout=PATIENCE)


def batch_of(users: Sequence[str], *, unique: str = "") -> dict[str, Any]:
    return {
        "batch": [
            {"type": "track", "userId": user, "event": "Paid", "messageId": f"{user}-{at}{unique}"}
            for at, user in enumerate(users)
        ]
    }


def test_segments_libraries_and_webhooks_feed_voucherify(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    server = serve(database_url, voucherify, **DOORS)
    for name, call in LIBRARIES.items():
        call(server.root, calls_of(name))
    as_segments_webhooks(server, calls_of("webhooks"))
    users = [*LIBRARIES, "webhooks"]
    books.wait_until_settled(6 * len(users))
    assert books.deliveries() == {"delivered": 6 * len(users)}
    for user in users:
        assert_arrived(voucherify, user)
    assert books.rows("SELECT event, reason FROM events WHERE status = 'ignored'") == [
        ("alias", "no mapping matches")
    ] * len(users)


def test_a_whole_batch_is_kept_before_it_is_answered_and_a_retry_adds_nothing(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    server = serve(database_url, voucherify, **DOORS)
    books.hold_back("voucherify")
    full = batch_of([f"user-{number}" for number in range(2500)])
    for stored in (1, 2):
        response = post(server, "batch", full)
        assert (response.status_code, response.json()) == (200, {"success": True})
        assert books.messages() == stored
        books.wait_until_translated()
        assert (books.events(), books.deliveries()) == ({"accepted": 2500}, {"waiting": 2500})
    assert post(server, "batch", {"batch": [*full["batch"], full["batch"][0]]}).status_code == 400
    assert books.messages() == 2


def test_batches_from_several_processes_at_once_are_each_kept_once(
    postgres_url: str, serve: Serve, voucherify: Voucherify
) -> None:
    books = Books(postgres_url)
    servers = [serve(postgres_url, voucherify, **DOORS) for _ in range(2)]
    books.hold_back("voucherify")
    users = [f"user-{number}" for number in range(1200)]
    answers = in_parallel(
        [lambda at=at: post(servers[at % 2], "batch", batch_of(users, unique=f"-{at % 3}")) for at in range(6)]  # type: ignore[misc] # mypy infers no default of a lambda
    )
    assert Counter(one.status_code for one in answers) == {200: 6}
    books.wait_until_translated()
    assert books.events() == {"accepted": 3600}
    assert books.deliveries() == {"waiting": 1200, "queued": 2400}


def in_parallel(jobs: Sequence[Callable[[], requests.Response]]) -> list[requests.Response]:
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [one.result() for one in [pool.submit(job) for job in jobs]]


def test_what_was_answered_survives_a_kill_and_arrives_once(
    database_url: str, serve: Serve, voucherify_down: Voucherify, books: Books
) -> None:
    server = serve(database_url, voucherify_down, **DOORS)
    users = [f"user-{number}" for number in range(40)]
    assert post(server, "batch", batch_of(users)).status_code == 200
    server.kill()
    voucherify_down.open()
    server.start()
    assert post(server, "batch", batch_of(users)).status_code == 200
    books.wait_until_translated()
    assert books.events() == {"accepted": 40}
    books.end_leases()
    books.wait_until_settled(40)
    assert voucherify_down.events() == {(user, "Paid"): 1 for user in users}


@pytest.mark.parametrize("path", ["track", "batch"])
def test_whoever_has_no_write_key_stores_nothing(
    path: str, sqlite_url: str, serve: Serve, voucherify: Voucherify
) -> None:
    server = serve(sqlite_url, voucherify, **DOORS)
    response = requests.post(f"{server.root}/v1/{path}", json={**batch_of(["a"]), "writeKey": "x"}, timeout=PATIENCE)
    assert response.status_code == 401
    assert not Books(sqlite_url).messages()


def test_the_bridges_own_events_do_not_come_back(sqlite_url: str, serve: Serve, voucherify: Voucherify) -> None:
    server = serve(sqlite_url, voucherify, **DOORS)
    own = {"userId": "a", "event": "Customer Rewarded", "messageId": "bridge-1"}
    for value in (
        {**own, "integrations": {"Voucherify (Actions)": False}},
        {**own, "messageId": "bridge-2", "context": {"voucherify": {"project_id": "proj_1"}}},
    ):
        assert post(server, "track", value).status_code == 200
    books = Books(sqlite_url)
    books.wait_until_translated()
    assert books.events() == {"ignored": 2}
    assert not voucherify.calls()
