"""A redemption as a project webhook tells it, of 4 to 5 KB; each number is another event and another redemption.

The data is made up; its shape is that of Voucherify's published OpenAPI description.
"""

import json
from typing import Any

from bridge.signature import HEADER, sign

SECRET = "benchmark-secret"
PATH = "/webhooks/voucherify"

_EVENT, _REDEMPTION = b"ev_NUMBER", b"r_NUMBER"


def body(number: int) -> bytes:
    """The webhook's compact JSON."""
    return _TEXT.replace(_EVENT, b"ev_%016x" % number).replace(_REDEMPTION, b"r_%016x" % number)


def http_request(number: int) -> bytes:
    """The signed webhook as it goes over the wire, on a connection that stays open."""
    content = body(number)
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n{HEADER}: {sign(content, SECRET)}\r\n\r\n"
    )
    return head.encode() + content


_CUSTOMER = {
    "id": "cust_4uXq0Zr2M8bHn6TgLw1sVdKa",
    "source_id": "shop-customer-204816",
    "name": "Zofia Brzęk",
    "email": "zofia.brzek@example.com",
    "metadata": {"language": "pl", "newsletter": True, "tier": "silver", "first_order": "2023-04-11"},
    "object": "customer",
}


def _item(source_id: str, name: str, quantity: int, price: int, discount: int) -> dict[str, Any]:
    return {
        "object": "order_item",
        "source_id": source_id,
        "related_object": "sku",
        "quantity": quantity,
        "amount": quantity * price,
        "discount_amount": discount,
        "applied_discount_amount": discount,
        "price": price,
        "subtotal_amount": quantity * price - discount,
        "product": {"name": name, "override": True},
    }


_ORDER = {
    "id": "ord_B7yPs2KdQm9XcVt5Ej3RhNwf",
    "source_id": "2024-118823",
    "status": "PAID",
    "customer_id": _CUSTOMER["id"],
    "referrer_id": None,
    "amount": 18400,
    "items_discount_amount": 1200,
    "items_applied_discount_amount": 1200,
    "total_discount_amount": 1200,
    "total_applied_discount_amount": 1200,
    "total_amount": 17200,
    "items": [
        _item("tea-earl-grey-500", "Earl Grey, 500 g", 2, 4200, 600),
        _item("pot-glass-1200", "Glass teapot, 1.2 l", 1, 10000, 600),
    ],
    "metadata": {"channel": "web", "gift": False},
    "created_at": "2024-05-06T08:15:41.108Z",
    "object": "order",
}

_VOUCHER = {
    "id": "v_Hc1mTzR5oYk8uQe3WxJd7LpA2sNvGb6f",
    "code": "TEA-SPRING-7KX2M",
    "discount": {"type": "AMOUNT", "amount_off": 600, "effect": "APPLY_TO_ITEMS"},
    "type": "DISCOUNT_VOUCHER",
    "campaign": "Spring tea",
    "campaign_id": "camp_Rk5WbN8fXo2TzVq9CyLs1DpH",
    "is_referral_code": False,
    "category_id": None,
    "active": True,
    "metadata": {"printed": False},
    "created_at": "2024-03-01T06:00:02.551Z",
    "updated_at": "2024-05-06T08:15:41.140Z",
    "object": "voucher",
}

_CAMPAIGN = {
    "id": _VOUCHER["campaign_id"],
    "name": _VOUCHER["campaign"],
    "campaign_type": "DISCOUNT_COUPONS",
    "type": "AUTO_UPDATE",
    "is_referral_code": False,
    "voucher": {
        "type": "DISCOUNT_VOUCHER",
        "discount": _VOUCHER["discount"],
        "redemption": {"quantity": 1, "redeemed_quantity": 0},
        "code_config": {"length": 5, "prefix": "TEA-SPRING-", "charset": "23456789ACDEFGHJKMNPQRTUVWXY"},
    },
    "auto_join": False,
    "join_once": True,
    "active": True,
    "category_id": None,
    "created_at": "2024-02-26T13:20:55.017Z",
    "updated_at": "2024-02-28T09:44:10.930Z",
    "object": "campaign",
}

_WEBHOOK = {
    "id": "whs_0f3c6a91d2b84e57",
    "project_id": "proj_Vb4nQ8sLtXe2KwRz",
    "created_at": "2024-05-06T08:15:41.902Z",
    "type": "redemption.succeeded",
    "data": {
        "customer": _CUSTOMER,
        "order": _ORDER,
        "campaign": _CAMPAIGN,
        "voucher": _VOUCHER,
        "holder": None,
        "promotion_tier": None,
        "redemption": {
            "id": _REDEMPTION.decode(),
            "customer_id": _CUSTOMER["id"],
            "tracking_id": "track_s6VhTq0wLrXzYb3nMf8KdJ5ePc2GuA1o",
            "date": "2024-05-06T08:15:41.152Z",
            "order": _ORDER,
            "customer": _CUSTOMER,
            "result": "SUCCESS",
            "status": "SUCCEEDED",
            "voucher": _VOUCHER,
            "metadata": {"till": "web-3"},
            "object": "redemption",
        },
        "created_at": "2024-05-06T08:15:41.153Z",
    },
    "source": {"id": "wh_71e5", "object": "webhook", "target_url": "https://bridge.example.com/webhooks/voucherify"},
    "event": {
        "id": _EVENT.decode(),
        "type": "redemption.succeeded",
        "created_at": "2024-05-06T08:15:41.152Z",
        "entity_id": _REDEMPTION.decode(),
        "group_id": "v0_9a41c7",
        "event_source": {
            "channel": "API",
            "api_key": {"name": "shop", "app_id": "00000000-0000-4000-8000-00000000001a"},
        },
    },
}

_TEXT = json.dumps(_WEBHOOK, separators=(",", ":"), ensure_ascii=False).encode()
