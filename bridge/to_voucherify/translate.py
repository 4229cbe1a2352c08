"""One call of Segment's destination, or one raw event → what to store and what to deliver."""

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

__all__ = ["SINK", "check", "left_alone", "translate", "translate_event"]

INTEGRATION = "Voucherify (Actions)"
"""What an event's ``integrations`` call Segment's own destination; the bridge stands in its place."""

ANONYMOUS = "anonymous"

NAME_LENGTH = 200
"""Characters of an event's name that are kept: enough to read it, and no more than a list can show."""


def check(action: str, call: bytes) -> None:
    """Return if a ``call`` satisfies the schema of its action.

    Raises:
        Invalid: it violates the schema; nothing of it may be stored.
    """
    _loaded(action, call)


def translate(action: str, call: bytes, unique: str) -> Arrival:
    """What a ``call`` asks for, accepted, with one delivery.

    Args:
        action: the name of a row of ``ACTIONS``.
        call: the raw bytes of the body.
        unique: the delivery's key if the call does not say who it is, new for each call.

    Raises:
        Invalid: it violates the action's schema.
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
    """What an event means to the mappings that are in force.

    Args:
        event: as ``events.completed`` has made it.

    Returns:
        accepted with a delivery for each mapping that takes it (``reason`` says which of them could not use it);
        ignored (no mapping takes it; it is not meant for Voucherify; it comes from the bridge; ``anonymous``);
        quarantined, if its meaning is not clear, or no mapping that takes it can use it. Never raises.
    """
    if wrong := problems(event):
        reasons = (f"{name or 'the event'}: {reason}" for name, reason in wrong.items())
        return _unsent(Status.QUARANTINED, event, "; ".join(reasons))
    if reason := left_alone(event):
        return _unsent(Status.IGNORED, event, reason)
    return _mapped(event, mappings)


def left_alone(event: Mapping[str, Any]) -> str:
    """Why no mapping is asked about an event; "" if they are."""
    if isinstance(at(event, "context.voucherify"), dict):
        return "the bridge's own event"
    asked = event.get("integrations")
    asked = asked if isinstance(asked, dict) else {}
    if asked.get(INTEGRATION, asked.get("All", True)) is False:
        return f"not meant for {INTEGRATION}: see the event's integrations"
    return ""


def _mapped(event: Mapping[str, Any], mappings: Mappings) -> Arrival:
    taken = [apply(one, event) for one in mappings if one.enabled and one.trigger.matches(event)]
    going = tuple(one.outgoing for one in taken if one.outgoing)
    reason = "; ".join(f"{one.mapping.name}: {one.problem}" for one in taken if one.problem)
    if going:
        return Arrival(Status.ACCEPTED, _name(event), reason, going[0].lane, outgoing=going)
    if not taken:
        return _unsent(Status.IGNORED, event, "no mapping matches")
    if not event.get("userId"):
        return _unsent(Status.IGNORED, event, f"{ANONYMOUS} ({reason})")
    return _unsent(Status.QUARANTINED, event, reason)


def _unsent(status: Status, event: Any, reason: str) -> Arrival:
    """Of an event of which nothing goes out. It is known again by its id alone, as one is of which something does."""
    told = event if isinstance(event, dict) else {}
    call = digest(["event", told.get("messageId", event)])
    customer = told.get("userId")
    return Arrival(status, _name(told), reason, customer if isinstance(customer, str) else None, Identity(call, call))


def _name(event: Mapping[str, Any]) -> str:
    name = event.get("event") if event.get("type") == "track" else event.get("type")
    return name[:NAME_LENGTH] if isinstance(name, str) else ""
