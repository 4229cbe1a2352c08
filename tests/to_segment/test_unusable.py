"""Authentic, but not what a webhook should be: whatever comes, a translation answers, and says why."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.arrival import Arrival, Status
from bridge.to_segment import translate
from bridge.to_segment.catalogue import EVENTS, find
from bridge.to_segment.fit import LIMIT
from bridge.wire import read
from tests.webhooks import ANNA, DATA, distribution, encode, redemption, webhook

NOW = datetime(2031, 4, 9, tzinfo=UTC)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "voucherify" / "webhooks.openapi.json"

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "customer", "source_id", "x"]), inner)
    ),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"\xff", "the body is not UTF-8", id="invalid UTF-8"),
        pytest.param(b"{", "the body is not JSON", id="invalid JSON"),
        pytest.param(b'{"data": NaN}', "the body is not JSON", id="NaN"),
        pytest.param(b'{"data": Infinity}', "the body is not JSON", id="Infinity"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, "the JSON is nested too deeply", id="100,000 levels"),
        pytest.param(b"[]", "the body is not a JSON object", id="a list"),
        pytest.param(b'"text"', "the body is not a JSON object", id="a text"),
        pytest.param(b"null", "the body is not a JSON object", id="null"),
        pytest.param(b"{}", "data: Missing data for required field.", id="{}"),
        pytest.param(b'{"hello": "designed by the operator"}', "data: Missing data", id="a raw payload"),
        pytest.param(encode(webhook("redemption.succeeded", None)), "data: ", id="data null"),
        pytest.param(encode(webhook("redemption.succeeded", "text")), "data: ", id="data a text"),
        pytest.param(
            encode(webhook("redemption.succeeded", {"customer": "anna"})), "data.customer: ", id="customer a text"
        ),
        pytest.param(
            encode(webhook("redemption.succeeded", redemption(order="ord_1"))), "data.order: ", id="order a text"
        ),
    ],
)
def test_what_is_unusable_is_quarantined_with_its_reason(body: bytes, reason: str) -> None:
    arrival = translate(body, NOW)
    assert (arrival.status, arrival.outgoing) == (Status.QUARANTINED, ())
    assert arrival.reason.startswith(reason)


def test_a_known_event_is_quarantined_under_its_name_and_with_its_identity() -> None:
    arrival = translate(encode(webhook("customer.redemption.failed", {"customer": 1})), NOW)
    assert (arrival.status, arrival.event) == (Status.QUARANTINED, "Customer Redemption Failed")
    assert arrival.identity is not None


@pytest.mark.parametrize("depth", [200, 400, 700, 900, 950, 980, 1_000, 5_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'], ids=["arrays", "objects"])
def test_depth_that_some_step_cannot_take_is_quarantined_too(depth: int, opening: str) -> None:
    # Decoding, checking, hashing, flattening and writing each reach their limit at another depth, which also depends
    # on the version of Python.
    closing = {"[": "]", '{"a":': "}"}[opening]
    deep = f'{{"id": "ord_1", "x": {opening * depth}1{closing * depth}}}'
    body = encode(webhook("redemption.succeeded", redemption(order={"DEEP": 1}))).replace(b'{"DEEP":1}', deep.encode())
    arrival = translate(body, NOW)
    if arrival.status is Status.ACCEPTED:
        [outgoing] = arrival.outgoing
        assert len(outgoing.payload) <= LIMIT
        assert read(outgoing.payload)["event"] == arrival.event
    else:
        assert (arrival.status, arrival.reason) == (Status.QUARANTINED, "the JSON is nested too deeply")


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(body: bytes) -> None:
    answered(body)


@given(ANY_JSON)
def test_any_json_is_answered(value: Any) -> None:
    answered(json.dumps(value).encode())


@given(ANY_JSON, st.data())
@settings(max_examples=200)
def test_a_webhook_with_anything_anywhere_is_answered(value: Any, data: st.DataObject) -> None:
    event = data.draw(st.sampled_from(EVENTS))
    message: dict[str, Any] = copy.deepcopy(webhook(event.type, DATA[event.type]))
    place: dict[str, Any] = message
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = value
    answered(json.dumps(message).encode())


def answered(body: bytes) -> Arrival:
    arrival = translate(body, NOW)
    assert (arrival.status is Status.ACCEPTED) == bool(arrival.outgoing)
    assert bool(arrival.reason) == (arrival.status is not Status.ACCEPTED)
    for outgoing in arrival.outgoing:
        message = json.loads(outgoing.payload)
        assert len(outgoing.payload) <= LIMIT
        assert isinstance(message["userId"], str)
        assert message["userId"]
        assert message["event"] in {event.name for event in EVENTS}
    for text in (arrival.event, arrival.reason, arrival.customer or ""):
        text.encode()
        assert "\x00" not in text
    return arrival


# Voucherify's published examples, where this checkout has a copy of them.

EXAMPLES: list[tuple[str, Any]] = (
    [
        (name, example["value"])
        for told in json.loads(SHARED.read_bytes())["webhooks"].values()
        for name, example in told["post"]["requestBody"]["content"]["application/json"].get("examples", {}).items()
    ]
    if SHARED.exists()
    else []
)
EXAMPLES += list(DATA.items())


@pytest.mark.parametrize(
    ("name", "data"), EXAMPLES, ids=[f"{place}-{name}" for place, (name, _) in enumerate(EXAMPLES)]
)
@pytest.mark.parametrize("envelope", [webhook, distribution], ids=["project", "distribution"])
def test_every_example_is_what_the_catalogue_says_it_is(name: str, data: Any, envelope: Any) -> None:
    arrival = answered(encode(envelope(name, data)))
    if find(name) is None:
        assert (arrival.status, arrival.reason) == (Status.IGNORED, "unknown type")
    else:
        assert arrival.status is Status.ACCEPTED, arrival.reason
        assert arrival.customer == (data.get("customer") or ANNA)["source_id"]
