"""Unusable webhooks: the translation quarantines any of them with a reason."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.json_text import LEVELS, is_deeper
from bridge.messages import Arrival, Status
from bridge.to_segment import translate
from bridge.to_segment.catalogue import EVENT_ID, EVENTS, Event, find
from bridge.to_segment.fit import LIMIT
from tests.webhooks import ANNA, BEN, DATA, distribution, encode, redemption, webhook

NOW = datetime(2031, 4, 9, tzinfo=UTC)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "voucherify" / "webhooks.openapi.json"

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "customer", "source_id", "x", "a_b", "aB", "a", "b", "r_1", "", "k" * 400]), inner
        )
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
def test_an_unusable_webhook_is_quarantined_with_the_reason(body: bytes, reason: str) -> None:
    arrival = translate(body, NOW)
    assert (arrival.status, arrival.outgoing) == (Status.QUARANTINED, ())
    assert arrival.reason.startswith(reason)


DEFAULT_PAYLOAD = "set the distribution's webhook to send the default payload"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"hello": "designed by the author"}, id="a raw payload"),
        pytest.param({"data": "Dear Anna", "to": "anna@example.com"}, id="a raw payload with a text as data"),
        pytest.param({"data": {"to": "anna@example.com"}}, id="a raw payload with data"),
        pytest.param([{"to": "anna@example.com"}], id="a raw payload that is an array"),
    ],
)
def test_a_raw_payload_is_quarantined_with_the_remedy(body: Any) -> None:
    arrival = translate(json.dumps(body).encode(), NOW)
    assert arrival.status is Status.QUARANTINED
    assert DEFAULT_PAYLOAD in arrival.reason


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"To": "anna@example.com", "Subject": "Thank you"}, id="other keys"),
        pytest.param({"Customer": ANNA, "voucher": {"code": "A"}}, id="a renamed customer"),
        pytest.param({"holder": BEN, "Subject": "Thank you"}, id="the holder"),
    ],
)
def test_a_designed_payload_is_quarantined_with_the_remedy(event: Event, data: dict[str, Any]) -> None:
    arrival = translate(encode(distribution(event.type, data) | {"type": "Voucher-redeemed"}), NOW)
    assert (arrival.status, arrival.event, arrival.outgoing) == (Status.QUARANTINED, event.name, ())
    assert DEFAULT_PAYLOAD in arrival.reason
    assert arrival.identity is not None


@pytest.mark.parametrize("event", [event for event in EVENTS if event.key != EVENT_ID], ids=lambda event: event.type)
@pytest.mark.parametrize("envelope", [webhook, distribution], ids=["project", "distribution"])
@pytest.mark.parametrize("empty", [{}, {"id": None}, {"id": ""}], ids=["missing", "null", "empty"])
def test_a_webhook_without_its_own_id_is_not_a_second_event(event: Event, envelope: Any, empty: dict[str, Any]) -> None:
    name = event.key.partition(".")[0]
    nameless = {key: value for key, value in DATA[event.type][name].items() if key != "id"} | empty
    arrival = translate(encode(envelope(event.type, DATA[event.type] | {name: nameless})), NOW)
    assert (arrival.status, arrival.event, arrival.outgoing) == (Status.QUARANTINED, event.name, ())
    assert arrival.reason.startswith(f"data.{event.key} is missing: {DEFAULT_PAYLOAD}")


def test_a_webhook_of_version_2018_is_quarantined_with_the_remedy() -> None:
    body = {
        "id": "event_Ab1",
        "object": "event",
        "webhook_id": "hook_1",
        "project_id": "proj_1",
        "created_at": "2026-03-13T17:35:58.600Z",
        "type": "redemption.succeeded",
        "data": {
            "object": {
                "id": "r_2",
                "object": "redemption",
                "date": "2026-03-13T17:35:58.000Z",
                "result": "SUCCESS",
                "customer": {"id": "cust_1", "source_id": "u-1", "email": "pat@example.org", "object": "customer"},
                "voucher": {"code": "AUT"},
                "order": {"id": "ord_1", "amount": 5000},
            }
        },
        "metadata": {},
    }
    arrival = translate(encode(body), NOW)
    assert (arrival.status, arrival.event) == (Status.QUARANTINED, "Customer Redemption Succeeded")
    assert "set the webhook's version to v2024-01-01" in arrival.reason


@pytest.mark.parametrize(
    ("type_", "data", "reason"),
    [
        pytest.param("webhook.test", {"object": {"id": "x"}}, "unknown type", id="a name of its own"),
        pytest.param("redemption.succeeded", {}, "anonymous", id="no data"),
        pytest.param("rewarded", {}, "anonymous", id="no data, no key"),
    ],
)
@pytest.mark.parametrize("envelope", [webhook, distribution], ids=["project", "distribution"])
def test_a_possible_test_webhook_is_ignored(type_: str, data: Any, reason: str, envelope: Any) -> None:
    # The content of Voucherify's test webhook is not documented.
    arrival = translate(encode(envelope(type_, data)), NOW)
    assert (arrival.status, arrival.reason) == (Status.IGNORED, reason)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param({"k" * 100_000: 1}, id="a long name"),
        pytest.param({f"{'k' * 200}{number}": {"k" * 200: 1} for number in range(1_000)}, id="many long names"),
        pytest.param({f"k{number}": {"a": {"b": [{"c" * 400: 1}]}} for number in range(1_000)}, id="in items"),
        pytest.param({"n": 10**400}, id="a long number"),
    ],
)
def test_values_with_too_long_names_are_left_out(part: Any) -> None:
    message = json.loads(
        answered(encode(webhook("redemption.succeeded", redemption(order={"id": "ord_1", "m": part}))))
        .outgoing[0]
        .payload
    )
    assert message["properties"]["order"]["id"] == "ord_1"
    assert all(len(name) <= 300 for name in message["properties"]["order"])


@pytest.mark.timeout(60)  # without the limit of names it needs 36 s of a processor, and gigabytes
def test_a_deep_object_of_many_values_is_reduced_quickly() -> None:
    deep: Any = {str(number): number for number in range(40_000)}
    for _ in range(90):
        deep = {"kk": deep}
    arrival = answered(encode(webhook("redemption.succeeded", redemption(order={"id": "ord_1", "x": deep}))))
    message = json.loads(arrival.outgoing[0].payload)
    assert message["properties"]["order"] == {"id": "ord_1"}
    assert message["context"]["voucherify"]["reduced"] == ["order.x"]


def test_a_known_event_is_quarantined_under_its_name_and_with_its_identity() -> None:
    arrival = translate(encode(webhook("customer.redemption.failed", {"customer": 1})), NOW)
    assert (arrival.status, arrival.event) == (Status.QUARANTINED, "Customer Redemption Failed")
    assert arrival.identity is not None


@pytest.mark.parametrize(
    ("depth", "status"), [(190, Status.ACCEPTED), (200, Status.QUARANTINED), (5_000, Status.QUARANTINED)]
)
@pytest.mark.parametrize("opening", ["[", '{"a":'], ids=["arrays", "objects"])
def test_json_that_is_nested_too_deeply_is_quarantined(depth: int, status: Status, opening: str) -> None:
    closing = {"[": "]", '{"a":': "}"}[opening]
    deep = f'{{"id": "ord_1", "x": {opening * depth}1{closing * depth}}}'
    body = encode(webhook("redemption.succeeded", redemption(order={"DEEP": 1}))).replace(b'{"DEEP":1}', deep.encode())
    arrival = translate(body, NOW)
    assert arrival.status is status
    if status is Status.ACCEPTED:
        message = json.loads(arrival.outgoing[0].payload)
        assert message["properties"]["order"]["id"] == "ord_1"
        assert message["context"]["voucherify"]["reduced"][0].startswith("order.x")
    else:
        assert "nested too deeply" in arrival.reason


NESTED: dict[str, Callable[[Any], Any]] = {
    "arrays": lambda value: [value],
    "objects": lambda value: {"a": value},
    "both": lambda value: {"a": [value]},
    "lists of Voucherify": lambda value: {"object": "list", "data": [value]},
    "objects by ids": lambda value: {"rew_0a1b2c3d4e5f6a7b8c9d0e1f": value},
}


def called_from(calls: int, function: Callable[[], Arrival]) -> Arrival:
    return function() if calls == 0 else called_from(calls - 1, function)


@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("text", ["x", "\0", "\ud800"], ids=ascii)
def test_as_deep_as_it_can_be_read_it_is_translated_from_any_depth_of_calls(kind: str, text: str) -> None:
    value: Any = text
    while not is_deeper(value, LEVELS - 8):
        value = NESTED[kind](value)
    body = json.dumps(webhook("redemption.succeeded", redemption(order={"id": "ord_1", "x": value}))).encode()
    assert called_from(300, lambda: translate(body, NOW)).status is Status.ACCEPTED


@given(st.binary(max_size=200))
def test_any_bytes_have_an_outcome(body: bytes) -> None:
    answered(body)


@given(ANY_JSON)
def test_any_json_has_an_outcome(value: Any) -> None:
    answered(json.dumps(value).encode())


@given(ANY_JSON, st.data())
@settings(max_examples=200)
def test_a_webhook_with_any_value_at_any_place_has_an_outcome(value: Any, data: st.DataObject) -> None:
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


# Voucherify's published examples, if this checkout has a copy.

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
def test_every_example_matches_the_catalogue(name: str, data: Any, envelope: Any) -> None:
    arrival = answered(encode(envelope(name, data)))
    if find(name) is None:
        assert (arrival.status, arrival.reason) == (Status.IGNORED, "unknown type")
    else:
        assert arrival.status is Status.ACCEPTED, arrival.reason
        assert arrival.customer == (data.get("customer") or ANNA)["source_id"]
