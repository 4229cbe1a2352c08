"""Declare the events that Voucherify's own source sends to Segment.

Source: the event tables in Voucherify's documentation of its Segment source.
"""

from dataclasses import dataclass

EVENT_ID = ""
"""The ``key`` of a row whose data has no id.

The id of the event itself (``event.id``) identifies it.
"""

EVERY_EVENT = ("customer", "campaign")
"""The objects that every event carries, beside the customer's ``email``."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the catalogue.

    Attributes:
        name: the event's name at Segment. Warehouses derive the table's name from it.
        type: Voucherify's type without ``customer.`` in front. Both spellings are the same event.
        fields: the objects of ``data`` that it carries beside ``EVERY_EVENT``.
        key: the path in ``data`` of the redemption's, publication's, … id. Without the id, the event is quarantined.
        customer: the objects whose own customer acted. They replace an empty ``data.customer``.
        alias: another name of the type, without ``customer.`` in front.
    """

    name: str
    type: str
    fields: tuple[str, ...]
    key: str = EVENT_ID
    customer: tuple[str, ...] = ()
    alias: str = ""


_REDEMPTION = ("order", "promotion_tier", "redemption", "voucher", "holder")
_ROLLBACK = ("order", "promotion_tier", "redemption", "redemption_rollback", "voucher", "holder")
_REWARD_REDEMPTION = ("reward", "reward_assignment", "reward_redemption", "voucher", "source", "holder", "balance")
_REWARDED = ("redemption", "referral_tier", "reward", "voucher", "holder", "balance")
_POINTS = ("earning_rule", "loyalty_tier", "order", "voucher", "holder", "balance")

# fmt: off
EVENTS = (
    Event("Customer Redemption Succeeded", "redemption.succeeded", _REDEMPTION, "redemption.id", ("redemption",)),
    Event("Customer Redemption Failed", "redemption.failed", _REDEMPTION, "redemption.id", ("redemption",)),
    Event("Customer Redemption Rollback Succeeded", "redemption.rollback.succeeded", _ROLLBACK,
          "redemption_rollback.id", ("redemption_rollback", "redemption")),
    Event("Customer Redemption Rollback Failed", "redemption.rollback.failed", _ROLLBACK,
          "redemption_rollback.id", ("redemption_rollback", "redemption")),
    Event("Customer Reward Redemptions Created", "reward_redemptions.created", _REWARD_REDEMPTION,
          "reward_redemption.id"),
    Event("Customer Reward Redemptions Completed", "reward_redemptions.completed", _REWARD_REDEMPTION,
          "reward_redemption.id"),
    Event("Customer Rewarded", "rewarded", _REWARDED, alias="rewarded.main"),
    Event("Customer Rewarded Loyalty Points", "rewarded.loyalty_points", _POINTS),
    Event("Customer Validation Succeeded", "validation.succeeded", ("validation",), "validation.id",
          ("validation",)),
    Event("Customer Validation Failed", "validation.failed", ("validation",), "validation.id", ("validation",)),
    Event("Customer Publication Succeeded", "publication.succeeded", ("publication",), "publication.id",
          ("publication",)),
    Event("Customer Publication Failed", "publication.failed", ("publication",), "publication.id",
          ("publication",)),
)
# fmt: on

BY_TYPE = {event.type: event for event in EVENTS}

_BY_SPELLING = BY_TYPE | {event.alias: event for event in EVENTS if event.alias}


def find(voucherify_type: str) -> Event | None:
    """Return the row of a Voucherify type in any spelling, or None.

    Spellings are ``EVENTS.CUSTOMER.…``, ``EVENTS.…``, ``customer.…`` and the bare type, in any case.
    """
    return _BY_SPELLING.get(voucherify_type.lower().removeprefix("events.").removeprefix("customer."))
