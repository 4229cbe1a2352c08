from collections.abc import Callable

import pytest

from bridge.to_segment.catalogue import BY_TYPE, EVENTS, Event, find

# The contract with warehouses that have tables of these names, repeated here to detect changes.
_REDEMPTION = {"order", "promotion_tier", "redemption", "voucher", "holder"}
_REWARD_REDEMPTION = {"reward", "reward_assignment", "reward_redemption", "voucher", "source", "holder", "balance"}
CONTRACT = {
    "redemption.succeeded": ("Customer Redemption Succeeded", _REDEMPTION),
    "redemption.failed": ("Customer Redemption Failed", _REDEMPTION),
    "redemption.rollback.succeeded": (
        "Customer Redemption Rollback Succeeded",
        {*_REDEMPTION, "redemption_rollback"},
    ),
    "redemption.rollback.failed": ("Customer Redemption Rollback Failed", {*_REDEMPTION, "redemption_rollback"}),
    "reward_redemptions.created": ("Customer Reward Redemptions Created", _REWARD_REDEMPTION),
    "reward_redemptions.completed": ("Customer Reward Redemptions Completed", _REWARD_REDEMPTION),
    "rewarded": ("Customer Rewarded", {"redemption", "referral_tier", "reward", "voucher", "holder", "balance"}),
    "rewarded.loyalty_points": (
        "Customer Rewarded Loyalty Points",
        {"earning_rule", "loyalty_tier", "order", "voucher", "holder", "balance"},
    ),
    "validation.succeeded": ("Customer Validation Succeeded", {"validation"}),
    "validation.failed": ("Customer Validation Failed", {"validation"}),
    "publication.succeeded": ("Customer Publication Succeeded", {"publication"}),
    "publication.failed": ("Customer Publication Failed", {"publication"}),
}

each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)


def test_the_events_are_exactly_twelve() -> None:
    assert BY_TYPE.keys() == CONTRACT.keys()
    assert len(EVENTS) == 12


@each_event
def test_an_event_has_the_name_and_the_fields_of_the_contract(event: Event) -> None:
    assert (event.name, set(event.fields)) == CONTRACT[event.type]


@each_event
@pytest.mark.parametrize(
    "spelling",
    ["{}", "customer.{}", "EVENTS.{}", "EVENTS.CUSTOMER.{}", "events.customer.{}"],
    ids=["plain", "customer.", "EVENTS.", "EVENTS.CUSTOMER.", "events.customer."],
)
@pytest.mark.parametrize("letters", [str.lower, str.upper], ids=["lower", "upper"])
def test_every_spelling_of_a_type_is_the_same_event(event: Event, spelling: str, letters: Callable[[str], str]) -> None:
    assert find(spelling.format(letters(event.type))) is event


@pytest.mark.parametrize("name", ["CUSTOMER.REWARDED.MAIN", "EVENTS.CUSTOMER.REWARDED.MAIN", "customer.rewarded.main"])
def test_rewarded_main_is_rewarded(name: str) -> None:
    assert find(name) is BY_TYPE["rewarded"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "main",
        "redemption.succeeded.main",
        "customer",
        "customer.",
        "redemption",
        "customer.created",
        "redemption.succeeded.",
        "x.redemption.succeeded",
    ],
    ids=repr,
)
def test_any_other_type_is_not_in_the_catalogue(name: str) -> None:
    assert find(name) is None


@each_event
def test_keys_and_repeats_are_in_objects_of_the_event(event: Event) -> None:
    assert event.key.partition(".")[0] in {"", *event.fields}
    assert {*event.customer} <= {*event.fields}
