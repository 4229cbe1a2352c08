"""Flatten nested objects, with the names that Segment's warehouses give to columns.

Segment joins nested keys with ``_``: ``voucher.discount.percent_off`` is the column ``voucher_discount_percent_off``.
So ``flatten({"discount": {"percent_off": 10}})`` is ``{"discount_percent_off": 10}``: the same column either way.
Source: https://segment.com/docs/connections/storage/warehouses/schema/

Two paths can make one column: Segment also writes names in snake case, so ``aB`` is the column ``a_b``. The value of
the shortest path keeps the name, and any other value is numbered: ``{"a": {"b": 1}, "a_b": 2}`` becomes
``{"a_b": 2, "a_b_2": 1}``. Of paths of one length, the last in the alphabet keeps it. Values that are equal are no
conflict, as those of ``order.customer_id`` and ``order.customer.id`` usually are.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from math import inf
from typing import Any, NamedTuple

from bridge.errors import Unusable
from bridge.wire import write

Path = tuple[str, ...]

_HUMP = re.compile("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_LETTER = re.compile(r"[\W_]+")


class _Leaf(NamedTuple):
    """A value that is no object: ``name`` is the keys of ``above`` and its own, joined."""

    above: Path
    key: str
    name: str
    value: Any


def flatten(nested: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``nested`` at depth one.

    Keys are joined by ``_``; nulls and empty objects are left out; arrays are kept with flat items.
    """
    return _flat(nested, _Room(inf))


def flatten_each(properties: Mapping[str, Any], limit: float = inf) -> dict[str, Any]:
    """Return the properties of an event, each object of them at depth one.

    Names are told apart in the whole event: ``reward.assignment_id`` and ``reward_assignment.id`` are one column, too.

    Raises:
        Unusable: the names alone have more than ``limit`` characters. The names that are in a megabyte of
            nested objects can be many megabytes.
    """
    flat: dict[str, Any] = {}
    for above, _, name, value in _distinct(_leaves(properties, _Room(limit))):
        if above:
            flat.setdefault(above[0], {})[name[len(above[0]) + 1 :]] = value
        else:
            flat[name] = value
    return flat


@dataclass
class _Room:
    """Characters that are left for names."""

    left: float


def _flat(nested: Mapping[str, Any], room: _Room) -> dict[str, Any]:
    return {leaf.name: leaf.value for leaf in _distinct(_leaves(nested, room))}


def _leaves(nested: Mapping[str, Any], room: _Room) -> list[_Leaf]:
    """List every value that is no object, the shortest paths first."""
    leaves: list[_Leaf] = []
    levels: list[tuple[Path, str, Mapping[str, Any]]] = [((), "", nested)]
    for above, prefix, level in levels:  # grows while it is walked: breadth first
        characters = 0
        for key, value in level.items():
            if isinstance(value, dict):
                levels.append(((*above, key), f"{prefix}{key}_", value))
            elif value is not None:
                characters += len(prefix) + len(key)
                if characters > room.left:
                    raise Unusable("more names than an event can hold")
                flat = _item(value, room) if isinstance(value, list) else value
                leaves.append(_Leaf(above, key, prefix + key, flat))
        room.left -= characters
    return leaves


def _item(value: Any, room: _Room) -> Any:
    """Flatten the objects in an array, at any depth; nulls keep their place."""
    match value:
        case dict():
            return _flat(value, room)
        case list():
            return [_item(item, room) for item in value]
        case _:
            return value


def _distinct(leaves: list[_Leaf]) -> list[_Leaf]:
    """Rename leaves, so that different values are different columns."""
    first: dict[str, _Leaf] = {}
    rivals: dict[str, list[_Leaf]] = {}
    for leaf in leaves:
        column = _column(leaf.name)
        if (other := first.setdefault(column, leaf)) is not leaf:
            rivals.setdefault(column, [other]).append(leaf)
    if not rivals:
        return leaves
    taken = set(first)
    return [
        leaf
        for column, one in first.items()
        for leaf in (_renamed(rivals[column], taken) if column in rivals else (one,))
    ]


def _renamed(rivals: list[_Leaf], taken: set[str]) -> Iterator[_Leaf]:
    """Number the leaves of one column, except those that equal the first.

    ``taken`` are the columns of the event; it grows.
    """
    rivals.sort(key=lambda leaf: (*leaf.above, leaf.key), reverse=True)
    rivals.sort(key=lambda leaf: len(leaf.above))
    column, numbers = _column(rivals[0].name), count(2)
    suffixes = {write(rivals[0].value): ""}
    for leaf in rivals:
        value = write(leaf.value)
        if value not in suffixes:
            number = next(number for number in numbers if f"{column}_{number}".strip("_") not in taken)
            taken.add(f"{column}_{number}".strip("_"))
            suffixes[value] = f"_{number}"
        yield leaf._replace(name=leaf.name + suffixes[value])


@lru_cache(maxsize=4096)
def _column(name: str) -> str:
    """Return the column that a warehouse makes of a name."""
    return _NO_LETTER.sub("_", _HUMP.sub("_", name)).strip("_").lower()
