"""PURE: a customer's data, hidden until somebody asks to see it.

What is shown is listed here, by key and by what it must look like; everything else is hidden, so what nobody has
thought of is hidden, too. Shown is what says which event it is, when it was, what it was about, and how it went.
"""

import re
from collections.abc import Iterator
from typing import Any

HIDDEN = "•••"

_SHOWN: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
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
    (re.compile(r"(?s).{0,300}"), frozenset(["event", "messageId", "bridge_id", "request_id", "reduced"])),
)
"""What a text must look like to be shown under which keys."""

_NUMBERS = frozenset(
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

_PUBLIC = frozenset(["campaign", "reward", "promotion_tier", "loyalty_tier", "referral_tier", "library"])
"""The objects whose ``name`` and ``version`` are no person's."""

_FREE = frozenset(["metadata", "traits", "address"])
_FLATTENED = re.compile(r"(?:^|_)(?:metadata|address)_")
"""Below these, keys are whatever somebody chose: nothing is shown."""

_KEY = re.compile(r"[\w $.\-]{1,80}")

_PROSE = frozenset(["message", "details", "detail", "error", "reason", "key", "code"])
"""Where a service explains itself: shown, without what the event itself hides."""

_ADDRESS = re.compile(r"[^\s\"'<>()]*@[^\s\"'<>()]*")
_NUMBER = re.compile(r"\+?\d(?:[\s\-()/.]?\d){6,}")

SHORTEST = 3
"""Characters of a hidden value that is looked for in prose: shorter ones are everywhere."""


def mask(value: Any, free: frozenset[str] = frozenset()) -> Any:
    """``value`` with every leaf hidden that is not known to be harmless.

    Args:
        free: more keys below which nothing is shown.
    """
    return _mask(value, "", "", _FREE | free)


def mask_answer(answer: Any, secrets: frozenset[str]) -> Any:
    """What a service answered: its structure masked as above, its prose without ``secrets``, addresses and numbers."""
    return _mask_answer(answer, "", secrets)


def hidden(value: Any, free: frozenset[str] = frozenset()) -> frozenset[str]:
    """The texts and numbers in ``value`` that ``mask`` hides."""
    return frozenset(_differences(value, mask(value, free)))


def scrub(prose: str, secrets: frozenset[str]) -> str:
    """``prose`` without any of ``secrets``, without addresses, and without numbers that may be somebody's."""
    if secrets:
        longest_first = sorted(secrets, key=len, reverse=True)
        prose = re.sub(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", HIDDEN, prose)
    return _NUMBER.sub(HIDDEN, _ADDRESS.sub(HIDDEN, prose))


def shortened(source_id: str | None) -> str:
    """So much of a customer's id that one can be told from another by somebody who knows them."""
    if not source_id:
        return ""
    return source_id[:3] + HIDDEN if len(source_id) > 2 * SHORTEST else HIDDEN


def _mask(value: Any, key: str, parent: str, free: frozenset[str]) -> Any:
    match value:
        case dict():
            return {
                _named(name): _hide(inner) if _is_free(name, free) else _mask(inner, name, key, free)
                for name, inner in value.items()
            }
        case list():
            return [_mask(inner, key, parent, free) for inner in value]
        case _:
            return value if _is_shown(value, key, parent) else HIDDEN


def _hide(value: Any) -> Any:
    match value:
        case dict():
            return {_named(name): _hide(inner) for name, inner in value.items()}
        case list():
            return [_hide(inner) for inner in value]
        case _:
            return None if value is None else HIDDEN


def _mask_answer(value: Any, key: str, secrets: frozenset[str]) -> Any:
    match value:
        case dict():
            return {
                _named(name): _hide(inner) if _is_free(name, _FREE) else _mask_answer(inner, name, secrets)
                for name, inner in value.items()
            }
        case list():
            return [_mask_answer(inner, key, secrets) for inner in value]
        case str() if key in _PROSE:
            return scrub(value, secrets)
        case _:
            return value if key == "code" or _is_shown(value, key, "") else HIDDEN


def _is_free(name: str, free: frozenset[str]) -> bool:
    return name in free or _FLATTENED.search(name) is not None


def _is_shown(value: Any, key: str, parent: str) -> bool:
    match value:
        case None | bool():
            return True
        case int() | float():
            return key in _NUMBERS
        case _:
            public = key in ("name", "version") and parent in _PUBLIC
            return public or any(key in keys and pattern.fullmatch(value) for pattern, keys in _SHOWN)


def _named(name: str) -> str:
    """A key is a name that a program chose; one that looks like a value may be one."""
    return name if _KEY.fullmatch(name) else HIDDEN


def _differences(value: Any, masked: Any) -> Iterator[str]:
    match value:
        case dict():
            for name, inner in value.items():
                if _named(name) != name and len(name) >= SHORTEST:
                    yield name
                yield from _differences(inner, masked.get(_named(name)))
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
