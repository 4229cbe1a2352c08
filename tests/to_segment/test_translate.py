"""Translation: the track call of each event, and its size."""

import json
from typing import Any

import pytest

from bridge import __version__
from bridge.messages import Status
from bridge.to_segment.catalogue import EVERY_EVENT, Event
from bridge.to_segment.fit import LIMIT
from tests.to_segment.track_calls import each_event, outcome, redeemed, track_call
from tests.webhooks import ANNA, DATA, distribution, redemption, webhook


@each_event
@pytest.mark.parametrize("envelope", [webhook, distribution], ids=["project", "distribution"])
def test_each_event_is_a_track_call_with_its_fields(event: Event, envelope: Any) -> None:
    data = DATA[event.type]
    message = track_call(envelope(event.type, data))
    assert (message["type"], message["event"], message["userId"]) == ("track", event.name, "anna-1")
    carried = {name for name in (*EVERY_EVENT, *event.fields) if data.get(name) is not None}
    assert message["properties"].keys() == {"email", *carried}
    assert message["properties"]["email"] == "anna@example.com"
    assert message["integrations"] == {"Voucherify (Actions)": False}
    assert "anonymousId" not in message
    assert "reduced" not in message["context"]["voucherify"]


@each_event
def test_no_property_is_null_or_nested(event: Event) -> None:
    for name, value in track_call(webhook(event.type, DATA[event.type]))["properties"].items():
        parts = value.values() if isinstance(value, dict) else [value]
        assert not any(part is None or isinstance(part, dict) for part in parts), name


def test_the_context_names_the_integration() -> None:
    assert track_call(redeemed())["context"]["integration"] == {
        "name": "voucherify-segment-bridge",
        "version": __version__,
    }


def test_objects_keyed_by_ids_are_arrays_of_objects() -> None:
    order = {"id": "ord_1", "redemptions": {"r_0e2905d4e6985a04b5": {"date": "2031-04-05", "stack": {"id": "s"}}}}
    tier = {
        "id": "ltr_1",
        "earning_rules": {"ern_FQxftbKUq9E93k00Z3qkC0sX": {"type": "MULTIPLY", "multiplier": 2}},
        "rewards": {"rewa_mcn5Lp8texqmbgQbadLMqSoQ": {"type": "MULTIPLY", "multiplier": 1}},
    }
    data = DATA["rewarded.loyalty_points"] | {"order": order, "loyalty_tier": tier}
    properties = track_call(webhook("customer.rewarded.loyalty_points", data))["properties"]
    assert properties["order"]["redemptions"] == [{"id": "r_0e2905d4e6985a04b5", "date": "2031-04-05", "stack_id": "s"}]
    assert properties["loyalty_tier"] == {
        "id": "ltr_1",
        "earning_rules": [{"id": "ern_FQxftbKUq9E93k00Z3qkC0sX", "type": "MULTIPLY", "multiplier": 2}],
        "rewards": [{"id": "rewa_mcn5Lp8texqmbgQbadLMqSoQ", "type": "MULTIPLY", "multiplier": 1}],
    }


def test_two_paths_of_one_name_are_both_sent() -> None:
    customer = {**ANNA, "metadata": {"a_b": 1, "a": {"b": 2}}}
    properties = track_call(redeemed(customer=customer))["properties"]
    assert (properties["customer"]["metadata_a_b"], properties["customer"]["metadata_a_b_2"]) == (1, 2)


def test_objects_are_flattened_to_the_columns_of_the_warehouse() -> None:
    properties = track_call(redeemed())["properties"]
    assert properties["voucher"]["discount_percent_off"] == 10
    assert properties["customer"]["metadata_address_city"] == "Malmö"
    assert properties["order"]["items"][0]["product_metadata_colour"] == "blue"
    assert "gift" not in properties["voucher"]


@pytest.mark.parametrize("balance", [0, 20, 1.5], ids=repr)
def test_a_balance_may_be_a_number(balance: float) -> None:
    data = DATA["reward_redemptions.created"] | {"balance": balance}
    assert track_call(webhook("customer.reward_redemptions.created", data))["properties"]["balance"] == balance


def test_the_context_has_the_origin() -> None:
    assert track_call(redeemed())["context"]["voucherify"] == {
        "project_id": "proj_1",
        "event_id": "ev_1",
        "webhook_id": "wh_1",
        "channel": "API",
    }


def test_the_context_leaves_out_missing_values() -> None:
    bare = {"type": "redemption.succeeded", "data": redemption()}
    assert track_call(bare)["context"]["voucherify"] == {}


def test_an_event_over_the_limit_is_reduced_and_names_the_removals() -> None:
    order = {"id": "ord_big", "items": [{"sku": f"sku-{number}", "note": "ö" * 10} for number in range(2_000)]}
    message = redeemed(order=order, redemption={"id": "r_1", "order": order, "voucher": {"code": "A"}})
    [outgoing] = outcome(message).outgoing
    assert len(outgoing.payload) <= LIMIT
    reduced = json.loads(outgoing.payload)
    assert reduced["context"]["voucherify"]["reduced"][0] == "redemption.order"
    assert "order.items" in reduced["context"]["voucherify"]["reduced"]
    assert reduced["properties"]["order"]["items_omitted"] + len(reduced["properties"]["order"]["items"]) == 2_000
    assert reduced["messageId"] == track_call(redeemed())["messageId"]


def test_large_metadata_does_not_remove_items() -> None:
    items = [{"product_id": "prod_mug", "quantity": 2}, {"product_id": "prod_tea", "quantity": 1}]
    customer = {**ANNA, "metadata": {"note": "x" * 33_000}}
    message = track_call(redeemed(order={"id": "ord_1", "items": items}, customer=customer))
    assert message["properties"]["order"]["items"] == items
    assert message["context"]["voucherify"]["reduced"] == ["customer.metadata"]


def test_a_source_id_that_fills_an_event_alone_is_quarantined() -> None:
    arrival = outcome(redeemed(customer={**ANNA, "source_id": "x" * 40_000}))
    assert (arrival.status, arrival.outgoing) == (Status.QUARANTINED, ())
    assert arrival.reason == "over Segment's 32 KB even without its properties"
    assert arrival.identity is not None


def test_a_source_id_that_fits_only_without_its_repetition_is_sent() -> None:
    message = track_call(redeemed(customer={**ANNA, "source_id": "x" * 20_000}))
    assert message["userId"] == "x" * 20_000
    assert "customer.source_id" in message["context"]["voucherify"]["reduced"]
