"""Translation: the customer who acted."""

import json
from typing import Any

import pytest

from bridge.messages import Status
from bridge.to_segment import translate
from bridge.to_segment.catalogue import BY_TYPE, EVENTS, Event
from tests.to_segment.track_calls import NOW, each_event, outcome, redeemed, track_call, without_customer
from tests.webhooks import ANNA, BEN, DATA, encode, webhook


@pytest.mark.parametrize(
    ("event", "name"),
    [pytest.param(event, name, id=f"{event.type}-{name}") for event in EVENTS for name in event.customer],
)
@pytest.mark.parametrize("empty", [{"customer": None}, {"customer": {}}, {}], ids=["null", "{}", "missing"])
def test_the_customer_of_an_own_object_replaces_a_missing_one(event: Event, name: str, empty: dict[str, Any]) -> None:
    data = without_customer(event) | empty
    data[name] = {**data[name], "customer": ANNA}
    message = track_call(webhook(event.type, data))
    assert message["userId"] == "anna-1"
    assert message["properties"]["customer"]["id"] == "cust_anna"
    assert message["properties"]["email"] == "anna@example.com"


def test_a_rollback_whose_customer_is_in_the_redemption_alone_is_sent() -> None:
    data = {
        "customer": None,
        "order": {"id": "ord_1", "amount": 5000},
        "campaign": {"id": "camp_1", "name": "Autumn"},
        "voucher": {"id": "v_1", "code": "AUT"},
        "holder": None,
        "promotion_tier": None,
        "redemption": {"id": "r_1", "object": "redemption", "customer": {"id": "cust_1", "source_id": "u-1"}},
        "redemption_rollback": {"id": "rr_1", "object": "redemption_rollback", "amount": 500, "customer": None},
    }
    assert track_call(webhook("redemption.rollback.succeeded", data))["userId"] == "u-1"


@pytest.mark.parametrize("nameless", [{}, {"source_id": None}, {"source_id": ""}], ids=["missing", "null", "empty"])
def test_a_customer_without_source_id_is_completed_by_the_same_customer(nameless: dict[str, Any]) -> None:
    customer = {"id": "cust_anna", "name": "Anna New", "email": None, **nameless}
    message = track_call(redeemed(customer=customer, holder=BEN))
    assert message["userId"] == "anna-1"
    assert message["properties"]["customer"]["source_id"] == "anna-1"
    assert message["properties"]["customer"]["name"] == "Anna New"
    assert message["properties"]["email"] == "anna@example.com"


@each_event
def test_the_same_customer_is_found_in_any_object_of_the_event(event: Event) -> None:
    data = without_customer(event) | {"customer": {"id": "cust_anna"}}
    for name in set(event.fields) - {"balance", "holder"}:
        named = {**(data.get(name) or {"id": "x"}), "customer": ANNA}
        assert track_call(webhook(event.type, data | {name: named}))["userId"] == "anna-1", name


def test_the_own_object_may_have_only_the_customers_id() -> None:
    data = without_customer(BY_TYPE["redemption.succeeded"]) | {"customer": None}
    data["redemption"] |= {"customer_id": "cust_anna"}
    data["order"] = {"id": "ord_1", "customer": ANNA}
    assert track_call(webhook("redemption.succeeded", data))["userId"] == "anna-1"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"customer": {"id": "cust_anna"}, "redemption": {"id": "r", "customer": BEN}}, id="another's"),
        pytest.param({"customer": {"id": "cust_ben"}, "redemption": {"id": "r"}, "holder": BEN}, id="the holder"),
        pytest.param({"customer": None, "redemption": {"id": "r"}, "order": {"customer": ANNA}}, id="an order's alone"),
        pytest.param(
            {"customer": {"id": "cust_anna"}, "redemption": {"id": "r"}, "order": {"customer": {**ANNA, "email": 7}}},
            id="an unusable one",
        ),
    ],
)
def test_other_customers_are_never_used(changes: dict[str, Any]) -> None:
    arrival = outcome(redeemed(**changes))
    assert (arrival.status, arrival.reason) == (Status.IGNORED, "anonymous")


def test_the_customer_of_a_redemption_is_not_the_rewarded_customer() -> None:
    data = DATA["rewarded"] | {"customer": None, "redemption": {"id": "r_1", "customer": BEN}}
    assert outcome(webhook("customer.rewarded", data)).reason == "anonymous"


def test_the_customer_of_data_wins() -> None:
    assert track_call(redeemed(customer=BEN))["userId"] == "ben-2"


@each_event
def test_without_a_customer_the_event_is_ignored_and_the_holder_is_not_used(event: Event) -> None:
    data = without_customer(event)
    arrival = outcome(webhook(event.type, data | {"holder": BEN}))
    assert (arrival.status, arrival.event, arrival.reason) == (Status.IGNORED, event.name, "anonymous")
    assert arrival.outgoing == ()
    assert arrival.customer is None


@pytest.mark.parametrize("source_id", [{"source_id": None}, {"source_id": ""}, {}], ids=["null", "empty", "missing"])
def test_a_customer_without_source_id_is_anonymous(source_id: dict[str, Any]) -> None:
    customer = {"id": "cust_x", "email": "x@example.com", **source_id}
    arrival = outcome(redeemed(customer=customer, redemption={"id": "r_1"}))
    assert (arrival.status, arrival.reason) == (Status.IGNORED, "anonymous")


@pytest.mark.parametrize(
    ("source_id", "user_id"),
    [
        pytest.param(7, "7", id="a number"),
        pytest.param(0, "0", id="zero"),
        pytest.param(7.0, "7", id="a whole float"),
        pytest.param(7.25, "7.25", id="a float"),
        pytest.param("x" * 2_000, "x" * 2_000, id="2,000 characters"),
        pytest.param("Ånna-名前-😀", "Ånna-名前-😀", id="unicode"),
        pytest.param(" ", " ", id="a space"),
    ],
)
def test_a_source_id_becomes_text(source_id: Any, user_id: str) -> None:
    message = redeemed(customer={**ANNA, "source_id": source_id})
    assert track_call(message)["userId"] == user_id
    assert track_call(message)["properties"]["customer"]["source_id"] == user_id
    assert outcome(message).customer == user_id


def test_characters_that_no_database_stores_are_replaced() -> None:
    body = encode(redeemed(customer={**ANNA, "source_id": "a-b"})).replace(b"a-b", rb"a\u0000\ud800b")
    arrival = translate(body, NOW)
    assert arrival.customer == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b"
    assert json.loads(arrival.outgoing[0].payload)["userId"] == arrival.customer
