"""The presets make the same requests as Segment's own destination.

Its results were recorded from its published packages (actions-core 3.170.0, action-destinations 3.497.0).
"""

import json
from typing import Any

import pytest

from bridge.errors import Invalid
from bridge.messages import EVENT_TYPES as TYPES
from bridge.messages import Status
from bridge.to_voucherify import translate
from bridge.to_voucherify.actions import ACTIONS, BY_SLUG
from bridge.to_voucherify.raw_events.presets import PRESETS, ROWS
from tests.to_voucherify.raw import event, sent, take

UPSERT, EVENT, GROUP = "upsert_customer", "add_custom_event", "assign_group"

RECORDED: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "identify": (
        event(
            "identify",
            traits={
                "name": 5,
                "first_name": True,
                "email": None,
                "phone": "",
                "birthdate": 19900501,
                "address": {"city": 7, "state": None},
                "metadata": {"a": 1, "b": True, "c": None, "d": [1, 2], "e": {"f": 1}, "g": ""},
            },
        ),
        UPSERT,
        {
            "source_id": "anna-1",
            "name": "5",
            "first_name": "true",
            "email": None,
            "birthdate": "19900501",
            "address": {"city": "7", "state": None},
            "metadata": {"a": 1, "b": True, "c": None, "d": [1, 2], "e": {"f": 1}, "g": ""},
            "type": "identify",
        },
    ),
    "track": (
        event(
            "track",
            properties={
                "email": 5,
                "referral": {"code": 7},
                "loyalty": {"code": None},
                "metadata": {"a": 1, "b": True, "n": None, "o": {"p": 1}},
            },
        ),
        EVENT,
        {
            "customer": {"source_id": "anna-1", "email": "5"},
            "referral": {"code": "7"},
            "loyalty": {},
            "metadata": {"a": 1, "b": True, "n": None, "o": {"p": 1}},
            "event": "Paid",
            "type": "track",
        },
    ),
    "track, of a known visitor": (
        event("track", context={"traits": {"email": "anna@example.com"}}),
        EVENT,
        {
            "customer": {"source_id": "anna-1", "email": "anna@example.com"},
            "referral": {},
            "loyalty": {},
            "event": "Paid",
            "type": "track",
        },
    ),
    "track, that has a name, too": (
        event("track", name="N"),
        EVENT,
        {"customer": {"source_id": "anna-1"}, "referral": {}, "loyalty": {}, "event": "Paid", "type": "track"},
    ),
    "page": (
        event("page", name="Home", properties={}),
        EVENT,
        {
            "customer": {"source_id": "anna-1"},
            "referral": {},
            "loyalty": {},
            "event": "Viewed Home Page",
            "type": "page",
        },
    ),
    "page without a name": (
        event("page", properties={"referral": "x"}),
        EVENT,
        {"customer": {"source_id": "anna-1"}, "referral": {}, "loyalty": {}, "event": "Viewed  Page", "type": "page"},
    ),
    "screen": (
        event("screen", name="Basket", properties={"metadata": {}}),
        EVENT,
        {
            "customer": {"source_id": "anna-1"},
            "referral": {},
            "loyalty": {},
            "metadata": {},
            "event": "Viewed Basket Screen",
            "type": "screen",
        },
    ),
    "group": (
        event("group", groupId="5", traits={"plan": "pro", "seats": 12, "x": None, "y": False}, email="e@x.de"),
        GROUP,
        {
            "customer": {"source_id": "anna-1", "email": "e@x.de"},
            "group_id": "5",
            "traits": {"plan": "pro", "seats": 12, "x": None, "y": False},
            "type": "group",
        },
    ),
    "group without traits": (
        event("group", groupId="g", traits=None),
        GROUP,
        {"customer": {"source_id": "anna-1"}, "group_id": "g", "type": "group"},
    ),
}

