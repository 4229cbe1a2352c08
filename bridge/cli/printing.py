"""Output of commands: tables for people, JSON for programs."""

import dataclasses
import json
import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.json_text import storable

json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON instead of a table."
)

ID_WIDTHS = {"id": 26, "messageId": 39}
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

COLOURS = {
    "delivered": "green",
    "pending": "yellow",
    "waiting": "yellow",
    "sending": "yellow",
    "queued": "yellow",
    "uncertain": "red",
    "dead": "red",
    "quarantined": "red",
    "ignored": "dim",
    "discarded": "dim",
    "ok": "green",
    "warning": "yellow",
    "wrong": "red",
}


UNTOLD_WIDTH = 200
"""Width of a table in characters, without a terminal and ``COLUMNS``."""


def console() -> Console:
    """Return the console that tables are printed to."""
    out = Console()
    return out if out.is_terminal or "COLUMNS" in os.environ else Console(width=UNTOLD_WIDTH)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str = "Nothing.") -> None:
    """Print rows of texts, numbers and times."""
    if not rows:
        console().print(empty)
        return
    grid = Table(title=title, title_justify="left")
    for name in columns:
        # An id must be complete, to be copied.
        grid.add_column(name, overflow="fold", min_width=ID_WIDTHS.get(name), no_wrap=name in ID_WIDTHS)
    for row in rows:
        grid.add_row(*(cell(value) for value in row))
    console().print(grid)


def cell(value: Any) -> str:
    """Format a value as a cell; statuses have a colour."""
    text = escape("" if value is None else printable(str(value)))
    colour = COLOURS.get(str(value))
    return f"[{colour}]{text}[/{colour}]" if colour else text


def printable(text: str) -> str:
    """Escape characters of ``text`` that control a terminal."""
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def print_json(value: Any) -> None:
    """Print dataclasses, or lists of them, as JSON.

    Bytes that are JSON are shown as JSON.
    """
    click.echo(json.dumps(value, default=_plain, indent=2, ensure_ascii=False))


def when(epoch: float | None) -> str:
    """Format a time in UTC, to the second."""
    return "" if epoch is None else datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S")


def readable(content: bytes) -> Any:
    """Return the value of JSON bytes; of other bytes, a printable text."""
    try:
        return storable(json.loads(content))
    except (ValueError, RecursionError):
        return printable(content.decode("utf-8", "backslashreplace"))


def _plain(value: Any) -> Any:
    return readable(value) if isinstance(value, bytes) else dataclasses.asdict(value)
