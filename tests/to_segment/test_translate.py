import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge import __version__
from bridge.messages import Arrival, Status
from bridge.to_segment import SINK, translate
from bridge.to_segment.catalogue import BY_TYPE, EVENTS, EVERY_EVENT, Event
from bridge.to_segment.fit import LIMIT
from tests.webhooks import ANNA, BEN, DATA, distribution, encode, redemption, rollback, webhook

NOW = datetime(2031, 4, 9, 10, 11, 12, tzinfo=UTC)

each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)


def told(message: Any) -> Arrival:
    return translate(encode(message), NOW)


def sent(message: Any) -> dict[str, Any]:
    """Return the message to Segment."""
    arrival = told(message)
    assert arrival.status is Status.ACCEPTED, arrival
    [outgoing] = arrival.outgoing
    assert outgoing.sink == SINK
    found: dict[str, Any] = json.loads(outgoing.payload)
    assert found["messageId"] == outgoing.key
    return found


def without_customer(event: Event) -> dict[str, Any]:
    """Return the event's data without any customer."""
    data = {name: value for name, value in DATA[event.type].items() if name != "customer"}
    return data | {name: {**data[name], "customer": None} for name in event.customer}


def redeemed(**changes: Any) -> dict[str, Any]:
    return webhook("redemption.succeeded", redemption(**changes))


@each_event
@pytest.mark.parametrize("envelope", [webhook, distribution], ids=["project", "distribution"])
def test_each_event_is_a_track_call_with_its_fields(event: Event, envelope: Any) -> None:
    data = DATA[event.type]
    message = sent(envelope(event.type, data))
    assert (message["type"], message["event"], message["userId"]) == ("track", event.name, "anna-1")
    carried = {name for name in (*EVERY_EVENT, *event.fields) if data.get(name) is not None}
    assert message["properties"].keys() == {"email", *carried}
    assert message["properties"]["email"] == "anna@example.com"
    assert message["integrations"] == {"Voucherify (Actions)": False}
    assert "anonymousId" not in message
    assert "reduced" not in message["context"]["voucherify"]


@each_event
def test_no_property_is_null_or_nested(event: Event) -> None:
    for name, value in sent(webhook(event.type, DATA[event.type]))["properties"].items():
        parts = value.values() if isinstance(value, dict) else [value]
        assert not any(part is None or isinstance(part, dict) for part in parts), name


def test_the_context_names_the_integration() -> None:
    assert sent(redeemed())["context"]["integration"] == {"name": "voucherify-segment-bridge", "version": __version__}


def test_objects_keyed_by_ids_are_arrays_of_objects() -> None:
    order = {"id": "ord_1", "redemptions": {"r_0e2905d4e6985a04b5": {"date": "2031-04-05", "stack": {"id": "s"}}}}
    tier = {
        "id": "ltr_1",
        "earning_rules": {"ern_FQxftbKUq9E93k00Z3qkC0sX": {"type": "MULTIPLY", "multiplier": 2}},
        "rewards": {"rewa_mcn5Lp8texqmbgQbadLMqSoQ": {"type": "MULTIPLY", "multiplier": 1}},
    }
    data = DATA["rewarded.loyalty_points"] | {"order": order, "loyalty_tier": tier}
    properties = sent(webhook("customer.rewarded.loyalty_points", data))["properties"]
    assert properties["order"]["redemptions"] == [{"id": "r_0e2905d4e6985a04b5", "date": "2031-04-05", "stack_id": "s"}]
    assert properties["loyalty_tier"] == {
        "id": "ltr_1",
        "earning_rules": [{"id": "ern_FQxftbKUq9E93k00Z3qkC0sX", "type": "MULTIPLY", "multiplier": 2}],
        "rewards": [{"id": "rewa_mcn5Lp8texqmbgQbadLMqSoQ", "type": "MULTIPLY", "multiplier": 1}],
    }


def test_two_paths_of_one_name_are_both_sent() -> None:
    customer = {**ANNA, "metadata": {"a_b": 1, "a": {"b": 2}}}
    properties = sent(redeemed(customer=customer))["properties"]
    assert (properties["customer"]["metadata_a_b"], properties["customer"]["metadata_a_b_2"]) == (1, 2)


