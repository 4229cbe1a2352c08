"""Apply one mapping to one event.

The result is the action's payload. From there on it uses the same path as a destination call.
"""

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
class Result:
    """The result of a mapping for an event.

    Attributes:
        payload: the action's payload, as Segment's destination sends it; None if the mapping fails.
        outgoing: the delivery; None if the payload is invalid.
        problem: why there is no delivery, "" if there is one.
    """

    mapping: ActionMapping
    payload: Any
    outgoing: Outgoing | None
    problem: str


def apply(mapping: ActionMapping, event: Mapping[str, Any]) -> Result:
    """Apply a mapping to an event, whether or not its trigger matches.

    The event is not changed.
    """
    action, payload = mapping.action, None
    try:
        payload = _payload(mapping, event)
        key = write_ascii([mapping.name, event["messageId"]]).decode()
        return Result(mapping, payload, outgoing(action, *load(action, payload), key), "")
    except (Invalid, MappingFailed) as error:
        return Result(mapping, payload, None, str(error))


def outgoing(action: Action, call: Mapping[str, Any], left_out: LeftOut, key: str) -> Outgoing:
    """Build the delivery for a call that the action's schema has loaded.

    The payload's ``body`` is the body of the request, before it is fitted to the project's metadata schema. The payload
    has ``left_out`` if a field was left out.
    """
    request_body = body(action, call)
    payload = {"action": action.name, "path": action.path, "body": request_body}
    return Outgoing(
        SINK,
        key=key,
        payload=write(payload | {"left_out": left_out} if left_out else payload),
        lane=at(call, action.lane),
        mergeable=action.is_upsert and is_mergeable(request_body),
    )


def _payload(mapping: ActionMapping, event: Mapping[str, Any]) -> dict[str, Any]:
    built = mapping.build(event)
    payload: dict[str, Any] = storable(_finite(as_segment_sends(mapping.action, {} if built is UNDEFINED else built)))
    return with_trait(event, payload) if mapping.action is UPSERT_CUSTOMER else payload


def _finite(value: Any) -> Any:
    """Replace Infinity by null, as JavaScript writes it.

    ``@json`` can read Infinity from a text.
    """
    match value:
        case float() if not isfinite(value):
            return None
        case list():
            return [_finite(item) for item in value]
        case dict():
            return {name: _finite(item) for name, item in value.items()}
        case _:
            return value
