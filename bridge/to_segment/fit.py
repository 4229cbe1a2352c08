"""Reduce an event to Segment's 32 KB.

Segment answers 200 to a larger event and drops it. So the bridge reduces the event, in this order: repeated objects,
the ends of long arrays, metadata, the largest values, whole parts. Earlier cuts that become unnecessary are undone. The
event names everything that was reduced. Source of the limit:
https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#max-request-size
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from bridge.errors import Unusable
from bridge.json_text import read, write, write_ascii

LIMIT = 32 * 1024
"""The most bytes of one event's JSON, as it is sent."""

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
"""Objects that repeat another object of the event.

Each is (object, the part that repeats the property of that name).
"""

Properties = dict[str, Any]
Render = Callable[[Properties, list[str]], bytes]
_Fitted = Callable[["list[_Cut]"], bytes | None]
"""Renders with some cuts, or returns None if the text is over the limit."""


class _Cut(NamedTuple):
    """A removal: of the value at ``path``, or of the end of an array.

    An array of ``items`` loses the last ``removed``.
    """

    path: tuple[str, ...]
    items: int = 0
    removed: int = 0


def fit(properties: Properties, render: Render, limit: int = LIMIT, reduced: Sequence[str] = ()) -> bytes:
    """Render properties, reduced until the text has at most ``limit`` bytes.

    Each plan cuts more than the one before. Once a plan suffices, cuts of the earlier plans are undone while there is
    room, the most costly plan first.

    Args:
        properties: the nested properties. They are not changed.
        render: makes the text from properties and the paths that were reduced. It raises ``Unusable`` if they are far
            too large.
        limit: bytes of the text.
        reduced: the paths that were reduced before.

    Raises:
        Unusable: the text is too large even without any properties.
    """
    before: list[list[_Cut]] = []
    state = (properties, list(reduced))
    if text := _fitted(render, limit, *state, []):
        return text
    for plan in (_repeats, _arrays, _metadata, _largest, _parts, _whole):
        cuts = plan(state[0])
        cuts_needed = _fewest(cuts, partial(_fitted, render, limit, *state))
        if cuts_needed is not None:
            return _with_fewest(before, cuts_needed, partial(_fitted, render, limit, properties, list(reduced)))
        before.append(cuts)
        state = _cut(*state, cuts)
    raise Unusable(TOO_LARGE)


def _with_fewest(before: list[list[_Cut]], last: list[_Cut], fitted: _Fitted) -> bytes:
    """Render with the last plan's cuts, and as few earlier cuts as suffice."""
    needed = last
    while before:
        *before, cuts = before
        around = partial(_fitted_around, fitted, [cut for plan in before for cut in plan], needed)
        cuts_needed = _fewest(cuts, around)
        needed = [*(cuts if cuts_needed is None else cuts_needed), *needed]
    if (text := fitted(needed)) is None:
        raise Unusable(TOO_LARGE)
    return text


def _fitted(render: Render, limit: int, properties: Properties, reduced: list[str], cuts: list[_Cut]) -> bytes | None:
    """Render with the cuts, or return None if the text is over the limit."""
    try:
        text = render(*_cut(properties, reduced, cuts))
    except Unusable:
        return None
    return text if _size(text, limit) <= limit else None


def _size(text: bytes, limit: int) -> int:
    """Count the bytes of an event's JSON, as the bridge or the SDK writes it: the longer one.

    The SDK's is at most three times as long. So a small event is not written twice.
    """
    return len(text) if 3 * len(text) <= limit else max(len(text), len(write_ascii(read(text))))


def _fitted_around(fitted: _Fitted, before: list[_Cut], after: list[_Cut], cuts: list[_Cut]) -> bytes | None:
    return fitted([*before, *cuts, *after])


def _fewest(cuts: list[_Cut], fitted: _Fitted) -> list[_Cut] | None:
    """Return the fewest of ``cuts`` that suffice, or None if all do not.

    Every cut makes the text smaller, so a binary search finds the number. Of the array that is cut last, as many items
    stay as fit.
    """
    cuts_needed = _first(len(cuts), lambda count: fitted(cuts[:count]) is not None)
    if not cuts_needed:
        return None if cuts_needed is None else []
    *others, last = cuts[:cuts_needed]
    if last.items:
        removed = _first(last.items, lambda removed: fitted([*others, last._replace(removed=removed)]) is not None)
        last = last._replace(removed=removed or last.items)
    return [*others, last]


