"""Make a sample webhook of each of the 12 events.

The shop is invented. The shape is that of Voucherify's webhooks.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.json_text import write
from bridge.to_segment.catalogue import EVENTS, Event

CUSTOMER = {
    "id": "cust_Uq3ZtB0sPl5nYc8K",
    "source_id": "ada-1815",
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "metadata": {"lang": "en", "newsletter": True},
    "object": "customer",
}
CAMPAIGN = {
    "id": "camp_7dHf2MvXw9QrTz",
    "name": "Autumn discounts",
    "campaign_type": "DISCOUNT_COUPONS",
    "type": "AUTO_UPDATE",
    "active": True,
    "created_at": "2026-09-01T08:00:00.000Z",
    "voucher": {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10.0}},
    "object": "campaign",
}
LOYALTY_CAMPAIGN = {
    "id": "camp_4bXn8LpGk1VsRe",
    "name": "Book club",
    "campaign_type": "LOYALTY_PROGRAM",
    "type": "AUTO_UPDATE",
    "active": True,
    "created_at": "2026-01-02T08:00:00.000Z",
    "voucher": {"type": "LOYALTY_CARD", "loyalty_card": {"points": 0}},
    "object": "campaign",
}
VOUCHER = {
    "id": "v_Kc6WmJ2yNf0QxA",
    "code": "AUTUMN-7F3K",
    "type": "DISCOUNT_VOUCHER",
    "campaign": "Autumn discounts",
    "campaign_id": "camp_7dHf2MvXw9QrTz",
    "discount": {"type": "PERCENT", "effect": "APPLY_TO_ORDER", "percent_off": 10.0},
    "redemption": {"quantity": 1, "redeemed_quantity": 1},
    "active": True,
    "object": "voucher",
}
CARD = {
    "id": "v_Rt5HqZ8dMb3LwE",
    "code": "CLUB-1815",
    "type": "LOYALTY_CARD",
    "campaign": "Book club",
    "campaign_id": "camp_4bXn8LpGk1VsRe",
    "loyalty_card": {"points": 900, "balance": 850},
    "holder_id": "cust_Uq3ZtB0sPl5nYc8K",
    "active": True,
    "object": "voucher",
}
ORDER = {
    "id": "ord_Xn4TbG7hYs2KpC",
    "source_id": "order-90210",
    "status": "PAID",
    "amount": 5400,
    "total_discount_amount": 540,
    "total_amount": 4860,
    "items": [
        {"object": "order_item", "source_id": "book-analytical-engine", "quantity": 1, "price": 3900, "amount": 3900},
        {"object": "order_item", "source_id": "notebook-squared", "quantity": 3, "price": 500, "amount": 1500},
    ],
    "metadata": {"channel": "web"},
    "object": "order",
}
REWARD = {"id": "rew_2mKd6VfPz0", "name": "A book of choice", "type": "MATERIAL", "object": "reward"}
ASSIGNMENT = {"id": "rewa_8sJx1CgNt5", "reward_id": "rew_2mKd6VfPz0", "parameters": {"loyalty": {"points": 50}}}


def webhook(event: Event, unique: str, happened_at: datetime | None = None) -> bytes:
    """Make the body of a project webhook, as Voucherify writes it.

    Args:
        unique: a part of every id that must differ between two events.
        happened_at: now, if None. Aware.
    """
    time = (happened_at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return write(
        {
            "id": f"whs_{unique}",
            "project_id": "proj_bookshop",
            "created_at": time,
            "type": event.type,
            "data": {"customer": CUSTOMER, "campaign": CAMPAIGN, **_DATA[event.type](unique, time)},
            "source": {"id": "wh_bookshop", "object": "webhook", "target_url": "https://bridge.example.com"},
            "event": {
                "id": f"ev_{unique}",
                "type": event.type,
                "created_at": time,
                "event_source": {"channel": "API"},
            },
        }
    )


def all_webhooks(unique: str) -> Mapping[str, bytes]:
    """Make all 12 webhooks, by the event's name at Segment."""
    return {event.name: webhook(event, f"{unique}{number:02}") for number, event in enumerate(EVENTS, 1)}