def test_objects_are_flattened_to_the_columns_of_the_warehouse() -> None:
    properties = sent(redeemed())["properties"]
    assert properties["voucher"]["discount_percent_off"] == 10
    assert properties["customer"]["metadata_address_city"] == "Malmö"
    assert properties["order"]["items"][0]["product_metadata_colour"] == "blue"
    assert "gift" not in properties["voucher"]


@pytest.mark.parametrize("balance", [0, 20, 1.5], ids=repr)
def test_a_balance_may_be_a_number(balance: float) -> None:
    data = DATA["reward_redemptions.created"] | {"balance": balance}
    assert sent(webhook("customer.reward_redemptions.created", data))["properties"]["balance"] == balance


def test_the_context_has_the_origin() -> None:
    assert sent(redeemed())["context"]["voucherify"] == {
        "project_id": "proj_1",
        "event_id": "ev_1",
        "webhook_id": "wh_1",
        "channel": "API",
    }


def test_the_context_leaves_out_missing_values() -> None:
    bare = {"type": "redemption.succeeded", "data": redemption()}
    assert sent(bare)["context"]["voucherify"] == {}


# The customer


@pytest.mark.parametrize(
    ("event", "name"),
    [pytest.param(event, name, id=f"{event.type}-{name}") for event in EVENTS for name in event.customer],
)
@pytest.mark.parametrize("empty", [{"customer": None}, {"customer": {}}, {}], ids=["null", "{}", "missing"])
def test_the_customer_of_an_own_object_replaces_a_missing_one(event: Event, name: str, empty: dict[str, Any]) -> None:
    data = without_customer(event) | empty
    data[name] = {**data[name], "customer": ANNA}
    message = sent(webhook(event.type, data))
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
    assert sent(webhook("redemption.rollback.succeeded", data))["userId"] == "u-1"


@pytest.mark.parametrize("nameless", [{}, {"source_id": None}, {"source_id": ""}], ids=["missing", "null", "empty"])
def test_a_customer_without_source_id_is_completed_by_the_same_customer(nameless: dict[str, Any]) -> None:
    customer = {"id": "cust_anna", "name": "Anna New", "email": None, **nameless}
    message = sent(redeemed(customer=customer, holder=BEN))
    assert message["userId"] == "anna-1"
    assert message["properties"]["customer"]["source_id"] == "anna-1"
    assert message["properties"]["customer"]["name"] == "Anna New"
    assert message["properties"]["email"] == "anna@example.com"


@each_event
def test_the_same_customer_is_found_in_any_object_of_the_event(event: Event) -> None:
    data = without_customer(event) | {"customer": {"id": "cust_anna"}}
    for name in set(event.fields) - {"balance", "holder"}:
        named = {**(data.get(name) or {"id": "x"}), "customer": ANNA}
        assert sent(webhook(event.type, data | {name: named}))["userId"] == "anna-1", name


def test_the_own_object_may_have_only_the_customers_id() -> None:
    data = without_customer(BY_TYPE["redemption.succeeded"]) | {"customer": None}
    data["redemption"] |= {"customer_id": "cust_anna"}
    data["order"] = {"id": "ord_1", "customer": ANNA}
    assert sent(webhook("redemption.succeeded", data))["userId"] == "anna-1"


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
    arrival = told(redeemed(**changes))
    assert (arrival.status, arrival.reason) == (Status.IGNORED, "anonymous")


def test_the_customer_of_a_redemption_is_not_the_rewarded_customer() -> None:
    data = DATA["rewarded"] | {"customer": None, "redemption": {"id": "r_1", "customer": BEN}}
    assert told(webhook("customer.rewarded", data)).reason == "anonymous"


def test_the_customer_of_data_wins() -> None:
    assert sent(redeemed(customer=BEN))["userId"] == "ben-2"


