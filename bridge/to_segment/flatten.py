"""Nested objects → objects of depth one, with the names that Segment's warehouses give to nested columns.

Segment joins nested keys with ``_``: ``voucher.discount.percent_off`` is the column ``voucher_discount_percent_off``.
So ``flatten({"discount": {"percent_off": 10}})`` is ``{"discount_percent_off": 10}``: the same column either way.
Source: https://segment.com/docs/connections/storage/warehouses/schema/
"""

from collections.abc import Mapping
from typing import Any


def flatten(nested: Mapping[str, Any]) -> dict[str, Any]:
    """``nested`` at depth one: keys joined by ``_``, nulls and empty objects left out, arrays kept with flat items.

    Where two paths make the same name, the shallower one keeps it: ``{"a": {"b": 1}, "a_b": 2}`` → ``{"a_b": 2}``.
    """
    flat: dict[str, Any] = {}
    levels: list[tuple[str, Mapping[str, Any]]] = [("", nested)]
    for prefix, level in levels:  # grows while it is walked: breadth first
        for key, value in level.items():
            if isinstance(value, dict):
                levels.append((f"{prefix}{key}_", value))
            elif value is not None:
                flat.setdefault(prefix + key, _item(value) if isinstance(value, list) else value)
    return flat


def _item(value: Any) -> Any:
    """An array's item: objects in it are flattened, at any depth of arrays; nulls keep their place."""
    match value:
        case dict():
            return flatten(value)
        case list():
            return [_item(item) for item in value]
        case _:
            return value
