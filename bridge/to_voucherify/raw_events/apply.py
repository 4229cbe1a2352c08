"""One mapping applied to one event: the action's payload, and from there on what the destination's calls go through."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from bridge.directions import DIRECTIONS, TO_VOUCHERIFY
from bridge.errors import Invalid, MappingFailed
from bridge.json_text import storable, write, write_ascii
from bridge.messages import Outgoing
from bridge.to_voucherify.actions import UPSERT_CUSTOMER, Action
from bridge.to_voucherify.language.mapping import UNDEFINED
from bridge.to_voucherify.merge import is_mergeable
from bridge.to_voucherify.metadata import LeftOut
from bridge.to_voucherify.raw_events.engage import with_trait
from bridge.to_voucherify.raw_events.mappings import ActionMapping
from bridge.to_voucherify.request import at, body
from bridge.to_voucherify.schemas import as_segment_sends, load

SINK = DIRECTIONS[TO_VOUCHERIFY].sink


@dataclass(frozen=True, slots=True)
class Applied:
    """What a mapping makes of an event that its trigger takes.

    Attributes:
        payload: the action's, as Segment's destination would send it; None if the mapping fails.
        outgoing: None if the payload is none that the action can use.
        problem: why ("" if it can).
    """

    mapping: ActionMapping
    payload: Any
    outgoing: Outgoing | None
    problem: str


def apply(mapping: ActionMapping, event: Mapping[str, Any]) -> Applied:
    """What ``mapping`` makes of ``event``, whether its trigger takes it or not; the event is not changed."""
    action, payload = mapping.action, None
    try:
        payload = _payload(mapping, event)
        key = write_ascii([mapping.name, event["messageId"]]).decode()
        return Applied(mapping, payload, outgoing(action, *load(action, payload), key), "")
    except (Invalid, MappingFailed) as error:
        return Applied(mapping, payload, None, str(error))


def outgoing(action: Action, call: Mapping[str, Any], left_out: LeftOut, key: str) -> Outgoing:
    """The delivery that a ``call`` asks for, as the action's schema has loaded it.

    Its payload's ``body`` is the request's, before it is fitted to the project's metadata schema. ``left_out`` is
    there if anything was left out.
    """
    made = body(action, call)
    payload = {"action": action.name, "path": action.path, "body": made}
    return Outgoing(
        SINK,
        key=key,
        payload=write(payload | {"left_out": left_out} if left_out else payload),
        lane=at(call, action.lane),
        mergeable=action.is_upsert and is_mergeable(made),
    )


def _payload(mapping: ActionMapping, event: Mapping[str, Any]) -> dict[str, Any]:
    made = mapping.build(event)
    payload: dict[str, Any] = storable(_finite(as_segment_sends(mapping.action, {} if made is UNDEFINED else made)))
    return with_trait(event, payload) if mapping.action is UPSERT_CUSTOMER else payload


def _finite(value: Any) -> Any:
    """Write null for Infinity, which ``@json`` can read, as JavaScript writes it."""
    match value:
        case float() if not isfinite(value):
            return None
        case list():
            return [_finite(item) for item in value]
        case dict():
            return {name: _finite(item) for name, item in value.items()}
        case _:
            return value
