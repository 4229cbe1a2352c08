"""Identities and message ids: repeats have the same, events have their own."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.messages import Arrival
from bridge.to_segment import translate
from bridge.to_segment.catalogue import EVENT_ID, EVENTS, Event
from tests.webhooks import DATA, distribution, encode, redemption, webhook

NOW = datetime(2031, 4, 9, tzinfo=UTC)

each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
named_by_data = pytest.mark.parametrize(
    "event", [one for one in EVENTS if one.key != EVENT_ID], ids=lambda one: one.type
)


def told(message: Any, at: datetime = NOW) -> Arrival:
    return translate(encode(message), at)


def key(message: Any) -> str:
    [outgoing] = told(message).outgoing
    return outgoing.key


def test_a_message_id_is_the_same_on_any_machine() -> None:
    # The beginning of the SHA-256 of ["proj_1", "Customer Redemption Succeeded", "r_1"]. If this changes,
    # Segment accepts events that it already has as new.
    message = webhook("redemption.succeeded", redemption("r_1"))
    assert key(message) == "bridge-41b1697b5cf5172aef7b050d3a520ada"


@each_event
def test_a_message_id_fits_and_does_not_depend_on_the_day(event: Event) -> None:
    message = webhook(event.type, DATA[event.type])
    late = told(message, NOW + timedelta(days=200)).outgoing
    assert late == told(message).outgoing
    assert len(key(message)) <= 100


def test_each_event_has_its_own_message_id() -> None:
    ids = {key(webhook(event.type, DATA[event.type])) for event in EVENTS}
    assert len(ids) == len(EVENTS)


@named_by_data
def test_project_and_distribution_webhook_of_the_same_are_one_event(event: Event) -> None:
    data = DATA[event.type]
    project, other = told(webhook(event.type, data)), told(distribution(event.type, data))
    assert project.outgoing[0].key == other.outgoing[0].key
    assert project.identity != other.identity


@pytest.mark.parametrize("event", [one for one in EVENTS if one.key == EVENT_ID], ids=lambda one: one.type)
def test_without_a_key_the_event_id_identifies(event: Event) -> None:
    data = DATA[event.type]
    assert key(webhook(event.type, data)) == key(distribution(event.type, data, event_id="ev_1"))
    assert key(webhook(event.type, data)) != key(webhook(event.type, data, event_id="ev_2"))


def test_without_any_id_the_data_identifies() -> None:
    data = DATA["rewarded"]
    bare = webhook("customer.rewarded", data, event={"type": "customer.rewarded"})
    assert key(bare) == key({**bare, "id": "whs_2"})
    assert key(bare) != key(bare | {"data": data | {"balance": 7}})


@named_by_data
def test_the_same_object_in_another_project_is_another_event(event: Event) -> None:
    data = DATA[event.type]
    assert key(webhook(event.type, data)) != key(webhook(event.type, data, project_id="proj_2"))


def test_the_six_redemptions_of_a_stack_of_five_are_six() -> None:
    stack = [redemption(f"r_{number}") for number in range(5)] + [redemption("r_parent")]
    assert len({key(webhook("redemption.succeeded", data)) for data in stack}) == 6


def test_the_parts_of_an_id_are_separated() -> None:
    one = webhook("redemption.succeeded", redemption("b"), project_id="a ")
    other = webhook("redemption.succeeded", redemption(" b"), project_id="a")
    assert key(one) != key(other)


@pytest.mark.parametrize(
    "changes",
    [{"id": "whs_2"}, {"created_at": "2031-04-06T00:00:00.000Z"}, {"new": True}],
    ids=lambda one: next(iter(one)),
)
def test_a_retry_is_the_same_call_with_the_same_content(changes: dict[str, Any]) -> None:
    message = webhook("redemption.succeeded", redemption())
    assert told(message | changes).identity == told(message).identity


def test_the_order_of_keys_does_not_matter() -> None:
    message = webhook("redemption.succeeded", redemption())
    shuffled = json.loads(encode(message), object_pairs_hook=lambda pairs: dict(random.sample(pairs, len(pairs))))
    assert told(shuffled).identity == told(message).identity


def test_other_data_under_the_same_event_id_is_a_contradiction() -> None:
    one, other = (told(webhook("redemption.succeeded", redemption(order={"id": name}))) for name in "ab")
    assert one.identity is not None
    assert other.identity is not None
    assert one.identity.call == other.identity.call
    assert one.identity.digest != other.identity.digest


@pytest.mark.parametrize(
    "changes",
    [{"event_id": "ev_2"}, {"source": {"id": "wh_2"}}, {"project_id": "proj_2"}],
    ids=["event", "webhook", "project"],
)
def test_another_event_webhook_or_project_is_another_call(changes: dict[str, Any]) -> None:
    one = told(webhook("redemption.succeeded", redemption())).identity
    other = told(webhook("redemption.succeeded", redemption(), **changes)).identity
    assert one is not None
    assert other is not None
    assert one.call != other.call


@pytest.mark.parametrize("event", [None, {}, {"id": None}, {"id": ""}], ids=repr)
def test_a_webhook_without_an_event_id_has_no_identity(event: Any) -> None:
    assert told(webhook("redemption.succeeded", redemption(), event=event)).identity is None