@each_event
def test_without_a_customer_the_event_is_ignored_and_the_holder_is_not_used(event: Event) -> None:
    data = without_customer(event)
    arrival = told(webhook(event.type, data | {"holder": BEN}))
    assert (arrival.status, arrival.event, arrival.reason) == (Status.IGNORED, event.name, "anonymous")
    assert arrival.outgoing == ()
    assert arrival.customer is None


@pytest.mark.parametrize("source_id", [{"source_id": None}, {"source_id": ""}, {}], ids=["null", "empty", "missing"])
def test_a_customer_without_source_id_is_anonymous(source_id: dict[str, Any]) -> None:
    customer = {"id": "cust_x", "email": "x@example.com", **source_id}
    arrival = told(redeemed(customer=customer, redemption={"id": "r_1"}))
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
    assert sent(message)["userId"] == user_id
    assert sent(message)["properties"]["customer"]["source_id"] == user_id
    assert told(message).customer == user_id


def test_characters_that_no_database_stores_are_replaced() -> None:
    body = encode(redeemed(customer={**ANNA, "source_id": "a-b"})).replace(b"a-b", rb"a\u0000\ud800b")
    arrival = translate(body, NOW)
    assert arrival.customer == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b"
    assert json.loads(arrival.outgoing[0].payload)["userId"] == arrival.customer


# The time


@pytest.mark.parametrize(
    ("type_", "data", "envelope", "expected"),
    [
        pytest.param("redemption.succeeded", redemption(), {}, "2031-04-05T06:07:09", id="the event's own"),
        pytest.param(
            "redemption.succeeded", redemption(), {"event": None}, "2031-04-05T06:07:08.900", id="redemption's"
        ),
        pytest.param(
            "redemption.succeeded",
            redemption(),
            {"event": {"created_at": "yesterday"}},
            "2031-04-05T06:07:08.900",
            id="what is no time is passed over",
        ),
        pytest.param(
            "redemption.rollback.succeeded", rollback(), {"event": None}, "2031-04-06T06:07:08.900", id="rollback's"
        ),
        pytest.param(
            "validation.failed", DATA["validation.failed"], {"event": {}}, "2031-04-08T06:07:08.900", id="validation's"
        ),
        pytest.param(
            "redemption.failed",
            {"customer": ANNA, "redemption": {"id": "rf_1"}, "created_at": "2031-04-05T01:02:03Z"},
            {"event": None},
            "2031-04-05T01:02:03",
            id="the data's",
        ),
        pytest.param("rewarded", {"customer": ANNA}, {"event": None}, "2031-04-05T06:07:10", id="the webhook's"),
        pytest.param(
            "rewarded", {"customer": ANNA}, {"event": None, "created_at": 1}, NOW.isoformat()[:19], id="the arrival's"
        ),
    ],
)
def test_the_timestamp_is_the_time_of_the_event(type_: str, data: Any, envelope: dict[str, Any], expected: str) -> None:
    timestamp = datetime.fromisoformat(sent(webhook(type_, data, **envelope))["timestamp"])
    assert timestamp == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("created_at", "expected"),
    [
        ("2031-04-05T06:07:08.123456Z", "2031-04-05T06:07:08.123+00:00"),
        ("2031-04-05T08:07:08+02:00", "2031-04-05T06:07:08.000+00:00"),
        ("2031-04-05T06:07:08", "2031-04-05T06:07:08.000+00:00"),
        ("2031-04-05", "2031-04-05T00:00:00.000+00:00"),
    ],
)
def test_a_timestamp_is_written_in_utc_with_milliseconds(created_at: str, expected: str) -> None:
    assert (
        sent(webhook("redemption.succeeded", redemption(), event={"created_at": created_at}))["timestamp"] == expected
    )


@pytest.mark.parametrize("created_at", [None, "", "x", 7, {}, [], True, "0001-01-01T00:00:00+14:00"], ids=repr)
def test_an_invalid_time_is_ignored(created_at: Any) -> None:
    message = webhook("redemption.succeeded", redemption(), event={"created_at": created_at})
    assert sent(message)["timestamp"] == "2031-04-05T06:07:08.900+00:00"


# The type


