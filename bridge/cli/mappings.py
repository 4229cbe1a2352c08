"""``bridge mappings``: check a mapping file, try it with an event, show mappings."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from bridge.cli.opening import active_mappings
from bridge.cli.printing import console, json_option, print_json, printable, table
from bridge.errors import BridgeError, Invalid, InvalidMappings, Unusable
from bridge.json_text import read as read_json
from bridge.mapping_file import read as read_file
from bridge.to_voucherify import ignore_reason
from bridge.to_voucherify.raw_events.apply import apply
from bridge.to_voucherify.raw_events.events import Event, clean, completed, problems
from bridge.to_voucherify.raw_events.mappings import ActionMapping

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
UNSENT = "its messageId"


@dataclass(frozen=True, slots=True)
class Tried:
    """Result of a mapping for an event.

    Attributes:
        matched: whether its trigger matches the event.
        why: why there is no request; "" if there is one.
        payload: the payload of the action.
        request: to Voucherify, before its metadata is fitted to the project's schema.
        left_out: by dotted path, the fields of the payload that Voucherify would refuse, with the reason. The request
            lacks them.
    """

    mapping: str
    matched: bool
    why: str
    payload: Any = None
    request: dict[str, Any] | None = None
    left_out: dict[str, str] = field(default_factory=dict)


@click.group(short_help="Check and try mappings, and show those in force.")
def mappings() -> None:
    """Check and try mapping files, and show the mappings in force.

    Nothing is sent, and no bridge has to run.
    """


@mappings.command(short_help="Check a mapping file.")
@click.argument("file", type=FILE)
@json_option
def check(file: Path, as_json: bool) -> None:
    """Compile the mappings of FILE (JSON or TOML), and list every mistake."""
    problems, count = [], 0
    try:
        count = len(read_file(file))
    except InvalidMappings as error:
        problems = [one._asdict() for one in error.problems]
    if as_json:
        print_json({"mappings": count, "problems": problems})
    elif problems:
        table(f"Mistakes in {file}", ("mapping", "path", "reason"), [tuple(one.values()) for one in problems])
    else:
        click.echo(f"{file}: {count} mapping{'s' if count != 1 else ''}, no mistakes.")
    if problems:
        raise SystemExit(1)


@mappings.command(short_help="Show what a mapping file makes of an event.")
@click.argument("file", type=FILE)
@click.argument("event", type=FILE)
@json_option
def test(file: Path, event: Path, as_json: bool) -> None:
    """Show what each mapping of FILE makes of EVENT, and its request.

    EVENT is a file with the JSON of one event of Segment.
    """
    value = _event(event)
    alone = ignore_reason(value)
    tried = [_try(one, value, alone) for one in read_file(file)]
    if as_json:
        print_json([asdict(one) for one in tried])
        return
    rows = [(one.mapping, "yes" if one.matched else "no", _result(one), one.why) for one in tried]
    table(f"Mappings for {event}", ("mapping", "matched", "request", "reason"), rows, empty="No mappings.")
    for one in tried:
        _show(one)


@mappings.command(short_help="Print the mappings in force.")
def show() -> None:
    """Print the mappings in force as JSON, as the start of a mapping file.

    They are those of BRIDGE_MAPPINGS, or the presets.
    """
    print_json([dict(one.source) for one in active_mappings()])


def _event(file: Path) -> Event:
    try:
        event = clean(read_json(file.read_bytes()))
    except Unusable as error:
        raise _unusable(file, error) from error
    if wrong := problems(event):
        raise _unusable(file, Invalid(wrong))
    complete: Event = completed(event, UNSENT, file.stat().st_mtime)
    return complete


def _unusable(file: Path, error: BridgeError) -> click.ClickException:
    return click.ClickException(f"{file}: {str(error).replace('the body', 'the event')}")


def _try(mapping: ActionMapping, event: Event, alone: str) -> Tried:
    mismatch = mapping.trigger.mismatch(event)
    if mismatch:
        return Tried(mapping.name, matched=False, why=mismatch)
    applied = apply(mapping, event)
    why = alone or ("" if mapping.enabled else "disabled") or applied.problem
    sent = json.loads(applied.outgoing.payload) if applied.outgoing and not why else None
    request = sent and {"method": "POST", "path": sent["path"], "body": sent["body"]}
    left_out = sent.get("left_out", {}) if sent else {}
    return Tried(mapping.name, matched=True, why=why, payload=applied.payload, request=request, left_out=left_out)


def _result(one: Tried) -> str:
    return f"{one.request['method']} {one.request['path']}" if one.request else ""


def _show(one: Tried) -> None:
    out = console()
    parts = {"payload": one.payload, "request": one.request and one.request["body"], "left out": one.left_out or None}
    for title, value in parts.items():
        if value is not None:
            out.rule(f"{printable(one.mapping)}: {title}", align="left")
            out.print(json.dumps(value, indent=2, ensure_ascii=False), markup=False)
