"""Mappings, as Segment's API and code write them → compiled: which events they take, and what they make of them.

A mapping is ``{"name": …, "enabled": …, "subscribe": a trigger, "partnerAction": an action's slug, "mapping": {field of
the action: what goes there}}``: see ``presets.py``. Segment's Public API names three of these differently, and adds
ids: https://docs.segmentapis.com, "List Subscriptions from Destination".
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import InvalidMappings, MappingError, Problem, RowError, TriggerError
from bridge.to_voucherify.actions import BY_SLUG, Action
from bridge.to_voucherify.language.fql import Trigger, compile_trigger
from bridge.to_voucherify.language.mapping import compile_mapping

MOST = 50
"""How many there may be. Source: https://segment.com/docs/connections/destinations/actions/"""

Build = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class ActionMapping:
    """A mapping of a file, or a preset.

    Attributes:
        trigger: which events it takes.
        build: makes the action's payload of an event: see ``bridge.to_voucherify.language.mapping``.
        source: as it was written.
    """

    name: str
    enabled: bool
    trigger: Trigger
    action: Action
    build: Build = field(repr=False, compare=False)
    source: Mapping[str, Any] = field(repr=False)


Mappings = Sequence[ActionMapping]

_KEYS: Mapping[str, tuple[type, str]] = {
    "name": (str, "a text"),
    "enabled": (bool, "true or false"),
    "subscribe": (str, "a text: the trigger"),
    "partnerAction": (str, f"one of {', '.join(BY_SLUG)}"),
    "mapping": (dict, "an object: by the action's field, what goes there"),
}
_PUBLIC_API = {"trigger": "subscribe", "actionSlug": "partnerAction", "settings": "mapping"}
"""Names of Segment's Public API, and what they are here."""

_IGNORED = frozenset({"id", "actionId", "destinationId", "modelId", "reverseETLModelId", "reverseETLSchedule", "type"})
"""Further names in what Segment exports: they say nothing of what a mapping does."""

_OPTIONAL: Mapping[str, Any] = {"enabled": True}


def load(rows: Any) -> tuple[ActionMapping, ...]:
    """Compile mappings, the disabled ones, too.

    Raises:
        InvalidMappings: something is wrong with some of them; names all that is.
    """
    if not isinstance(rows, list | tuple):
        raise InvalidMappings([Problem("", "", "must be a list of mappings")])
    found = [Problem("", "", f"{len(rows)} mappings: at most {MOST} are possible")] if len(rows) > MOST else []
    names = Counter(row["name"] for row in rows if isinstance(row, dict) and isinstance(row.get("name"), str))
    loaded = []
    for number, row in enumerate(rows, start=1):
        try:
            loaded.append(_load(_renamed(row), names))
        except RowError as wrong:
            found += [Problem(_called(number, row), _written(path, row), why) for path, why in wrong.reasons.items()]
    if found:
        raise InvalidMappings(found)
    return tuple(loaded)


def _renamed(row: Any) -> Any:
    """Rename the keys of Segment's Public API, unless the row has them under the bridge's names as well."""
    if not isinstance(row, dict):
        return row
    names = {name: ours for name, ours in _PUBLIC_API.items() if ours not in row}
    return {names.get(name, name): value for name, value in row.items() if name not in _IGNORED}


def _written(path: str, row: Any) -> str:
    """The path of a problem with the name that the row has for its first step."""
    first, dot, rest = path.partition(".")
    name = next(
        (name for name, ours in _PUBLIC_API.items() if ours == first and name in row and ours not in row), first
    )
    return f"{name}{dot}{rest}"


def _called(number: int, row: Any) -> str:
    name = row.get("name") if isinstance(row, dict) else None
    return f'{number} "{name}"' if isinstance(name, str) else str(number)


def _load(row: Any, names: Counter[str]) -> ActionMapping:
    """One row.

    Raises:
        RowError: it is.
    """
    if not isinstance(row, dict):
        raise RowError({"": "must be an object"})
    row = {**_OPTIONAL, **row}
    wrong = _shape(row, names)
    made: dict[str, Any] = {}
    for key, make in _PARTS.items():
        try:
            made[key] = make(row[key]) if key not in wrong else None
        except RowError as error:
            wrong |= error.reasons
    if made.get("partnerAction") and isinstance(row.get("mapping"), dict):
        wrong |= dict(_misfits(made["partnerAction"], row["mapping"]))
    if wrong:
        raise RowError(wrong)
    return ActionMapping(row["name"], row["enabled"], made["subscribe"], made["partnerAction"], made["mapping"], row)


def _shape(row: Mapping[str, Any], names: Counter[str]) -> dict[str, str]:
    wrong = {key: f"unknown; a mapping has {', '.join(_KEYS)}" for key in row if key not in _KEYS}
    wrong |= {key: f"must be {what}" for key, (kind, what) in _KEYS.items() if not isinstance(row.get(key), kind)}
    if "name" not in wrong and not row["name"].strip():
        wrong["name"] = "must not be empty"
    elif "name" not in wrong and names[row["name"]] > 1:
        wrong["name"] = "another mapping has this name; by it the bridge knows what it has done with an event"
    return wrong


def _trigger(source: str) -> Trigger:
    try:
        return compile_trigger(source)
    except TriggerError as error:
        raise RowError({"subscribe": str(error)}) from error


def _action(slug: str) -> Action:
    if slug not in BY_SLUG:
        raise RowError({"partnerAction": f"must be one of {', '.join(BY_SLUG)}"})
    return BY_SLUG[slug]


def _build(source: Mapping[str, Any]) -> Build:
    try:
        return compile_mapping(source)
    except MappingError as error:
        reasons = {f"mapping.{path}".removesuffix("."): reason for path, reason in error.problems.items()}
        raise RowError(reasons) from error


_PARTS: Mapping[str, Callable[[Any], Any]] = {"subscribe": _trigger, "partnerAction": _action, "mapping": _build}
"""What is made of a row's keys; each raises ``RowError``."""


def _misfits(action: Action, mapping: Mapping[str, Any], parent: str = "") -> Iterator[tuple[str, str]]:
    """By path, fields that the action does not have, and those that it needs and does not get."""
    fields = {
        name: row
        for where, name, row in ((*row.name.rpartition(".")[::2], row) for row in action.fields)
        if where == parent
    }
    for name in mapping.keys() - fields.keys():
        yield _path(parent, name), f"{action.slug} has no such field here; it has {', '.join(fields)}"
    for name, row in fields.items():
        source = mapping.get(name)
        if row.required and source in (None, "", {}):
            yield _path(parent, name), f"missing: {action.slug} needs it"
        elif isinstance(source, dict) and _has_fields(action, row.name) and not _is_directive(source):
            yield from _misfits(action, source, row.name)


def _has_fields(action: Action, name: str) -> bool:
    return any(row.name.startswith(f"{name}.") for row in action.fields)


def _is_directive(source: Mapping[str, Any]) -> bool:
    return any(key.startswith("@") for key in source)


def _path(parent: str, name: str) -> str:
    return ".".join(filter(None, ("mapping", parent, name)))