@each_event
@pytest.mark.parametrize("name", ["Voucher-redeemed", "We thank you, {{name}}!", "voucher.created", "", None], ids=repr)
def test_the_type_of_a_distributions_author_is_not_the_event(event: Event, name: str | None) -> None:
    message = distribution(event.type, DATA[event.type])
    assert sent(message | {"type": name})["event"] == event.name


def test_a_name_that_looks_like_an_event_is_not_the_type() -> None:
    message = distribution("voucher.created", {"customer": ANNA}) | {"type": "redemption.succeeded"}
    arrival = told(message)
    assert (arrival.status, arrival.event, arrival.reason) == (
        Status.IGNORED,
        "customer.voucher.created",
        "unknown type",
    )


@pytest.mark.parametrize("event", [None, {}, {"id": "ev_1"}, {"id": "ev_1", "type": ""}], ids=repr)
def test_without_an_event_type_the_envelopes_type_counts(event: Any) -> None:
    assert sent(redeemed() | {"event": event})["event"] == "Customer Redemption Succeeded"


def test_an_unknown_type_has_the_same_identity() -> None:
    # Otherwise its replay is another event.
    message = distribution("redemption.succeeded", redemption())
    assert told(message | {"type": "Voucher-redeemed"}).identity == told(message).identity


def test_no_type_at_all_is_quarantined() -> None:
    arrival = told(webhook("", redemption(), event={"id": "ev_1"}))
    assert (arrival.status, arrival.event) == (Status.QUARANTINED, "")
    assert arrival.reason.startswith("neither type nor event.type says what happened")


@pytest.mark.parametrize(
    "name", ["customer.created", "voucher.published", "customer.order.paid", "something.new", "EVENTS.VOUCHER.CREATED"]
)
def test_an_unknown_type_is_ignored_under_its_name(name: str) -> None:
    arrival = told(webhook(name, {"customer": ANNA}))
    assert (arrival.status, arrival.event, arrival.reason) == (Status.IGNORED, name, "unknown type")
    assert arrival.identity is not None


def test_a_long_name_is_cut() -> None:
    assert told(webhook("x" * 5_000, {})).event == "x" * 200


# 32 KB


def test_an_event_over_the_limit_is_reduced_and_names_the_removals() -> None:
    order = {"id": "ord_big", "items": [{"sku": f"sku-{number}", "note": "ö" * 10} for number in range(2_000)]}
    message = redeemed(order=order, redemption={"id": "r_1", "order": order, "voucher": {"code": "A"}})
    [outgoing] = told(message).outgoing
    assert len(outgoing.payload) <= LIMIT
    reduced = json.loads(outgoing.payload)
    assert reduced["context"]["voucherify"]["reduced"][0] == "redemption.order"
    assert "order.items" in reduced["context"]["voucherify"]["reduced"]
    assert reduced["properties"]["order"]["items_omitted"] + len(reduced["properties"]["order"]["items"]) == 2_000
    assert reduced["messageId"] == sent(redeemed())["messageId"]


def test_large_metadata_does_not_remove_items() -> None:
    items = [{"product_id": "prod_mug", "quantity": 2}, {"product_id": "prod_tea", "quantity": 1}]
    customer = {**ANNA, "metadata": {"note": "x" * 33_000}}
    message = sent(redeemed(order={"id": "ord_1", "items": items}, customer=customer))
    assert message["properties"]["order"]["items"] == items
    assert message["context"]["voucherify"]["reduced"] == ["customer.metadata"]


def test_a_source_id_that_fills_an_event_alone_is_quarantined() -> None:
    arrival = told(redeemed(customer={**ANNA, "source_id": "x" * 40_000}))
    assert (arrival.status, arrival.outgoing) == (Status.QUARANTINED, ())
    assert arrival.reason == "over Segment's 32 KB even without its properties"
    assert arrival.identity is not None


def test_a_source_id_that_fits_only_without_its_repetition_is_sent() -> None:
    message = sent(redeemed(customer={**ANNA, "source_id": "x" * 20_000}))
    assert message["userId"] == "x" * 20_000
    assert "customer.source_id" in message["context"]["voucherify"]["reduced"]
