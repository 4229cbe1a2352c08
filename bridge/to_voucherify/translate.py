"""Translate one call of Segment's destination, or one raw event, into deliveries."""

from collections.abc import Mapping
from typing import Any

from bridge.errors import Invalid, Unusable
from bridge.json_text import digest, read
from bridge.messages import Arrival, Identity, Status
from bridge.to_voucherify.actions import ACTIONS, MESSAGE_ID
from bridge.to_voucherify.metadata import LeftOut
from bridge.to_voucherify.raw_events.apply import SINK, apply, outgoing
from bridge.to_voucherify.raw_events.events import problems
from bridge.to_voucherify.raw_events.mappings import Mappings
from bridge.to_voucherify.request import at
from bridge.to_voucherify.schemas import load

__all__ = ["SINK", "check", "ignore_reason", "translate", "translate_event"]

INTEGRATION = "Voucherify (Actions)"
"""The name of Segment's own destination in an event's ``integrations``.

The bridge replaces this destination.
"""

ANONYMOUS = "anonymous"

NAME_LENGTH = 200
"""The most characters of an event's name that are stored and shown."""


def check(action: str, call: bytes) -> None:
    """Check a destination call against the schema of its action.

    Raises:
        Invalid: it violates the schema, and must not be stored.
    """
    _loaded(action, call)


def translate(action: str, call: bytes, unique: str) -> Arrival:
    """Translate a destination call into one delivery.

    Args:
        action: the name of a row of ``ACTIONS``.
        call: the raw bytes of the body.
        unique: the delivery's key if the call has no id. It is new for each call.

    Raises:
        Invalid: the call violates the action's schema.
    """
    loaded, left_out = _loaded(action, call)
    message_id = at(loaded, f"metadata.{MESSAGE_ID}")
    key = f"{action}:{message_id}" if isinstance(message_id, str) and message_id else unique
    one = outgoing(ACTIONS[action], loaded, left_out, key)
    return Arrival(Status.ACCEPTED, ACTIONS[action].title, customer=one.lane, outgoing=(one,))


def _loaded(action: str, call: bytes) -> tuple[dict[str, Any], LeftOut]:
    try:
        return load(ACTIONS[action], read(call))
    except Unusable as error:
        raise Invalid({"": str(error)}) from error


def translate_event(event: Any, mappings: Mappings) -> Arrival:
    """Translate a raw event with the active mappings.

    Args:
        event: as ``events.completed`` returns it.

    Returns:
        accepted, with a delivery for each mapping that matches. ``reason`` names the mappings that fail.
        ignored, if no mapping matches, the event excludes Voucherify, the bridge sent it, or it is ``anonymous``.
        quarantined, if the event is invalid, or every mapping that matches fails. It never raises.
    """
    if reasons_by_field := problems(event):
        reasons = (f"{name or 'the event'}: {reason}" for name, reason in reasons_by_field.items())
        return _unsent(Status.QUARANTINED, event, "; ".join(reasons))
    if reason := ignore_reason(event):
        return _unsent(Status.IGNORED, event, reason)
    return _mapped(event, mappings)


def ignore_reason(event: Mapping[str, Any]) -> str:
    """Return why an event is ignored before any mapping, or "" if it is not."""
    if isinstance(at(event, "context.voucherify"), dict):
        return "the bridge's own event"
    integrations = event.get("integrations")
    integrations = integrations if isinstance(integrations, dict) else {}
    if integrations.get(INTEGRATION, integrations.get("All", True)) is False:
        return f"not meant for {INTEGRATION}: see the event's integrations"
    return ""


def _mapped(event: Mapping[str, Any], mappings: Mappings) -> Arrival:
    results = [apply(one, event) for one in mappings if one.enabled and one.trigger.matches(event)]
    deliveries = tuple(one.outgoing for one in results if one.outgoing)
    reason = "; ".join(f"{one.mapping.name}: {one.problem}" for one in results if one.problem)
    if deliveries:
        return Arrival(Status.ACCEPTED, _name(event), reason, deliveries[0].lane, outgoing=deliveries)
    if not results:
        return _unsent(Status.IGNORED, event, "no mapping matches")
    if not event.get("userId"):
        return _unsent(Status.IGNORED, event, f"{ANONYMOUS} ({reason})")
    return _unsent(Status.QUARANTINED, event, reason)


def _unsent(status: Status, event: Any, reason: str) -> Arrival:
    """Return the outcome of an event without deliveries.

    Its id alone identifies it, as for an event with deliveries.
    """
    fields = event if isinstance(event, dict) else {}
    call = digest(["event", fields.get("messageId", event)])
    customer = fields.get("userId")
    return Arrival(status, _name(fields), reason, customer if isinstance(customer, str) else None, Identity(call, call))


def _name(event: Mapping[str, Any]) -> str:
    name = event.get("event") if event.get("type") == "track" else event.get("type")
    return name[:NAME_LENGTH] if isinstance(name, str) else ""
