"""Make an event fit into Segment's 32 KB.

Segment answers 200 to a larger event and throws it away. So an event is reduced, in this order: what it says twice, the
ends of long arrays, metadata, the largest values, whole parts. Earlier cuts that turn out to be unnecessary are undone.
Everything that was reduced is named.
Source of the limit: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#max-request-size
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from bridge.errors import Unusable
from bridge.json_text import read, write, write_ascii

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
_Fitted = Callable[["list[_Cut]"], bytes | None]
"""What is rendered with some cuts, or None if that is over the limit."""


class _Cut(NamedTuple):
    """Remove what is at ``path``; or, of an array of ``items``, the last ``gone``."""

    path: tuple[str, ...]
    items: int = 0
    gone: int = 0


def fit(properties: Properties, render: Render, limit: int = LIMIT, reduced: Sequence[str] = ()) -> bytes:
    """Render the properties, reduced until the text has at most ``limit`` bytes.

    Each plan goes further than the one before. Once a plan suffices, the cuts of the earlier plans are undone as far as
    there is room. The last of them, which costs most, is undone first.

    Args:
        properties: the nested properties; they are not changed.
        render: makes the text to be sent of properties and the paths that were reduced. Where it raises
            ``Unusable``, that is far too large.
        limit: bytes of the text.
        reduced: what was left out before.

    Raises:
        Unusable: it does not fit even without any properties.
    """
    before: list[list[_Cut]] = []
    state = (properties, list(reduced))
    if text := _fitted(render, limit, *state, []):
        return text
    for plan in (_repeats, _arrays, _metadata, _largest, _parts, _whole):
        cuts = plan(state[0])
        enough = _enough(cuts, partial(_fitted, render, limit, *state))
        if enough is not None:
            return _with_fewest(before, enough, partial(_fitted, render, limit, properties, list(reduced)))
        before.append(cuts)
        state = _cut(*state, cuts)
    raise Unusable(TOO_LARGE)


def _with_fewest(before: list[list[_Cut]], last: list[_Cut], fitted: _Fitted) -> bytes:
    """Render with the last plan's cuts and as few earlier ones as are enough."""
    needed = last
    while before:
        *before, cuts = before
        around = partial(_fitted_around, fitted, [cut for plan in before for cut in plan], needed)
        enough = _enough(cuts, around)
        needed = [*(cuts if enough is None else enough), *needed]
    if (text := fitted(needed)) is None:
        raise Unusable(TOO_LARGE)
    return text


def _fitted(render: Render, limit: int, properties: Properties, reduced: list[str], cuts: list[_Cut]) -> bytes | None:
    """Return what is rendered with the cuts, or None if that is over the limit."""
    try:
        text = render(*_cut(properties, reduced, cuts))
    except Unusable:
        return None
    return text if _size(text, limit) <= limit else None


def _size(text: bytes, limit: int) -> int:
    """Count the bytes of an event's JSON as the SDK writes it, which is never shorter than as the bridge sends it.

    Escaped characters and blanks make it at most three times as long, so a small event is not written twice.
    """
    return len(text) if 3 * len(text) <= limit else len(write_ascii(read(text)))


def _fitted_around(fitted: _Fitted, before: list[_Cut], after: list[_Cut], cuts: list[_Cut]) -> bytes | None:
    return fitted([*before, *cuts, *after])


def _enough(cuts: list[_Cut], fitted: _Fitted) -> list[_Cut] | None:
    """Return as many of ``cuts`` as are enough, or None if all of them are not.

    Every cut makes it smaller, so a few tries find how many are enough, of however many there are. Of the array that is
    cut last, as many items stay as fit.
    """
    enough = _first(len(cuts), lambda count: fitted(cuts[:count]) is not None)
    if not enough:
        return None if enough is None else []
    *others, last = cuts[:enough]
    if last.items:
        gone = _first(last.items, lambda gone: fitted([*others, last._replace(gone=gone)]) is not None)
        last = last._replace(gone=gone or last.items)
    return [*others, last]


def _first(most: int, holds: Callable[[int], bool]) -> int | None:
    """Return the least number up to ``most`` for which it holds, or None.

    Where it holds for a number, it holds for all that are greater.
    """
    found = bisect_left(range(most + 1), 1, key=holds)
    return found if found <= most else None


def _cut(properties: Properties, reduced: list[str], cuts: list[_Cut]) -> tuple[Properties, list[str]]:
    if not cuts:
        return properties, reduced
    copies: dict[tuple[str, ...], Properties] = {(): dict(properties)}
    for path, items, gone in cuts:
        parent, key = _copy(copies, path[:-1]), path[-1]
        if items:
            parent[f"{key}_omitted"] = gone
            parent[key] = parent[key][: items - gone]
        else:
            del parent[key]
    names = dict.fromkeys([*reduced, *(".".join(cut.path) for cut in cuts)])
    # What was named and is now gone with more around it is named by that.
    return copies[()], [name for name in names if names.keys().isdisjoint(_above(name))]


def _copy(copies: dict[tuple[str, ...], Properties], path: tuple[str, ...]) -> Properties:
    """Return the object at ``path`` to be changed: copied once, and all that it is in."""
    if path not in copies:
        parent = _copy(copies, path[:-1])
        parent[path[-1]] = copies[path] = dict(parent[path[-1]])
    return copies[path]


def _above(name: str) -> Iterator[str]:
    """The dotted paths of what ``name`` is in."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _repeats(properties: Properties) -> list[_Cut]:
    said_twice = [
        (name, part)
        for name, part in REPEATS
        if isinstance(properties.get(name), dict) and properties[name].get(part) and properties.get(part)
    ]
    return [_Cut(path) for path in _worth((path, _at(properties, path)) for path in said_twice)]


def _arrays(properties: Properties) -> list[_Cut]:
    """The largest array first; ``…_omitted`` counts what is gone."""
    paths = _largest_first(properties, lambda _, value: isinstance(value, list))
    lengths = [len(_at(properties, path)) for path in paths]
    return [_Cut(path, length, length) for path, length in zip(paths, lengths, strict=True)]


def _metadata(properties: Properties) -> list[_Cut]:
    return [_Cut(path) for path in _largest_first(properties, lambda key, _: key == "metadata")]


def _largest(properties: Properties) -> list[_Cut]:
    return [_Cut(path) for path in _largest_first(properties, lambda _, value: not isinstance(value, dict))]


def _parts(properties: Properties) -> list[_Cut]:
    """Whole parts of properties, for where thousands of small values are too many."""
    objects = [(name, value) for name, value in properties.items() if isinstance(value, dict)]
    return [
        _Cut(path) for path in _worth(((name, key), part) for name, value in objects for key, part in value.items())
    ]


def _whole(properties: Properties) -> list[_Cut]:
    return [_Cut((name,)) for name in sorted(properties, key=lambda name: len(write(properties[name])), reverse=True)]


_Wanted = Callable[[str, Any], bool]
"""Whether a key, with its value, is to be reduced."""


def _largest_first(properties: Properties, wanted: _Wanted) -> list[tuple[str, ...]]:
    """List the outermost places that are wanted and worth it, the largest first."""
    return _worth(_places(properties, wanted))


def _worth(places: Iterable[tuple[tuple[str, ...], Any]]) -> list[tuple[str, ...]]:
    """List the places that are larger than the text that names them, largest first."""
    sizes = {path: len(write(value)) for path, value in places}
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