def _first(most: int, holds: Callable[[int], bool]) -> int | None:
    """Return the least number up to ``most`` for which ``holds`` is true, or None.

    If it is true for a number, it is true for all greater numbers.
    """
    number = bisect_left(range(most + 1), 1, key=holds)
    return number if number <= most else None


def _cut(properties: Properties, reduced: list[str], cuts: list[_Cut]) -> tuple[Properties, list[str]]:
    if not cuts:
        return properties, reduced
    copies: dict[tuple[str, ...], Properties] = {(): dict(properties)}
    for path, items, removed in cuts:
        parent, key = _copy(copies, path[:-1]), path[-1]
        if items:
            parent[f"{key}_omitted"] = removed
            parent[key] = parent[key][: items - removed]
        else:
            del parent[key]
    names = dict.fromkeys([*reduced, *(".".join(cut.path) for cut in cuts)])
    # A larger place that was removed replaces the names within it.
    return copies[()], [name for name in names if names.keys().isdisjoint(_above(name))]


def _copy(copies: dict[tuple[str, ...], Properties], path: tuple[str, ...]) -> Properties:
    """Return a copy of the object at ``path`` that can be changed.

    The object and those around it are copied once.
    """
    if path not in copies:
        parent = _copy(copies, path[:-1])
        parent[path[-1]] = copies[path] = dict(parent[path[-1]])
    return copies[path]


def _above(name: str) -> Iterator[str]:
    """Yield the dotted paths above ``name``."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _repeats(properties: Properties) -> list[_Cut]:
    repeats = [
        (name, part)
        for name, part in REPEATS
        if isinstance(properties.get(name), dict) and properties[name].get(part) and properties.get(part)
    ]
    return [_Cut(path) for path in _worthwhile((path, _at(properties, path)) for path in repeats)]


def _arrays(properties: Properties) -> list[_Cut]:
    """Plan to cut arrays, the largest first.

    ``…_omitted`` counts the removed items.
    """
    paths = _largest_first(properties, lambda _, value: isinstance(value, list))
    lengths = [len(_at(properties, path)) for path in paths]
    return [_Cut(path, length, length) for path, length in zip(paths, lengths, strict=True)]


def _metadata(properties: Properties) -> list[_Cut]:
    return [_Cut(path) for path in _largest_first(properties, lambda key, _: key == "metadata")]


def _largest(properties: Properties) -> list[_Cut]:
    return [_Cut(path) for path in _largest_first(properties, lambda _, value: not isinstance(value, dict))]


def _parts(properties: Properties) -> list[_Cut]:
    """Plan to remove parts of properties, if thousands of small values are too many."""
    objects = [(name, value) for name, value in properties.items() if isinstance(value, dict)]
    return [
        _Cut(path)
        for path in _worthwhile(((name, key), part) for name, value in objects for key, part in value.items())
    ]


def _whole(properties: Properties) -> list[_Cut]:
    return [_Cut((name,)) for name in sorted(properties, key=lambda name: len(write(properties[name])), reverse=True)]


_Filter = Callable[[str, Any], bool]
"""Returns whether a key with its value is to be reduced."""


def _largest_first(properties: Properties, selects: _Filter) -> list[tuple[str, ...]]:
    """List the outermost places that a filter selects, the largest first."""
    return _worthwhile(_places(properties, selects))


def _worthwhile(places: Iterable[tuple[tuple[str, ...], Any]]) -> list[tuple[str, ...]]:
    """List the places that are larger than the text that names them, largest first."""
    sizes = {path: len(write(value)) for path, value in places}
    worth = [path for path, size in sizes.items() if size > 2 * sum(map(len, path)) + 40]
    return sorted(worth, key=lambda path: sizes[path], reverse=True)


def _places(value: Properties, selects: _Filter, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the places that a filter selects in objects, but not in arrays."""
    for key, child in value.items():
        if selects(key, child):
            yield (*above, key), child
        elif isinstance(child, dict):
            yield from _places(child, selects, (*above, key))


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value[key]
    return value
