"""Samples of Voucherify's webhooks: every event, in both envelopes."""

import json
from collections.abc import Mapping
from typing import Any

from bridge.signature import HEADER, sign
from bridge.to_segment.catalogue import EVENTS

SECRET = "sample-secret"

ANNA = {
    "id": "cust_anna",
    "source_id": "anna-1",
    "email": "anna@example.com",
    "name": "Anna Ek",
    "metadata": {"tier": "gold", "address": {"city": "Malmö"}},
    "object": "customer",
}

BEN = {"id": "cust_ben", "source_id": "ben-2", "email": "ben@example.com", "object": "customer"}

CAMPAIGN = {
    "id": "camp_spring",
    "name": "Spring",
    "type": "AUTO_UPDATE",
    "active": True,
    "created_at": "2031-03-01T08:00:00.000Z",
    "voucher": {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}},
    "object": "campaign",
}

VOUCHER = {
    "id": "v_spring",
    "code": "SPRING-10",
    "type": "DISCOUNT_VOUCHER",
    "discount": {"type": "PERCENT", "percent_off": 10},
    "gift": None,
    "metadata": {},
    "object": "voucher",
}

CARD = {"id": "v_card", "code": "CARD-7", "type": "LOYALTY_CARD", "loyalty_card": {"points": 300, "balance": 120}}

ORDER = {
    "id": "ord_7",
    "amount": 5000,
    "items": [
        {"product_id": "prod_mug", "quantity": 2, "product": {"name": "Mug", "metadata": {"colour": "blue"}}},
        {"product_id": "prod_tea", "quantity": 1, "product": {"name": "Tea"}},
    ],
    "object": "order",
}

REWARD = {"id": "rew_tea", "name": "Tea", "type": "CAMPAIGN", "product": {"id": "prod_tea", "name": "Tea"}}


def redemption(id: str = "r_1", **changes: Any) -> dict[str, Any]:  # noqa: A002 - as Voucherify names it
    """Return the ``data`` of a redemption."""
    told = {"id": id, "date": "2031-04-05T06:07:08.900Z", "result": "SUCCESS", "order": ORDER, "customer": ANNA}
    data = {"customer": ANNA, "campaign": CAMPAIGN, "order": ORDER, "voucher": VOUCHER, "promotion_tier": None}
    return {**data, "holder": BEN, "redemption": told, **changes}


def rollback(id: str = "rr_1", **changes: Any) -> dict[str, Any]:  # noqa: A002 - as Voucherify names it
    """Return the ``data`` of a rollback."""
    told = {"id": id, "date": "2031-04-06T06:07:08.900Z", "redemption": "r_1", "customer": ANNA}
    return {**redemption(), "redemption_rollback": told, **changes}


def reward_redemption(id: str = "rewr_1", **changes: Any) -> dict[str, Any]:  # noqa: A002 - as Voucherify names it
    """Return the ``data`` of a reward's redemption."""
    data = {"customer": ANNA, "campaign": CAMPAIGN, "reward": REWARD, "voucher": CARD, "holder": ANNA}
    told = {"id": id, "state": "PENDING", "created_at": "2031-04-07T06:07:08.900Z"}
    assignment = {"id": "rewa_1", "parameters": {"loyalty": {"points": 100}}}
    source = {"id": "r_1", "type": "redemption"}
    return {
        **data,
        "reward_assignment": assignment,
        "reward_redemption": told,
        "source": source,
        "balance": 20,
    } | changes


_LOYALTY = {"customer": ANNA, "campaign": CAMPAIGN, "voucher": CARD, "holder": ANNA}
_BALANCE = {"points": 20, "total": 320, "object": "balance", "related_object": {"id": "v_card", "type": "voucher"}}
_ACT = {"created_at": "2031-04-08T06:07:08.900Z", "customer": ANNA}

DATA: dict[str, dict[str, Any]] = {
    "redemption.succeeded": redemption("r_ok"),
    "redemption.failed": redemption("r_no", order=None, voucher=None, campaign=None),
    "redemption.rollback.succeeded": rollback("rr_ok"),
    "redemption.rollback.failed": rollback("rr_no"),
    "reward_redemptions.created": reward_redemption("rewr_new"),
    "reward_redemptions.completed": reward_redemption("rewr_done"),
    "rewarded": {**_LOYALTY, "reward": REWARD, "redemption": {"id": "r_1"}, "referral_tier": None, "balance": _BALANCE},
    "rewarded.loyalty_points": {
        **_LOYALTY,
        "earning_rule": {"id": "ern_1", "loyalty": {"type": "FIXED", "points": 20}},
        "loyalty_tier": {"id": "ltr_1", "name": "Gold"},
        "order": ORDER,
        "balance": _BALANCE,
    },
    "validation.succeeded": {"customer": ANNA, "validation": {"id": "valid_ok", "valid": True, **_ACT}},
    "validation.failed": {"customer": ANNA, "validation": {"id": "valid_no", "valid": False, **_ACT}},
    "publication.succeeded": {"customer": ANNA, "campaign": CAMPAIGN, "publication": {"id": "pub_ok", **_ACT}},
    "publication.failed": {"customer": ANNA, "publication": {"id": "pub_no", "failure_code": "empty", **_ACT}},
}
"""Sample ``data`` by type of the catalogue."""

if DATA.keys() != {event.type for event in EVENTS}:
    raise ValueError("an event without a sample")


def webhook(type: str, data: Any, **envelope: Any) -> dict[str, Any]:  # noqa: A002 - as Voucherify names it
    """Return a project webhook.

    Args:
        envelope: fields that replace the envelope's; ``event_id`` is the event's own id.
    """
    event_id = envelope.pop("event_id", "ev_1")
    told = {
        "id": "whs_1",
        "project_id": "proj_1",
        "created_at": "2031-04-05T06:07:10.000Z",
        "type": type,
        "data": data,
        "source": {"id": "wh_1", "object": "webhook", "target_url": "https://bridge.example.com/webhooks/voucherify"},
        "event": {
            "id": event_id,
            "type": type,
            "created_at": "2031-04-05T06:07:09.000Z",
            "entity_id": "ent_1",
            "group_id": "grp_1",
            "event_source": {"channel": "API", "api_key": {"app_id": "app_1"}},
        },
    }
    return told | envelope


def distribution(type: str, data: Any, **envelope: Any) -> dict[str, Any]:  # noqa: A002 - as Voucherify names it
    """Return a distribution webhook of the same event.

    It has another event id, another sender, and ``customer.`` in front of the type.
    """
    source = {"id": "distr_1", "object": "distribution", "target_url": "https://bridge.example.com/webhooks/voucherify"}
    name = type if type.startswith("customer.") else f"customer.{type}"
    return webhook(name, data, **{"event_id": "ev_distribution", "source": source, **envelope})


def encode(message: Mapping[str, Any]) -> bytes:
    """Return the compact JSON text that Voucherify signs."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Return the headers of an authentic webhook."""
    return {"Content-Type": "application/json", HEADER: sign(body, secret)}
