"""How commands print: a table for people, JSON for programs."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON instead of a table."
)

COLOURS = {
    "delivered": "green",
    "waiting": "yellow",
    "dead": "red",
    "quarantined": "red",
    "ignored": "dim",
    "ok": "green",
    "wrong": "red",
}


def console() -> Console:
    """Where tables go; as wide as they need to be when nobody watches."""
    out = Console()
    return out if out.is_terminal else Console(width=200)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str = "Nothing.") -> None:
    """Print rows of texts, numbers and times."""
    if not rows:
        console().print(empty)
        return
    grid = Table(title=title, title_justify="left")
    for name in columns:
        grid.add_column(name, overflow="fold")
    for row in rows:
        grid.add_row(*(cell(value) for value in row))
    console().print(grid)


def cell(value: Any) -> str:
    """A value as one cell; statuses have their colour."""
    text = escape("" if value is None else str(value))
    colour = COLOURS.get(str(value))
    return f"[{colour}]{text}[/{colour}]" if colour else text


def print_json(value: Any) -> None:
    """Print dataclasses, or lists of them, as JSON; bytes that are JSON are shown as such."""
    click.echo(json.dumps(value, default=_plain, indent=2, ensure_ascii=False))


def when(epoch: float | None) -> str:
    """A time as people read it, to the second, in UTC."""
    return "" if epoch is None else datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S")


def readable(content: bytes) -> Any:
    """JSON as its value; anything else as text that stands for the bytes."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "backslashreplace")


def _plain(value: Any) -> Any:
    return readable(value) if isinstance(value, bytes) else dataclasses.asdict(value)
