"""Validate raw events, and complete them as Segment does for its destinations.

    a body ─▶ single(), batch() or several()
           ─▶ item()                 an event of a batch
           ─▶ completed()            adds the fields that Segment adds
    an event that Segment would drop without notice has problems()

Sources: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ for limits and fields;
https://segment.com/docs/connections/spec/common/ for the fields of every event.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.errors import Invalid
from bridge.to_voucherify.conversions import string

TYPES = ("track", "identify", "page", "screen", "group", "alias")

KILOBYTE = 1024
EVENT_BYTES, BATCH_BYTES = 32 * KILOBYTE, 500 * KILOBYTE
"""The largest JSON of an event and of a batch, in bytes of UTF-8."""

BATCH_EVENTS = 2_500
WEBHOOK_EVENTS = 4_000
"""The largest batch size of Segment's webhooks."""

TOO_LARGE = f"Larger than {EVENT_BYTES // KILOBYTE} KB."

Event = dict[str, Any]

_IDS = ("userId", "anonymousId", "groupId", "previousId", "messageId")
_NEEDED = {"track": "event"}
"""By type: the field with the event's name.

Segment does not require the name of a page or a screen.
"""


def single(value: Any, kind: str | None = None) -> Event:
    """Return the only event of a request.

    Args:
        kind: its type, if it was posted to the path of its type. Then Segment's size limit applies.

    Raises:
        Invalid: the event is invalid, or too large.
    """
    if isinstance(value, dict) and kind is not None:
        if size(value) > EVENT_BYTES:
            raise Invalid({"": TOO_LARGE})
        value = {**value, "type": kind}
    event = clean(value)
    if reasons := problems(event):
        raise Invalid(reasons)
    return event  # type: ignore[no-any-return] # a value that is not an object has a problem


def batch(value: Any, length: int) -> list[Any]:
    """Return the events of a batch, as they were sent.

    Args:
        length: of the batch's JSON, in bytes.

    Raises:
        Invalid: the value is not a list of events, or larger than Segment accepts. The translation quarantines an
            invalid event in it.
    """
    items = value.get("batch") if isinstance(value, dict) else None
    if not isinstance(items, list):
        raise Invalid({"batch": "Not a list."})
    if length > BATCH_BYTES:
        raise Invalid({"": f"Larger than {BATCH_BYTES // KILOBYTE} KB."})
    if len(items) > BATCH_EVENTS:
        raise Invalid({"batch": f"More than {BATCH_EVENTS} events."})
    return items


def several(items: list[Any]) -> list[Any]:
    """Return the events of an array, as Segment's webhooks post it.

    Raises:
        Invalid: it has more events than Segment sends at once.
    """
    if len(items) > WEBHOOK_EVENTS:
        raise Invalid({"": f"More than {WEBHOOK_EVENTS} events."})
    return items


def item(value: Any, place: int) -> Any:
    """Return the event at a place of a batch or an array.

    A batch can have a context and integrations for all its events.
    """
    if isinstance(value, list):
        return clean(value[place])
    shared = {name: value[name] for name in ("context", "integrations") if isinstance(value.get(name), dict)}
    return clean(_with(value["batch"][place], shared))


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


def problems(event: Any) -> dict[str, str]:
    """Return why an event is invalid, by field; empty if it is valid."""
    if not isinstance(event, dict):
        return {"": "Not an object."}
    reasons = {name: "Not a text." for name in _IDS if not isinstance(event.get(name, ""), str)}
    if event.get("type") not in TYPES:
        reasons["type"] = f"Not one of {', '.join(TYPES)}."
    elif (name := _NEEDED.get(event["type"])) and not _is_text(event.get(name)):
        reasons[name] = "Missing."
    if not any(_is_text(event.get(name)) or name in reasons for name in ("userId", "anonymousId")):
        reasons["userId"] = "Missing, and so is anonymousId."
    return reasons


def size(value: Any) -> int:
    """Count the bytes of a value's JSON in UTF-8, without white space."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


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


def _with(item: Any, shared: Mapping[str, dict[str, Any]]) -> Any:
    """Merge shared objects into an event, key by key. The event's own values win."""
    if not isinstance(item, dict):
        return item
    merged = dict(item)
    for name, value in shared.items():
        own = item.get(name)
        merged[name] = {**value, **own} if isinstance(own, dict) else value if own is None else own
    return merged


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
