"""Shape data before it is flattened, so that columns are few and names short.

Objects whose keys are ids become arrays, because each id would be a new column. Values that are nested too deeply, or
have too long a name, are left out and named. No warehouse has such a column, and thousands of such names fill the
memory.
"""

import re
from operator import is_
from typing import Any

LEVELS = 100
"""The most nested objects and arrays in one property."""

NAME_LENGTH = 300
"""The most characters of a flattened name: the longest name of a column.

Source: https://cloud.google.com/bigquery/docs/schemas#column_names
"""

_PLACES = 20
"""The most places that are named. If there are more, larger places are named."""

# Ids in the examples of Voucherify's OpenAPI files have a prefix, digits and letters.
_PREFIXES = (
    "asgm|camp|cat|cust|distr|ern|evcus|lopb|lopp|ltr|ord|ordli|proj|prod|promo|pub|r|rew|rewa|rewr|rf|rr|rrf|seg|sku"
    "|stk|v|val|valid|vtx|wh"
)
is_id = re.compile(rf"(?:{_PREFIXES})_(?=[A-Za-z]*[0-9])[0-9A-Za-z]+").fullmatch
"""Match a key that is an id."""

Properties = dict[str, Any]


def shape(properties: Properties) -> tuple[Properties, list[str]]:
    """Shape the properties, and return them with the places that were left out."""
    places: dict[tuple[str, ...], None] = {}
    shaped = _Shaper(places).object(properties, (), 0, 0)
    for keys in (5, 2, 1):
        names = list(dict.fromkeys(".".join(place[:keys]) for place in places))
        if len(names) <= _PLACES:
            break
    return shaped, names


class _Shaper:
    """A walk through properties that copies only the objects it changes."""

    def __init__(self, places: dict[tuple[str, ...], None]) -> None:
        self._places = places

    def object(self, value: dict[str, Any], path: tuple[str, ...], length: int, level: int) -> dict[str, Any]:
        """Shape an object.

        Args:
            length: characters of its own name.
        """
        if level > LEVELS:
            value, self._places[path] = {}, None
        fitting = {key: child for key, child in value.items() if length + len(key) <= NAME_LENGTH}
        if len(fitting) < len(value):
            value, self._places[path] = fitting, None
        shaped = value
        for key, child in value.items():
            if isinstance(child, (dict, list)):
                new = self._value(child, (*path, key), length + len(key) + 1, level)
                if new is not child:
                    shaped = dict(value) if shaped is value else shaped
                    shaped[key] = new
        return shaped

    def _value(self, value: Any, path: tuple[str, ...], length: int, level: int) -> Any:
        if isinstance(value, dict):
            if value and all(map(is_id, value)):
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
    """Add an object's key to the object, as its id.

    A value that is not an object, or has another id, becomes the object's ``value``.
    """
    if isinstance(value, dict) and value.get("id") in (None, key):
        return {"id": key} | value | {"id": key}
    return {"id": key, "value": value}
