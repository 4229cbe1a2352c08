"""Flatten nested objects, with the column names of Segment's warehouses.

Segment joins nested keys with ``_``: ``voucher.discount.percent_off`` is the column ``voucher_discount_percent_off``.
So ``flatten({"discount": {"percent_off": 10}})`` is ``{"discount_percent_off": 10}``, and the column stays the same.
Source: https://segment.com/docs/connections/storage/warehouses/schema/

Two paths can make one column. Segment also writes names in snake case, so ``aB`` is the column ``a_b``. The value of
the shortest path has the name, and other values are numbered: ``{"a": {"b": 1}, "a_b": 2}`` becomes
``{"a_b": 2, "a_b_2": 1}``. Of paths of one length, the last in the alphabet has the name. Equal values are not a
conflict: ``order.customer_id`` and ``order.customer.id`` usually are equal.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from math import inf
from types import NoneType
from typing import Any, NamedTuple

from bridge.errors import NotPlain, Unusable
from bridge.json_text import write
from bridge.to_segment.shape import NAME_LENGTH, is_id

Path = tuple[str, ...]

_HUMP = re.compile("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_LETTER = re.compile(r"[\W_]+")


class _Leaf(NamedTuple):
    """The place of a value that is not an object.

    ``name`` joins the keys of ``above`` and its own.
    """

    above: Path
    key: str
    name: str


class _Plan(NamedTuple):
    """The result of an object's keys, independent of its values.

    Attributes:
        leaves: the shortest paths first.
        parts: the leaves of each property.
        rivals: by column, the numbers of the leaves that share it.
        columns: of all leaves.
        characters: in all names.
        is_plain: whether ``shape`` changes nothing in it.
    """

    leaves: tuple[_Leaf, ...]
    parts: "tuple[_Part, ...]"
    rivals: Mapping[str, Sequence[int]]
    columns: frozenset[str]
    characters: int
    is_plain: bool


class _Part(NamedTuple):
    """The leaves of one property: their names without its own, and their numbers.

    ``name`` is "" for plain values.
    """

    name: str
    names: tuple[str, ...]
    numbers: tuple[int, ...]


_TOO_MANY = "more names than an event can hold"

_PLAIN_LEVELS, _PLAIN_LISTS = 20, 4
"""Objects within each other, and arrays within each other, that surely are fewer than ``shape`` admits."""

_MOST_KEYS = 4_000
"""The most values of a plan that is cached."""


def flatten(nested: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten ``nested`` to depth one.

    Keys are joined by ``_``. Nulls and empty objects are left out. Arrays stay, with flat items.
    """
    return _flat(nested, _Room(inf, is_shaped=True), 0)


def flatten_each(properties: Mapping[str, Any], limit: float = inf, *, is_shaped: bool = True) -> dict[str, Any]:
    """Flatten the properties of an event, each object to depth one.

    Names are unique in the whole event: ``reward.assignment_id`` and ``reward_assignment.id`` are one column, too.

    Raises:
        NotPlain: ``shape`` must change the properties first. It is rarely so, and known from the cached plan, which
            takes a sixth off a translation.
        Unusable: the names alone have more than ``limit`` characters. A megabyte of nested objects can have many
            megabytes of names.
    """
    plan, values = _walk(properties, _Room(limit, is_shaped), 0)
    flat: dict[str, Any] = {}
    for name, names, numbers in plan.parts:
        part = dict(zip(names, [values[number] for number in numbers], strict=True))
        if name:
            flat[name] = part
        else:
            flat |= part
    return flat


@dataclass
class _Room:
    """The characters that are left for names, and whether the properties are shaped."""

    left: float
    is_shaped: bool


def _flat(nested: Mapping[str, Any], room: _Room, lists: int) -> dict[str, Any]:
    plan, values = _walk(nested, room, lists)
    return dict(zip([leaf.name for leaf in plan.leaves], values, strict=True))


def _walk(nested: Mapping[str, Any], room: _Room, lists: int) -> tuple[_Plan, list[Any]]:
    """Collect every value that is not an object, with unique names.

    ``lists`` is the number of arrays that ``nested`` is in.
    """
    keys: list[tuple[str, ...]] = []
    kinds: list[tuple[type, ...]] = []
    values: list[Any] = []
    levels = [nested]
    for level in levels:  # grows while it is walked: breadth first
        if len(levels) > room.left:  # each object adds a character to a name, so the names cannot fit
            raise Unusable(_TOO_MANY)
        keys.append(tuple(level))
        kinds.append(types := tuple(map(type, level.values())))
        for kind, value in zip(types, level.values(), strict=True):
            if kind is dict:
                levels.append(value)
            elif kind is list:
                values.append(_item(value, room, lists + 1))
            elif value is not None:
                values.append(value)
    # Events of a kind have the same keys: a cached plan saves two thirds of the time.
    plan = (
        _cached_plan(tuple(keys), tuple(kinds)) if len(values) <= _MOST_KEYS else _plan(tuple(keys), kinds, room.left)
    )
    if not (plan.is_plain or room.is_shaped):
        raise NotPlain
    room.left -= plan.characters
    if room.left < 0:
        raise Unusable(_TOO_MANY)
    return _distinct(plan, values), values


