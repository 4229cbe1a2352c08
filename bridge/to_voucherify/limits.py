"""Check values against the limits of a metadata schema.

Source: Voucherify's published OpenAPI description of ``/v1/metadata-schemas/{resource}``.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Limit:
    """One kind of limit of a schema.

    Attributes:
        applies: whether the limit applies to the value. Where it does not, every value satisfies it.
        holds: whether the value satisfies the limit.
        violation: the reason for leaving out a value that does not.
    """

    applies: Callable[[Any, Any], bool]
    holds: Callable[[Any, Any], bool]
    violation: str


def violation(value: Any, limits: Mapping[str, Any]) -> str | None:
    """Return why ``value`` violates ``limits``, or None if it satisfies them.

    Args:
        limits: by their names in ``LIMITS``.
    """
    for name, limit in limits.items():
        kind = LIMITS[name]
        if kind.applies(value, limit) and not kind.holds(value, limit):
            return kind.violation
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _to_list(_: Any, limit: Any) -> bool:
    return isinstance(limit, list)


def _to_number(value: Any, limit: Any) -> bool:
    return _is_number(value) and _is_number(limit)


def _to_text(value: Any, limit: Any) -> bool:
    return isinstance(value, str) and _is_number(limit)


def _is_among(value: Any, limit: Any) -> bool:
    """Return whether a list has the value. As in JSON, ``true`` is not 1."""
    return any(item == value and isinstance(item, bool) is isinstance(value, bool) for item in limit)


def _length(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda value, limit: compare(len(value), limit)


LIMITS = {
    "eq": Limit(_to_list, _is_among, "not one of the values that the schema allows"),
    "ne": Limit(_to_list, lambda value, limit: not _is_among(value, limit), "a value that the schema forbids"),
    "lt": Limit(_to_number, operator.lt, "not less than the schema's limit"),
    "lte": Limit(_to_number, operator.le, "greater than the schema's limit"),
    "gt": Limit(_to_number, operator.gt, "not greater than the schema's limit"),
    "gte": Limit(_to_number, operator.ge, "less than the schema's limit"),
    "minLength": Limit(_to_text, _length(operator.ge), "shorter than the schema allows"),
    "maxLength": Limit(_to_text, _length(operator.le), "longer than the schema allows"),
    "exactLength": Limit(_to_text, _length(operator.eq), "not of the length that the schema demands"),
}
"""By name in the schema. In an array, each item must satisfy the limits."""