def _redemption(unique: str, time: str, **result: Any) -> dict[str, Any]:
    return {
        "id": f"r_{unique}",
        "date": time,
        "object": "redemption",
        "customer_id": CUSTOMER["id"],
        "tracking_id": "track_ada",
        "customer": CUSTOMER,
        "order": ORDER,
        "voucher": VOUCHER,
        **result,
    }


_DONE = {"result": "SUCCESS", "status": "SUCCEEDED"}
_REFUSED = {"result": "FAILURE", "status": "FAILED", "failure_code": "quantity_exceeded"}


def _redeemed(result: Mapping[str, Any]) -> Any:
    return lambda unique, time: {
        "order": ORDER,
        "voucher": VOUCHER,
        "holder": CUSTOMER,
        "promotion_tier": None,
        "redemption": _redemption(unique, time, **result),
    }


def _rolled_back(result: Mapping[str, Any]) -> Any:
    return lambda unique, time: {
        **_redeemed(_DONE)(unique, time),
        "redemption_rollback": {
            "id": f"rr_{unique}",
            "date": time,
            "object": "redemption_rollback",
            "reason": "order returned",
            "redemption": f"r_{unique}",
            **result,
        },
    }


def _reward_redemption(state: str) -> Any:
    return lambda unique, time: {
        "campaign": LOYALTY_CAMPAIGN,
        "voucher": CARD,
        "holder": CUSTOMER,
        "reward": REWARD,
        "reward_assignment": ASSIGNMENT,
        "reward_redemption": {"id": f"rewr_{unique}", "state": state, "created_at": time, "voucher_id": CARD["id"]},
        "source": {"id": f"r_{unique}", "type": "redemption"},
        "balance": {"amount": -50},
    }


def _rewarded(unique: str, time: str) -> dict[str, Any]:
    return {
        "campaign": LOYALTY_CAMPAIGN,
        "voucher": CARD,
        "holder": CUSTOMER,
        "redemption": _redemption(unique, time, amount=50, **_DONE),
        "reward": REWARD,
        "referral_tier": None,
        "balance": {"amount": -50},
    }


def _points(unique: str, _time: str) -> dict[str, Any]:
    return {
        "campaign": LOYALTY_CAMPAIGN,
        "voucher": CARD,
        "holder": CUSTOMER,
        "earning_rule": {"id": "ern_1", "event": "order.paid", "loyalty": {"type": "FIXED", "points": 50}},
        "loyalty_tier": {"id": "ltr_silver", "name": "Silver"},
        "order": {**ORDER, "id": f"ord_{unique}"},
        "balance": {"total": 900, "balance": 900, "points": 50, "operation_type": "AUTOMATIC"},
    }


def _validated(result: Mapping[str, Any]) -> Any:
    return lambda unique, time: {
        "validation": {
            "id": f"valid_{unique}",
            "created_at": time,
            "customer": CUSTOMER,
            "redeemables": [{"object": "voucher", "id": "AUTUMN-7F3K", **result}],
        }
    }


def _published(result: Mapping[str, Any]) -> Any:
    return lambda unique, time: {
        "publication": {
            "id": f"pub_{unique}",
            "object": "publication",
            "created_at": time,
            "channel": "API",
            "customer": CUSTOMER,
            "voucher": {"id": VOUCHER["id"], "code": VOUCHER["code"]},
            **result,
        }
    }


_DATA: dict[str, Any] = {
    "redemption.succeeded": _redeemed(_DONE),
    "redemption.failed": _redeemed(_REFUSED),
    "redemption.rollback.succeeded": _rolled_back(_DONE),
    "redemption.rollback.failed": _rolled_back(_REFUSED),
    "reward_redemptions.created": _reward_redemption("PENDING"),
    "reward_redemptions.completed": _reward_redemption("COMPLETED"),
    "rewarded": _rewarded,
    "rewarded.loyalty_points": _points,
    "validation.succeeded": _validated({"status": "APPLICABLE"}),
    "validation.failed": _validated({"status": "INAPPLICABLE"}),
    "publication.succeeded": _published({"result": "SUCCESS"}),
    "publication.failed": _published({"result": "FAILURE"}),
}