REFUSED: dict[str, dict[str, Any]] = {
    "metadata that is a text": event("track", properties={"metadata": "x"}),
    "metadata that is a list": event("track", properties={"metadata": [1]}),
    "a group without an id": event("group", traits={"plan": "pro"}),
}
"""Payloads that Segment's validation rejects, too."""


@pytest.mark.parametrize("case", RECORDED)
def test_the_request_is_that_of_segments_own_call(case: str) -> None:
    told, action, call = RECORDED[case]
    arrival = take(told)
    [expected] = translate(action, json.dumps(call).encode(), "unique").outgoing
    [outgoing] = arrival.outgoing
    assert (arrival.status, arrival.reason) == (Status.ACCEPTED, "")
    assert json.loads(outgoing.payload) == json.loads(expected.payload)
    assert (outgoing.lane, outgoing.mergeable, outgoing.sink) == (expected.lane, expected.mergeable, expected.sink)


# Results of Segment's engine for the same events: printed numbers, lists of one item, falsy values.
CONVERTED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        event("identify", traits={"description": 1e-7, "phone": 1e16}),
        {"source_id": "anna-1", "description": "1e-7", "phone": "10000000000000000"},
    ),
    (
        event("identify", traits={"phone": 12345678901234567890, "name": ["Anna"], "address": {"city": [5]}}),
        {"source_id": "anna-1", "phone": "12345678901234567000", "name": "Anna", "address": {"city": "5"}},
    ),
    (
        event("track", event="Paid", properties={"email": ["a@example.org"], "loyalty": {"code": [7]}}),
        {"event": "Paid", "customer": {"source_id": "anna-1", "email": "a@example.org"}, "loyalty": {"code": "7"}},
    ),
    (event("identify", traits={"metadata": False}), {"source_id": "anna-1", "metadata": None}),
    (event("identify", traits={"metadata": [0]}), {"source_id": "anna-1", "metadata": None}),
    (event("identify", traits={"metadata": [{"a": 1}]}), {"source_id": "anna-1", "metadata": {"a": 1}}),
]


@pytest.mark.parametrize(("told", "body"), CONVERTED)
def test_values_are_converted_as_segment_converts_them(told: dict[str, Any], body: dict[str, Any]) -> None:
    assert sent(take(told)) == [body]


def test_an_invalid_customer_field_is_left_out_alone() -> None:
    traits = {"email": "a@example.org", "birthdate": "31/31/1990", "metadata": "x", "description": {"a": 1}}
    [outgoing] = take(event("identify", traits=traits)).outgoing
    payload = json.loads(outgoing.payload)
    assert payload["body"] == {"source_id": "anna-1", "email": "a@example.org"}
    assert payload["left_out"] == {
        "birthdate": "Not a date, or not clear which one.",
        "description": "Not a text.",
        "metadata": "Not an object.",
    }


@pytest.mark.parametrize("case", REFUSED)
def test_a_payload_that_segment_rejects_is_quarantined_with_the_reason(case: str) -> None:
    arrival = take(REFUSED[case])
    assert (arrival.status, arrival.outgoing, arrival.customer) == (Status.QUARANTINED, (), "anna-1")
    assert any(arrival.reason.startswith(preset.name) for preset in PRESETS)


def test_no_preset_matches_an_alias() -> None:
    arrival = take(event("alias", previousId="nobody"))
    assert (arrival.status, arrival.reason, sent(arrival)) == (Status.IGNORED, "no mapping matches", [])


def test_every_other_type_has_one_preset() -> None:
    assert sorted(str(one.trigger) for one in PRESETS) == sorted(
        f'type = "{kind}"' for kind in TYPES if kind != "alias"
    )
    assert all(one.enabled for one in PRESETS)
    assert [row["partnerAction"] for row in ROWS] == [one.action.slug for one in PRESETS]
    assert {action.slug for action in ACTIONS.values()} == BY_SLUG.keys()


def test_a_call_that_the_action_rejects_is_rejected_here() -> None:
    with pytest.raises(Invalid):
        translate(GROUP, b'{"customer": {"source_id": "anna-1"}, "type": "group"}', "unique")
