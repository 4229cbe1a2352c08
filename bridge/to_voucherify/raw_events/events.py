"""Validate a raw event, and complete it as Segment does for its destinations.

    clean()      removes what no destination receives
    completed()  adds the fields that Segment adds
    problems()   of an event that Segment would drop without notice

Sources: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ for the fields;
https://segment.com/docs/connections/spec/common/ for the fields of every event.
"""

from datetime import UTC, datetime
from typing import Any

from bridge.json_text import digest, write
from bridge.messages import EVENT_TYPES
from bridge.to_voucherify.conversions import string

Event = dict[str, Any]

_IDS = ("userId", "anonymousId", "groupId", "previousId", "messageId")
_OF_A_TRY = frozenset(("sentAt", "receivedAt", "_metadata"))
_NEEDED = {"track": "event"}
"""By type: the field with the event's name.

Segment does not require the name of a page or a screen.
"""


def completed(item: Any, unique: str, at: float) -> Any:
    """Add the fields that Segment adds to an event: an id and its time.

    A value that is not an object stays as it is.

    Args:
        unique: its ``messageId`` if it has none.
        at: the time of receipt, in epoch seconds.
    """
    if not isinstance(item, dict):
        return item
    received = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"receivedAt": received, "timestamp": received, **item, "messageId": item.get("messageId") or unique}


def content(item: Any) -> bytes:
    """Return 32 bytes that identify an event as it was sent, the same in each of its sender's retries.

    Libraries change some fields when they send an event again.
    """
    return digest({key: item[key] for key in item if key not in _OF_A_TRY} if isinstance(item, dict) else item)


def problems(event: Any) -> dict[str, str]:
    """Return why an event is invalid, by field; empty if it is valid."""
    if not isinstance(event, dict):
        return {"": "Not an object."}
    reasons = {name: "Not a text." for name in _IDS if not isinstance(event.get(name, ""), str)}
    if event.get("type") not in EVENT_TYPES:
        reasons["type"] = f"Not one of {', '.join(EVENT_TYPES)}."
    elif (name := _NEEDED.get(event["type"])) and not _is_text(event.get(name)):
        reasons[name] = "Missing."
    if not any(_is_text(event.get(name)) or name in reasons for name in ("userId", "anonymousId")):
        reasons["userId"] = "Missing, and so is anonymousId."
    return reasons


def size(value: Any) -> int:
    """Count the bytes of a value's JSON in UTF-8, without white space."""
    return len(write(value))


def clean(item: Any) -> Any:
    """Remove an event's write key and nulls, and print ids that are numbers.

    Segment's libraries send nulls for missing fields.
    """
    if not isinstance(item, dict):
        return item
    event = {name: value for name, value in item.items() if value is not None and name != "writeKey"}
    for name in _IDS:
        if isinstance(event.get(name), int | float) and not isinstance(event[name], bool):
            event[name] = string(event[name])
    return event


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
