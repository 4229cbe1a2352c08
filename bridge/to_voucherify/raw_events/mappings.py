"""Compile mappings, as Segment's API and code write them.

A mapping is ``{"name": …, "enabled": …, "subscribe": a trigger, "partnerAction": an action's slug, "mapping": {field of
the action: its value}}``: see ``presets.py``. Segment's Public API has other names for three of these keys, and adds
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
"""The highest number of mappings.

Source: https://segment.com/docs/connections/destinations/actions/
"""

Build = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class ActionMapping:
    """A mapping of a file, or a preset.

    Attributes:
        trigger: matches the events to which the mapping applies.
        build: builds the action's payload from an event: see ``bridge.to_voucherify.language.mapping``.
        source: the mapping as written.
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
"""By name in Segment's Public API: the name here."""

_IGNORED = frozenset({"id", "actionId", "destinationId", "modelId", "reverseETLModelId", "reverseETLSchedule", "type"})
"""Further keys in Segment's exports. They do not change what a mapping does."""

_OPTIONAL: Mapping[str, Any] = {"enabled": True}


def load(rows: Any) -> tuple[ActionMapping, ...]:
    """Compile mappings, including the disabled ones.

    Raises:
        InvalidMappings: some mappings are invalid. The error names every problem.
    """
    if not isinstance(rows, list | tuple):
        raise InvalidMappings([Problem("", "", "must be a list of mappings")])
    problems = [Problem("", "", f"{len(rows)} mappings: at most {MOST} are possible")] if len(rows) > MOST else []
    names = Counter(row["name"] for row in rows if isinstance(row, dict) and isinstance(row.get("name"), str))
    mappings = []
    for number, row in enumerate(rows, start=1):
        try:
            mappings.append(_load(_renamed(row), names))
        except RowError as error:
            problems += [Problem(_called(number, row), _written(path, row), why) for path, why in error.reasons.items()]
    if problems:
        raise InvalidMappings(problems)
    return tuple(mappings)


def _renamed(row: Any) -> Any:
    """Rename the keys of Segment's Public API.

    A key stays if the row has the bridge's name for it, too.
    """
    if not isinstance(row, dict):
        return row
    names = {name: ours for name, ours in _PUBLIC_API.items() if ours not in row}
    return {names.get(name, name): value for name, value in row.items() if name not in _IGNORED}


def _written(path: str, row: Any) -> str:
    """Return the path of a problem, with the row's own name for the first step."""
    first, dot, rest = path.partition(".")
    name = next(
        (name for name, ours in _PUBLIC_API.items() if ours == first and name in row and ours not in row), first
    )
    return f"{name}{dot}{rest}"


def _called(number: int, row: Any) -> str:
    name = row.get("name") if isinstance(row, dict) else None
    return f'{number} "{name}"' if isinstance(name, str) else str(number)


def _load(row: Any, names: Counter[str]) -> ActionMapping:
    """Compile one row.

    Raises:
        RowError: the row is invalid.
    """
    if not isinstance(row, dict):
        raise RowError({"": "must be an object"})
    row = {**_OPTIONAL, **row}
    reasons = _shape(row, names)
    parts: dict[str, Any] = {}
    for key, make in _PARTS.items():
        try:
            parts[key] = make(row[key]) if key not in reasons else None
        except RowError as error:
            reasons |= error.reasons
    if parts.get("partnerAction") and isinstance(row.get("mapping"), dict):
        reasons |= dict(_misfits(parts["partnerAction"], row["mapping"]))
    if reasons:
        raise RowError(reasons)
    return ActionMapping(row["name"], row["enabled"], parts["subscribe"], parts["partnerAction"], parts["mapping"], row)


def _shape(row: Mapping[str, Any], names: Counter[str]) -> dict[str, str]:
    reasons = {key: f"unknown; a mapping has {', '.join(_KEYS)}" for key in row if key not in _KEYS}
    reasons |= {key: f"must be {what}" for key, (kind, what) in _KEYS.items() if not isinstance(row.get(key), kind)}
    if "name" not in reasons and not row["name"].strip():
        reasons["name"] = "must not be empty"
    elif "name" not in reasons and names[row["name"]] > 1:
        reasons["name"] = "another mapping has this name; names identify the deliveries of an event"
    return reasons


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
"""By key of a row: the function that compiles its value, or raises ``RowError``."""


def _misfits(action: Action, mapping: Mapping[str, Any], parent: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and problem of fields that are unknown, or required and missing."""
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
