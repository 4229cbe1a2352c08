"""Authentic webhooks of the worst content: a 2xx for each, the raw bytes kept, the processes unharmed."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import requests

from bridge.delivery.database.packing import unpack
from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve
from tests.acceptance.customers import redeems
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import WAIT
from tests.acceptance.waiting import PATIENCE
from tests.webhooks import ANNA, encode, redemption, signed, webhook

DEEP = 100_000
LIMIT = 1_048_576


def telling(data: Any) -> bytes:
    return encode(webhook("redemption.succeeded", data))


def holding(text: bytes, unique: str) -> bytes:
    """A webhook of a redemption with raw JSON in it."""
    data = redemption(f"r_{unique}", customer={**ANNA, "source_id": unique}, order={"metadata": {"raw": "HERE"}})
    return encode(webhook("redemption.succeeded", data, event_id=f"ev_{unique}")).replace(b'"HERE"', text)


QUARANTINED = {
    "nothing": b"",
    "not JSON": b"{",
    "two values": b"{}{}",
    "NaN": holding(b"NaN", "nan"),
    "Infinity": holding(b"-Infinity", "infinity"),
    "a number beyond any float": holding(b"1e999", "huge"),
    "a number of 5,000 digits": holding(b"9" * 5000, "digits"),
    "invalid UTF-8": holding(b'"\xff\xfe"', "utf8"),
    "UTF-16": '{"data": {}}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "deep arrays": b"[" * DEEP + b"]" * DEEP,
    "deep arrays, unclosed": b"[" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep inside an event": holding(b"[" * DEEP + b"]" * DEEP, "deep"),
    "white space as large as a body may be": b" " * LIMIT,
    "a list": b"[]",
    "a string": b'"redemption.succeeded"',
    "a number": b"1",
    "null": b"null",
    "an empty object": b"{}",
    "data missing": encode({key: value for key, value in webhook("redemption.succeeded", {}).items() if key != "data"}),
    "data a list": telling([]),
    "customer a string": telling(redemption(customer="ada")),
    "customer a list": telling(redemption(customer=[ANNA])),
    "source_id an object": telling(redemption(customer={**ANNA, "source_id": {}})),
    "source_id true": telling(redemption(customer={**ANNA, "source_id": True})),
    "redemption a string": telling(redemption(redemption="r_1")),
    "type a number": encode({**webhook("", redemption()), "type": 7}),
}

MIDDLING_DEPTHS = (500, 900, 950, 980, 990, 995, 1000, 1500, 5000)
"""Around what an interpreter's stack takes: whatever becomes of these, it must be an orderly answer."""


def at_middling_depths() -> Iterator[bytes]:
    for depth in MIDDLING_DEPTHS:
        yield holding(b"[" * depth + b"]" * depth, f"arrays-{depth}")
        yield holding(b'{"a":' * depth + b"1" + b"}" * depth, f"objects-{depth}")


CONTENT_TYPES = (
    *("application/json; charset=utf-8", "text/plain", "application/x-www-form-urlencoded", "application/xml"),
    *("multipart/form-data; boundary=x", "application/octet-stream", "nonsense"),
)
"""A proxy may change it, and Voucherify switches a webhook off that is answered 415."""

LONG = "s" * 2000

DELIVERED = {
    "a number": (redemption("r_a", customer={**ANNA, "source_id": 7}), "7"),
    "2,000 characters": (redemption("r_b", customer={**ANNA, "source_id": LONG}), LONG),
    "unicode": (redemption("r_c", customer={**ANNA, "source_id": "łódź-🎟️"}), "łódź-🎟️"),
    "NUL": (redemption("r_d", customer={**ANNA, "source_id": "a\0b"}), "a\N{REPLACEMENT CHARACTER}b"),
    "a lone surrogate": (
        redemption("r_e", customer={**ANNA, "source_id": "a\ud800b!"}),
        "a\N{REPLACEMENT CHARACTER}b!",
    ),
}


def test_authentic_but_unusable_webhooks_are_quarantined_as_raw_bytes_and_harm_nothing(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    server = serve(database_url, segment)
    workers = server.workers()

    told = {name: server.post(body, **WAIT) for name, body in QUARANTINED.items()}

    assert {name: response.status_code for name, response in told.items()} == dict.fromkeys(QUARANTINED, 202)
    assert {name: response.json()["status"] for name, response in told.items()} == dict.fromkeys(
        QUARANTINED, "quarantined"
    )
    assert all(response.json()["reason"] for response in told.values())
    kept = {id: unpack(body) for id, body in books.rows("SELECT id, body FROM messages")}  # noqa: A001 - the column's name
    assert {name: kept[response.json()["id"]] for name, response in told.items()} == QUARANTINED
    assert {server.status(body) for body in at_middling_depths()} <= {"accepted", "quarantined"}
    assert server.workers() == workers
    assert server.status(redeems("afterwards")) == "accepted"
    segment.wait_for(["afterwards"])


def test_strange_but_sound_webhooks_are_delivered_in_a_form_that_databases_and_segment_take(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    server = serve(database_url, segment)

    for name, (data, _) in DELIVERED.items():
        body = json.dumps(webhook("redemption.succeeded", data, event_id=f"ev_{name}")).encode()  # escaped
        assert server.status(body) == "accepted", name

    for content_type in CONTENT_TYPES:
        assert server.outcome(redeems(content_type), **{"Content-Type": content_type})["status"] == "accepted"
    body = redeems("chunked")
    headers = {**signed(body), **WAIT}
    chunked = requests.post(server.url, data=iter([body[:100], body[100:]]), headers=headers, timeout=PATIENCE)
    assert chunked.json()["status"] == "accepted"

    expected = [*(user for _, user in DELIVERED.values()), *CONTENT_TYPES, "chunked"]
    books.wait_until_settled(len(expected))
    segment.assert_once(expected)
    assert Counter(user for (user,) in books.rows("SELECT customer FROM events")) == Counter(expected)
