"""Change the data before it is flattened, so that columns stay few and names short.

Objects keyed by ids become arrays, because each id would be a new column. What is nested too deeply, or would have too
long a name, is left out and named. No warehouse has such a column, and thousands of such names fill the memory.
"""

import re
from operator import is_
from typing import Any

LEVELS = 100
"""Nested objects and arrays of one property."""

NAME_LENGTH = 300
"""Characters of a flattened name: the longest that a warehouse takes for a column.

Source: https://cloud.google.com/bigquery/docs/schemas#column_names
"""

_PLACES = 20
"""Most places that are named where something was left out; beyond, larger places are named."""

# The ids in the examples of Voucherify's OpenAPI files: a prefix, and digits and letters.
_PREFIXES = (
    "asgm|camp|cat|cust|distr|ern|evcus|lopb|lopp|ltr|ord|ordli|proj|prod|promo|pub|r|rew|rewa|rewr|rf|rr|rrf|seg|sku"
    "|stk|v|val|valid|vtx|wh"
)
_ID = re.compile(rf"(?:{_PREFIXES})_(?=[A-Za-z]*[0-9])[0-9A-Za-z]+")

_NESTED = frozenset((dict, list))

Properties = dict[str, Any]


def shape(properties: Properties) -> tuple[Properties, list[str]]:
    """Return the properties as they can be flattened, and where something was left out."""
    places: dict[tuple[str, ...], None] = {}
    shaped = _Shaper(places).object(properties, (), 0, 0)
    for keys in (5, 2, 1):
        names = list(dict.fromkeys(".".join(place[:keys]) for place in places))
        if len(names) <= _PLACES:
            break
    return shaped, names


class _Shaper:
    """Copies only what it changes: nearly always nothing."""

    def __init__(self, places: dict[tuple[str, ...], None]) -> None:
        self._places = places

    def object(self, value: dict[str, Any], path: tuple[str, ...], length: int, level: int) -> dict[str, Any]:
        """Return an object whose own name has ``length`` characters."""
        # All names together are rarely as long as one may be, and joining them is the quickest way to know.
        if level > LEVELS or length + len("".join(value)) > NAME_LENGTH:
            value = self._fitting(value, path, length, level)
        shaped = value
        for key, child in value.items():
            if type(child) in _NESTED:
                new = self._value(child, (*path, key), length + len(key) + 1, level)
                if new is not child:
                    shaped = dict(value) if shaped is value else shaped
                    shaped[key] = new
        return shaped

    def _fitting(self, value: dict[str, Any], path: tuple[str, ...], length: int, level: int) -> dict[str, Any]:
        fitting = {} if level > LEVELS else {key: one for key, one in value.items() if length + len(key) <= NAME_LENGTH}
        if len(fitting) == len(value):
            return value
        self._places[path] = None
        return fitting

    def _value(self, value: Any, path: tuple[str, ...], length: int, level: int) -> Any:
        if isinstance(value, dict):
            if value and all(map(_ID.fullmatch, value)):
                return [self._value(_identified(key, item), path, 0, level + 1) for key, item in value.items()]
            return self.object(value, path, length, level + 1)
        if not isinstance(value, list):
            return value
        if level > LEVELS:
            self._places[path] = None
            return None
        items = [self._value(item, path, 0, level + 1) for item in value]
        return value if all(map(is_, items, value)) else items


def _identified(key: str, value: Any) -> dict[str, Any]:
    """Return an object with the id that was its key.

    A value that is no object, or has another id of its own, becomes its ``value``.
    """
    if isinstance(value, dict) and value.get("id") in (None, key):
        return {"id": key} | value | {"id": key}
    return {"id": key, "value": value}