def _item(value: Any, room: _Room, lists: int) -> Any:
    """Flatten the objects in an array, at any depth.

    Nulls stay at their place.

    Raises:
        NotPlain: the array is in so many others that ``shape`` may cut it.
    """
    if lists > _PLAIN_LISTS and not room.is_shaped:
        raise NotPlain
    match value:
        case dict():
            return _flat(value, room, lists)
        case list():
            return [_item(item, room, lists + 1) for item in value]
        case _:
            return value


def _plan(keys: Sequence[tuple[str, ...]], kinds: Sequence[tuple[type, ...]], room: float = inf) -> _Plan:
    """Plan the names of nested objects.

    Args:
        keys, kinds: of each object, the outermost first: its keys, and the types of its values.

    Raises:
        Unusable: the names have more than ``room`` characters.
    """
    leaves: list[_Leaf] = []
    characters = 0
    is_plain = True
    places: list[tuple[Path, str]] = [((), "")]
    for (above, prefix), names, types in zip(places, keys, kinds, strict=False):  # the first grows
        is_plain = is_plain and len(above) <= _PLAIN_LEVELS and not (names and all(map(is_id, names)))
        for key, kind in zip(names, types, strict=True):
            is_plain = is_plain and len(prefix) + len(key) <= NAME_LENGTH
            if kind is dict:
                places.append(((*above, key), f"{prefix}{key}_"))
            elif kind is not NoneType:
                characters += len(prefix) + len(key)
                if characters > room:
                    raise Unusable(_TOO_MANY)
                leaves.append(_Leaf(above, key, prefix + key))
    columns: dict[str, list[int]] = {}
    for number, leaf in enumerate(leaves):
        columns.setdefault(_column(leaf.name), []).append(number)
    rivals = {column: numbers for column, numbers in columns.items() if len(numbers) > 1}
    return _Plan(tuple(leaves), _parts(leaves), rivals, frozenset(columns), characters, is_plain)


_cached_plan = lru_cache(maxsize=256)(_plan)


def _parts(leaves: Sequence[_Leaf]) -> tuple[_Part, ...]:
    parts: dict[str, list[tuple[str, int]]] = {}
    for number, (above, _, name) in enumerate(leaves):
        part = above[0] if above else ""
        parts.setdefault(part, []).append((name[len(part) + 1 :] if above else name, number))
    return tuple(_Part(part, *map(tuple, zip(*some, strict=True))) for part, some in parts.items())


def _distinct(plan: _Plan, values: Sequence[Any]) -> _Plan:
    """Rename leaves in the plan, so that different values have different columns."""
    renamed: dict[int, _Leaf] = {}
    taken = set(plan.columns)
    for column, rivals in plan.rivals.items():
        texts = {number: write(values[number]) for number in rivals}
        if len(set(texts.values())) > 1:
            renamed |= _rename(plan, column, texts, taken)
    if not renamed:
        return plan
    leaves = tuple(renamed.get(number, leaf) for number, leaf in enumerate(plan.leaves))
    return plan._replace(leaves=leaves, parts=_parts(leaves))


def _rename(plan: _Plan, column: str, texts: Mapping[int, bytes], taken: set[str]) -> dict[int, _Leaf]:
    """Rename the leaves of one column that differ from the first, by numbers.

    ``taken`` are the columns of the event; the new columns are added to it.
    """
    leaves = plan.leaves
    order = sorted(texts, key=lambda number: (*leaves[number].above, leaves[number].key), reverse=True)
    order.sort(key=lambda number: len(leaves[number].above))
    numbers = count(2)
    suffixes = {texts[order[0]]: ""}
    for number in order:
        if texts[number] not in suffixes:
            free = next(one for one in numbers if f"{column}_{one}".strip("_") not in taken)
            taken.add(f"{column}_{free}".strip("_"))
            suffixes[texts[number]] = f"_{free}"
    return {number: leaves[number]._replace(name=leaves[number].name + suffixes[texts[number]]) for number in order}


@lru_cache(maxsize=4096)
def _column(name: str) -> str:
    """Return the column that a warehouse makes of a name."""
    return _NO_LETTER.sub("_", _HUMP.sub("_", name)).strip("_").lower()
