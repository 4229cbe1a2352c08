"""Translation of raw events: statuses, keys, Engage, and ignored events."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.json_text import LEVELS, read
from bridge.messages import Arrival, Status
from bridge.to_voucherify import translate_event
from bridge.to_voucherify.raw_events.presets import ADD_CUSTOM_EVENT, PRESETS, UPSERT_CUSTOMER
from tests.to_voucherify.raw import event, mapped, row, sent, take
from tests.to_voucherify.test_events import JSON

OFF = {"Voucherify (Actions)": False}
MEMBER = {"personas": {"computation_key": "big_spender", "computation_class": "audience"}}


def fate(arrival: Arrival) -> tuple[str, str]:
    return arrival.status, arrival.reason


def test_each_matching_mapping_makes_a_delivery_with_its_own_key() -> None:
    only = row("Big Orders", subscribe='type = "track" and properties.total >= 100')
    arrival = mapped(event(properties={"total": 100}), row("All"), only, row("Pages", subscribe='type = "page"'))
    assert (arrival.status, arrival.event, arrival.customer) == (Status.ACCEPTED, "Paid", "anna-1")
    assert [json.loads(one.key) for one in arrival.outgoing] == [["All", "m-1"], ["Big Orders", "m-1"]]
    assert arrival.identity is None


def test_no_two_pairs_of_name_and_message_id_share_a_key() -> None:
    keys = [
        mapped(event(messageId=message_id), row(name)).outgoing[0].key
        for name, message_id in [("a", "b,c"), ("a,b", "c"), ('a", "b', "c"), ("a", 'b", "c')]
    ]
    assert len(set(keys)) == len(keys)


def test_a_disabled_mapping_does_not_match() -> None:
    assert fate(mapped(event(), row(enabled=False))) == (Status.IGNORED, "no mapping matches")


def test_a_mapping_that_fails_does_not_stop_the_others() -> None:
    broken = row("Broken", mapping={**ADD_CUSTOM_EVENT, "metadata": {"@path": "$.properties.text"}})
    arrival = mapped(event(properties={"text": "x"}), broken, row("Whole"))
    assert fate(arrival) == (Status.ACCEPTED, "Broken: metadata: Not an object.")
    assert [json.loads(one.key)[0] for one in arrival.outgoing] == ["Whole"]


def test_an_event_on_which_every_mapping_fails_is_quarantined() -> None:
    mapping = {**ADD_CUSTOM_EVENT, "metadata": {"@path": "$.properties.text"}}
    arrival = mapped(event(properties={"text": "x"}), row("One", mapping=mapping), row("Two", mapping=mapping))
    assert fate(arrival) == (Status.QUARANTINED, "One: metadata: Not an object.; Two: metadata: Not an object.")


def test_a_mapping_that_fails_names_the_place() -> None:
    switch = {"operator": "lower", "value": {"@path": "$.properties.name"}}
    broken = row("Broken", mapping={**ADD_CUSTOM_EVENT, "event": {"@case": switch}})
    arrival = mapped(event(properties={"name": ["x", "y"]}), broken)
    assert arrival.status is Status.QUARANTINED
    assert arrival.reason.startswith("Broken: event")


def test_an_anonymous_event_is_ignored_unless_a_mapping_finds_the_customer() -> None:
    anonymous = event(userId=None, anonymousId="nobody")
    arrival = take(anonymous)
    assert arrival.status is Status.IGNORED
    assert arrival.reason.startswith("anonymous (")
    assert arrival.customer is None
    known = {**ADD_CUSTOM_EVENT, "customer": {"source_id": {"@path": "$.anonymousId"}}}
    assert mapped(anonymous, row(mapping=known)).outgoing[0].lane == "nobody"


@pytest.mark.parametrize(
    ("integrations", "is_taken"),
    [
        ({}, True),
        ({"All": True}, True),
        ({"Mixpanel": False}, True),
        (OFF, False),
        ({"All": False}, False),
        ({"All": True, **OFF}, False),
        ({"All": False, "Voucherify (Actions)": True}, True),
        ({"All": False, "Voucherify (Actions)": {"setting": 1}}, True),
        ({"All": False, "Mixpanel": True}, False),
        ("odd", True),
        ([False], True),
    ],
)
def test_integrations_can_exclude_voucherify(integrations: Any, is_taken: bool) -> None:  # noqa: FBT001 - a row
    arrival = take(event(integrations=integrations))
    assert bool(arrival.outgoing) is is_taken
    assert arrival.status is (Status.ACCEPTED if is_taken else Status.IGNORED)
    assert is_taken or "integrations" in arrival.reason


def test_the_bridges_own_events_are_ignored_without_integrations() -> None:
    arrival = take(event(context={"voucherify": {"project_id": "proj_1"}}))
    assert fate(arrival) == (Status.IGNORED, "the bridge's own event")


def test_an_invalid_event_is_quarantined_by_field() -> None:
    assert fate(take(event(event=""))) == (Status.QUARANTINED, "event: Missing.")
    assert fate(take(5)) == (Status.QUARANTINED, "the event: Not an object.")


def test_an_event_without_deliveries_is_identified_by_its_id() -> None:
    first, again, other = (take(event("alias", **more)).identity for more in ({}, {"extra": 1}, {"messageId": "m-2"}))
    assert first == again
    assert first != other


# Engage


@pytest.mark.parametrize("value", [True, False, 7, "gold", ["a"], None])
def test_a_computed_trait_becomes_metadata_under_its_name(value: Any) -> None:
    told = event("identify", traits={"big_spender": value, "metadata": {"tier": "gold"}}, context=MEMBER)
    assert sent(take(told))[0]["metadata"] == {"big_spender": value, "tier": "gold"}


def test_the_mappings_value_wins() -> None:
    told = event("identify", traits={"big_spender": True, "metadata": {"big_spender": "mine"}}, context=MEMBER)
    assert sent(take(told))[0]["metadata"] == {"big_spender": "mine"}
    cleared = event("identify", traits={"big_spender": True, "metadata": None}, context=MEMBER)
    assert sent(take({**cleared, "traits": {"big_spender": True, "metadata": None}}))[0]["metadata"] is None


@pytest.mark.parametrize(
    "told",
    [
        event("identify", traits={"big_spender": True}),
        event("identify", traits={"another": True}, context=MEMBER),
        event("identify", traits="odd", context=MEMBER),
        event("identify", traits={"big_spender": True}, context={"personas": {"computation_key": ["big_spender"]}}),
        event("identify", traits={"big_spender": True}, context={"personas": "odd"}),
    ],
)
def test_without_a_computation_key_no_trait_is_added(told: dict[str, Any]) -> None:
    assert "metadata" not in sent(take(told))[0]


def test_only_an_identify_adds_a_trait_and_only_to_a_customer() -> None:
    upsert = row(partnerAction="upsertCustomer", mapping={**UPSERT_CUSTOMER, "source_id": {"@path": "$.userId"}})
    [track] = sent(mapped(event(traits={"big_spender": True}, context=MEMBER), upsert))
    assert "metadata" not in track
    group = event("group", groupId="g", traits={"big_spender": True}, context=MEMBER)
    assert sent(take(group))[0]["metadata"] == {"group_id": "g", "group_big_spender": True}


# Any input


def test_deep_events_do_not_crash() -> None:
    deep = '{"a":' * (LEVELS - 10) + "[]" + "}" * (LEVELS - 10)
    body = json.dumps(event(properties={"metadata": "HERE"})).replace('"HERE"', deep).encode()
    assert translate_event(read(body), PRESETS).status is Status.ACCEPTED


@given(JSON)
def test_any_json_has_an_outcome(value: Any) -> None:
    assert take(value).status in (Status.ACCEPTED, Status.IGNORED, Status.QUARANTINED)


@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["track", "identify", "page", "screen", "group", "alias"]), "userId": st.text()},
        optional={
            "event": JSON,
            "name": JSON,
            "groupId": JSON,
            "traits": JSON | st.dictionaries(st.sampled_from(list(UPSERT_CUSTOMER)), JSON),
            "properties": JSON | st.dictionaries(st.sampled_from(["email", "metadata", "referral", "loyalty"]), JSON),
            "context": JSON,
            "integrations": JSON,
            "messageId": st.text(),
        },
    )
)
def test_any_event_has_an_outcome_and_payloads_are_json(value: dict[str, Any]) -> None:
    arrival = take({**value, "messageId": value.get("messageId", "m-1")})
    assert (arrival.status is Status.ACCEPTED) == bool(arrival.outgoing)
    assert all(isinstance(body, dict) for body in sent(arrival))
    assert "\0" not in "".join(one.lane or "" for one in arrival.outgoing)
