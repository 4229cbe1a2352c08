"""An event over Segment's limit is made to fit, never dropped: Segment would answer 200 and throw it away.

What goes first is what costs least: what the event says twice, then the ends of long arrays, then metadata, and only
then whatever is largest. Everything that was reduced is named.
Source of the limit: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#max-request-size
"""

import copy
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any

from bridge.errors import Unusable
from bridge.wire import write

LIMIT = 32 * 1024
"""Bytes of one event's JSON, as it is sent."""

TOO_LARGE = "over Segment's 32 KB even without its properties"

REPEATS = tuple(
    (name, part)
    for name, parts in {
        "redemption": ("order", "voucher", "customer"),
        "redemption_rollback": ("order", "voucher", "customer"),
        "campaign": ("voucher",),
        "publication": ("customer",),
        "validation": ("customer",),
    }.items()
    for part in parts
)
"""Where an object repeats another of the event's own: (object, the part that repeats the property of that name)."""

Properties = dict[str, Any]
Render = Callable[[Properties, list[str]], bytes]
_Fits = Callable[[], bool]
_Place = tuple[str, dict[str, Any], str]
"""A dotted path, the object there, and the key in it."""


def fit(properties: Properties, render: Render, limit: int = LIMIT) -> bytes:
    """``render(properties, reduced)``, reduced until it is at most ``limit`` bytes.

    Args:
        properties: the nested properties; they are not changed.
        render: makes the text to be sent of properties and the paths that were reduced.

    Raises:
        Unusable: it does not fit even without any properties.
    """
    rendered = render(properties, [])
    if len(rendered) <= limit:
        return rendered
    properties = copy.deepcopy(properties)
    reduced: list[str] = []

    def fits() -> bool:
        return len(render(properties, reduced)) <= limit

    for reduce in (_drop_repeats, _shorten_arrays, _drop_metadata, _drop_largest):
        if reduce(properties, reduced, fits):
            return render(properties, reduced)
    raise Unusable(TOO_LARGE)


def _drop_repeats(properties: Properties, reduced: list[str], fits: _Fits) -> bool:
    for name, part in REPEATS:
        parent = properties.get(name)
        if isinstance(parent, dict) and properties.get(part) and parent.pop(part, None):
            reduced.append(f"{name}.{part}")
            if fits():
                return True
    return False


def _shorten_arrays(properties: Properties, reduced: list[str], fits: _Fits) -> bool:
    """The largest array first; as many of its items stay as fit, and ``…_omitted`` counts the others."""
    arrays = [place for place in _places(properties) if isinstance(place[1][place[2]], list) and place[1][place[2]]]
    for path, parent, key in sorted(arrays, key=_size, reverse=True):
        items = parent[key]
        reduced.append(path)

        def fits_without(omitted: int, parent: Any = parent, key: str = key, items: Any = items) -> bool:
            parent[key], parent[f"{key}_omitted"] = items[: len(items) - omitted], omitted
            return fits()

        omitted = bisect_left(range(len(items)), 1, lo=1, key=fits_without)
        if fits_without(omitted):
            return True
    return False


def _drop_metadata(properties: Properties, reduced: list[str], fits: _Fits) -> bool:
    return _drop([place for place in _places(properties) if place[2] == "metadata"], reduced, fits)


def _drop_largest(properties: Properties, reduced: list[str], fits: _Fits) -> bool:
    return _drop([place for place in _places(properties) if not isinstance(place[1][place[2]], dict)], reduced, fits)


def _drop(places: list[_Place], reduced: list[str], fits: _Fits) -> bool:
    for path, parent, key in sorted(places, key=_size, reverse=True):
        del parent[key]
        reduced.append(path)
        if fits():
            return True
    return False


def _places(value: dict[str, Any], prefix: str = "") -> Iterator[_Place]:
    """Every key of every object, arrays aside."""
    for key, child in value.items():
        yield prefix + key, value, key
        if isinstance(child, dict):
            yield from _places(child, f"{prefix}{key}.")


def _size(place: _Place) -> int:
    _, parent, key = place
    return len(write(parent[key]))
