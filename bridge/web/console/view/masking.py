"""Mask customer data.

This module lists the values that are shown, by key and form. Every other value is hidden, including those of unknown
keys. The shown values tell events apart, and say when and how they were delivered.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from bridge.prose import HIDDEN, mask_reason, mask_words, scrub

_SAFE_TEXTS: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (
        re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,63}"),
        frozenset(
            [
                "type",
                "action",
                "status",
                "result",
                "state",
                "object",
                "channel",
                "method",
                "failure_code",
                "operation_type",
                "campaign_type",
                "effect",
                "discount_type",
                "discount_effect",
                "computation_class",
            ]
        ),
    ),
    (
        re.compile(r"\d{4}-\d\d-\d\dT[\d:.,+\-Z]{4,24}"),
        frozenset(
            [
                "created_at",
                "updated_at",
                "date",
                "timestamp",
                "sentAt",
                "receivedAt",
                "originalTimestamp",
                "expiration_date",
            ]
        ),
    ),
    (
        re.compile(r"[a-z]{1,10}_[A-Za-z0-9_\-]{1,64}"),
        frozenset(
            [
                "id",
                "project_id",
                "customer_id",
                "campaign_id",
                "voucher_id",
                "reward_id",
                "redemption_id",
                "redemption",
                "event_id",
                "webhook_id",
                "entity_id",
                "product_id",
                "holder_id",
            ]
        ),
    ),
    (re.compile(r"/v1/[a-z/\-]{1,60}"), frozenset(("path",))),
    (re.compile(r"(?s).{0,300}"), frozenset(["messageId", "bridge_id", "request_id", "reduced"])),
)
"""The form of the texts that are shown, and their keys."""

_SAFE_NUMBERS = frozenset(
    [
        "amount",
        "total_amount",
        "total_discount_amount",
        "initial_amount",
        "quantity",
        "redeemed_quantity",
        "price",
        "percent_off",
        "amount_off",
        "unit_off",
        "points",
        "balance",
        "total",
        "loyalty_card_points",
        "loyalty_card_balance",
        "discount_percent_off",
        "discount_amount_off",
        "items_omitted",
    ]
)
"""The keys whose numbers are shown."""

_PUBLIC_OBJECTS = frozenset(["campaign", "reward", "promotion_tier", "loyalty_tier", "referral_tier", "library"])
"""The objects whose ``name`` and ``version`` are not personal."""

_CUSTOM = frozenset(["metadata", "traits", "address"])
"""The keys of custom data, below which no value is shown."""

_FLATTENED_CUSTOM = re.compile(r"(?:^|_)(?:metadata|address)_")
"""Prefixes of custom keys after flattening."""

_KEY = re.compile(r"[\w $.\-]{1,80}")

_PROSE = frozenset(["message", "details", "detail", "error", "reason", "key", "code"])
"""The keys of a service's explanations.

Their harmless words are shown, without the event's hidden values.
"""

LONGEST_NAME = 300
"""The most characters of an event's name."""

SHORTEST = 3
"""The fewest characters of a hidden value that is searched for in prose.

Shorter values are parts of many words.
"""


def mask(value: Any, custom: frozenset[str] = frozenset()) -> Any:
    """Hide every value that is not known to be safe.

    Args:
        custom: further keys below which no value is shown.
    """
    return _mask(value, "", "", _CUSTOM | custom)


def mask_answer(answer: Any, secrets: frozenset[str]) -> Any:
    """Mask a service's response.

    Its structure is masked as by ``mask``. Of its prose, the words that are known to be harmless are shown.
    """
    return _mask_answer(answer, "", secrets)


def hidden_values(value: Any, custom: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the texts and numbers in ``value`` that ``mask`` hides."""
    return frozenset(_differences(value, mask(value, custom)))


def shorten(source_id: str | None) -> str:
    """Shorten a customer's id, so that lists do not show it."""
    if not source_id:
        return ""
    return source_id[:3] + HIDDEN if len(source_id) > 2 * SHORTEST else HIDDEN


def entry(fields: Mapping[str, Any], secrets: Collection[str] = (), *, reveal: bool = False) -> dict[str, Any]:
    """Return the fields of an event in a list, without what may identify a person.

    Args:
        fields: those of ``Entry``.
        secrets: the event's hidden values, if its content is known.
    """
    if reveal:
        return dict(fields)
    customer = fields["customer"]
    return {
        **fields,
        "event": scrub(fields["event"]),
        "reason": mask_reason(fields["reason"], {*secrets, *filter(None, [customer])}),
        "customer": shorten(customer) or None,
    }


def overview(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an ``Overview``, without what may identify a person."""
    return {
        **fields,
        "troubles": [{**one, "cause": mask_reason(one["cause"])} for one in fields["troubles"]],
        "events": [{**one, "event": scrub(one["event"])} for one in fields["events"]],
    }


def _mask(value: Any, key: str, parent: str, custom: frozenset[str]) -> Any:
    match value:
        case dict():
            return {
                _mask_key(name): _hide(inner) if _is_custom(name, custom) else _mask(inner, name, key, custom)
                for name, inner in value.items()
            }
        case list():
            return [_mask(inner, key, parent, custom) for inner in value]
        case str() if key == "event" and len(value) <= LONGEST_NAME:
            return scrub(value)
        case _:
            return value if _is_safe(value, key, parent) else HIDDEN


def _hide(value: Any) -> Any:
    match value:
        case dict():
            return {_mask_key(name): _hide(inner) for name, inner in value.items()}
        case list():
            return [_hide(inner) for inner in value]
        case _:
            return None if value is None else HIDDEN


def _mask_answer(value: Any, key: str, secrets: frozenset[str]) -> Any:
    match value:
        case dict():
            return {
                _mask_key(name): _hide(inner) if _is_custom(name, _CUSTOM) else _mask_answer(inner, name, secrets)
                for name, inner in value.items()
            }
        case list():
            return [_mask_answer(inner, key, secrets) for inner in value]
        case str() if key in _PROSE:
            return mask_words(value, secrets)
        case _:
            return value if key == "code" or _is_safe(value, key, "") else HIDDEN


def _is_custom(name: str, custom: frozenset[str]) -> bool:
    return name in custom or _FLATTENED_CUSTOM.search(name) is not None


def _is_safe(value: Any, key: str, parent: str) -> bool:
    match value:
        case None | bool():
            return True
        case int() | float():
            return key in _SAFE_NUMBERS
        case _:
            public = key in ("name", "version") and parent in _PUBLIC_OBJECTS
            return public or any(key in keys and pattern.fullmatch(value) for pattern, keys in _SAFE_TEXTS)


def _mask_key(name: str) -> str:
    """Hide a key that looks like a value. Other keys are names in a program."""
    return name if _KEY.fullmatch(name) else HIDDEN


def _differences(value: Any, masked: Any) -> Iterator[str]:
    match value:
        case dict():
            for name, inner in value.items():
                if _mask_key(name) != name and len(name) >= SHORTEST:
                    yield name
                yield from _differences(inner, masked.get(_mask_key(name)))
        case list():
            for place, inner in enumerate(value):
                yield from _differences(
                    inner, masked[place] if isinstance(masked, list) and place < len(masked) else None
                )
        case None | bool():
            return
        case _:
            if value != masked and len(str(value)) >= SHORTEST:
                yield str(value)
