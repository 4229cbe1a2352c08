"""An event over Segment's limit is made to fit, never dropped: Segment would answer 200 and throw it away.

What goes first is what costs least: what the event says twice, then the ends of long arrays, then metadata, and only
then whatever is largest. Everything that was reduced is named.
Source of the limit: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#max-request-size
"""

import copy
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

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


class _Cut(NamedTuple):
    """One reduction: what is at ``path`` goes; or, if it is an array of ``items``, the last ``gone`` of them."""

    path: tuple[str, ...]
    items: int = 0
    gone: int = 0


def fit(properties: Properties, render: Render, limit: int = LIMIT) -> bytes:
    """``render(properties, reduced)``, reduced until it is at most ``limit`` bytes.

    Args:
        properties: the nested properties; they are not changed.
        render: makes the text to be sent of properties and the paths that were reduced.

    Raises:
        Unusable: it does not fit even without any properties.
    """
    reduced: list[str] = []
    rendered = render(properties, reduced)
    if len(rendered) <= limit:
        return rendered
    for plan in (_repeats, _arrays, _metadata, _largest, _whole):
        cuts = plan(properties)
        fitted = _fitted(cuts, partial(_render_cut, render, properties, reduced), limit)
        if fitted:
            return fitted
        properties, reduced = _cut(properties, reduced, cuts)
    raise Unusable(TOO_LARGE)


def _render_cut(render: Render, properties: Properties, reduced: list[str], cuts: list[_Cut]) -> bytes:
    return render(*_cut(properties, reduced, cuts))


def _fitted(cuts: list[_Cut], render: Callable[[list[_Cut]], bytes], limit: int) -> bytes | None:
    """What is rendered with as many of ``cuts`` as are enough, or None if all of them are not.

    Every cut makes it smaller, so a few tries find how many are enough, of however many there are. Of the array that is
    cut last, as many items stay as fit.
    """
    enough = _first(len(cuts), lambda count: len(render(cuts[:count])) <= limit)
    if not enough:
        return None
    if not (items := cuts[enough - 1].items):
        return render(cuts[:enough])
    *others, last = cuts[:enough]
    gone = _first(items, lambda gone: len(render([*others, last._replace(gone=gone)])) <= limit)
    return render([*others, last._replace(gone=gone or items)])


def _first(most: int, holds: Callable[[int], bool]) -> int | None:
    """The least number up to ``most`` for which it holds, if it holds for all that are greater."""
    found = bisect_left(range(most + 1), 1, key=holds)
    return found if found <= most else None


def _cut(properties: Properties, reduced: list[str], cuts: list[_Cut]) -> tuple[Properties, list[str]]:
    if not cuts:
        return properties, reduced
    properties = copy.deepcopy(properties)
    for path, items, gone in cuts:
        parent, key = _at(properties, path[:-1]), path[-1]
        if items:
            parent[f"{key}_omitted"] = gone
            parent[key] = parent[key][: items - gone]
        else:
            del parent[key]
    names = [".".join(cut.path) for cut in cuts]
    # What was named before and is now gone with more around it is named by that.
    removed = set(names)
    return properties, [name for name in reduced if not removed.intersection(_above(name))] + names


def _above(name: str) -> Iterator[str]:
    """The dotted paths of what ``name`` is in."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _repeats(properties: Properties) -> list[_Cut]:
    return [
        _Cut((name, part))
        for name, part in REPEATS
        if isinstance(properties.get(name), dict) and properties[name].get(part) and properties.get(part)
    ]


def _arrays(properties: Properties) -> list[_Cut]:
    """The largest array first; ``…_omitted`` counts what is gone."""
    paths = _largest_first(properties, lambda _, value: isinstance(value, list))
    lengths = [len(_at(properties, path)) for path in paths]
    return [_Cut(path, length, length) for path, length in zip(paths, lengths, strict=True)]


def _metadata(properties: Properties) -> list[_Cut]:
    return [_Cut(path) for path in _largest_first(properties, lambda key, _: key == "metadata")]


def _largest(properties: Properties) -> list[_Cut]:
    return [_Cut(path) for path in _largest_first(properties, lambda _, value: not isinstance(value, dict))]


def _whole(properties: Properties) -> list[_Cut]:
    return [_Cut((name,)) for name in sorted(properties, key=lambda name: len(write(properties[name])), reverse=True)]


_Wanted = Callable[[str, Any], bool]
"""Whether a key, with its value, is to be reduced."""


def _largest_first(properties: Properties, wanted: _Wanted) -> list[tuple[str, ...]]:
    """The outermost places that are wanted and larger than what it takes to say that they were reduced."""
    sizes = {path: len(write(value)) for path, value in _places(properties, wanted)}
    worth = [path for path, size in sizes.items() if size > 2 * sum(map(len, path)) + 40]
    return sorted(worth, key=lambda path: sizes[path], reverse=True)


def _places(value: Properties, wanted: _Wanted, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every wanted key of every object, arrays aside."""
    for key, child in value.items():
        if wanted(key, child):
            yield (*above, key), child
        elif isinstance(child, dict):
            yield from _places(child, wanted, (*above, key))


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value[key]
    return value
