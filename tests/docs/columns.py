"""The columns of the sample events, as ``docs/events.md`` lists them.

``python -m tests.docs.columns`` prints the table anew.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.demo.samples import webhook
from bridge.to_segment import translate
from bridge.to_segment.catalogue import EVENTS

HEAD = "| property | columns in the sample events |"

_TIME = re.compile(r"\d{4}-\d\d-\d\dT")
_METADATA = "metadata_"
_NO_OBJECT = "source"
"""The property whose name, with ``id``, is the name of a column of its own: ``source_id``."""


def rows() -> Iterator[str]:
    """Yield a row for each property. A part that repeats another property is left out."""
    columns = _columns()
    for name, ours in columns.items():
        cells = [
            f"`{name}_{key}` {kind}" if key else f"`{name}` {kind}"
            for key, kind in ours.items()
            if not key.startswith(_METADATA) and not _repeats(key, name, columns)
        ]
        more = [f"`{name}_{_METADATA}…`"] if any(key.startswith(_METADATA) for key in ours) else []
        yield f"| {name} | {', '.join([*cells, *more])} |"


def _columns() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for event in EVENTS:
        [outgoing] = translate(webhook(event, "1"), datetime.now(UTC)).outgoing
        for name, value in json.loads(outgoing.payload)["properties"].items():
            for key, one in value.items() if isinstance(value, dict) else [("", value)]:
                found.setdefault(name, {})[key] = _kind(one)
    return found


def _repeats(key: str, name: str, columns: Mapping[str, Mapping[str, str]]) -> bool:
    others = [other for other in columns if other not in (name, _NO_OBJECT)]
    return any(key.startswith(f"{other}_") and key[len(other) + 1 :] in columns[other] for other in others)


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case list():
            return "array"
        case _:
            return "time" if _TIME.match(value) else "text"


if __name__ == "__main__":
    print("\n".join(rows()))  # noqa: T201 - it is a command
