"""What Segment's tracking API takes → events as its destinations see them.

    a body ─▶ single(), batch() or several()
           ─▶ completed()            with what Segment adds
    an event that Segment would throw away in silence has problems()

Sources: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ for limits and fields;
https://segment.com/docs/connections/spec/common/ for what every event has.
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
"""The most of an event's JSON, and of a batch's, in UTF-8."""

BATCH_EVENTS = 2_500
WEBHOOK_EVENTS = 4_000
"""The largest batch size that can be chosen for Segment's webhooks."""

TOO_LARGE = f"Larger than {EVENT_BYTES // KILOBYTE} KB."

Event = dict[str, Any]

_IDS = ("userId", "anonymousId", "groupId", "previousId", "messageId")
_NEEDED = {"track": "event"}
"""By type, the field that is its name. Segment asks none of a page or a screen."""


def single(value: Any, kind: str | None = None) -> Event:
    """The one event of a request.

    Args:
        kind: its type, if it was posted to the path of its type: then Segment's limit holds.

    Raises:
        Invalid: it is none, or too large, or nobody can tell what it means.
    """
    if isinstance(value, dict) and kind is not None:
        if size(value) > EVENT_BYTES:
            raise Invalid({"": TOO_LARGE})
        value = {**value, "type": kind}
    event = clean(value)
    if wrong := problems(event):
        raise Invalid(wrong)
    return event  # type: ignore[no-any-return] # what is no object has a problem


def batch(value: Any, length: int) -> list[Any]:
    """The events of a batch, as they were sent.

    Args:
        length: of the batch's JSON, in bytes.

    Raises:
        Invalid: it is no list of events, or larger than Segment takes. A wrong event in it is quarantined alone, later.
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
    """The events of an array, as Segment's webhooks post it.

    Raises:
        Invalid: there are more than Segment ever sends at once.
    """
    if len(items) > WEBHOOK_EVENTS:
        raise Invalid({"": f"More than {WEBHOOK_EVENTS} events."})
    return items


def item(value: Any, place: int) -> Any:
    """The event at a place of a batch or an array, with the context and the integrations that a batch gives to all."""
    if isinstance(value, list):
        return clean(value[place])
    shared = {name: value[name] for name in ("context", "integrations") if isinstance(value.get(name), dict)}
    return clean(_with(value["batch"][place], shared))


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


def _with(item: Any, shared: Mapping[str, dict[str, Any]]) -> Any:
    """Key by key, the event's own first."""
    if not isinstance(item, dict):
        return item
    merged = dict(item)
    for name, value in shared.items():
        own = item.get(name)
        merged[name] = {**value, **own} if isinstance(own, dict) else value if own is None else own
    return merged


def _is_told(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
