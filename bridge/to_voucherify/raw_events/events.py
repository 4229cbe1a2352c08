"""One raw event as Segment's destinations see it: what is removed from it, what is added, and what is wrong with it.

    clean()      without what no destination gets
    completed()  with what Segment adds
    problems()   of an event that Segment would discard in silence

Sources: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ for the fields;
https://segment.com/docs/connections/spec/common/ for what every event has.
"""

import json
from datetime import UTC, datetime
from typing import Any

from bridge.to_voucherify.conversions import string

TYPES = ("track", "identify", "page", "screen", "group", "alias")

Event = dict[str, Any]

_IDS = ("userId", "anonymousId", "groupId", "previousId", "messageId")
_NEEDED = {"track": "event"}
"""By type, the field that is its name. Segment asks none of a page or a screen."""


def completed(item: Any, unique: str, at: float) -> Any:
    """An event with what Segment adds to it: an id, if it has none, and its time; what is no object stays as it is.

    Args:
        unique: becomes its ``messageId`` if it has none.
        at: when it was received, in epoch seconds.
    """
    if not isinstance(item, dict):
        return item
    received = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"receivedAt": received, "timestamp": received, **item, "messageId": item.get("messageId") or unique}


def problems(event: Any) -> dict[str, str]:
    """By field, why nobody can tell what this event means; empty if that is clear."""
    if not isinstance(event, dict):
        return {"": "Not an object."}
    found = {name: "Not a text." for name in _IDS if not isinstance(event.get(name, ""), str)}
    if event.get("type") not in TYPES:
        found["type"] = f"Not one of {', '.join(TYPES)}."
    elif (name := _NEEDED.get(event["type"])) and not _is_told(event.get(name)):
        found[name] = "Missing."
    if not any(_is_told(event.get(name)) or name in found for name in ("userId", "anonymousId")):
        found["userId"] = "Missing, and so is anonymousId."
    return found


def size(value: Any) -> int:
    """Bytes of its JSON as UTF-8, without white space."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def clean(item: Any) -> Any:
    """An event without its write key and what libraries send as null; ids that are numbers become texts."""
    if not isinstance(item, dict):
        return item
    event = {name: value for name, value in item.items() if value is not None and name != "writeKey"}
    for name in _IDS:
        if isinstance(event.get(name), int | float) and not isinstance(event[name], bool):
            event[name] = string(event[name])
    return event


def _is_told(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
