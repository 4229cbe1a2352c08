"""One call of Segment's destination → what to store and what to deliver."""

from bridge.arrival import Arrival, Outgoing, Status
from bridge.errors import Invalid, Unusable
from bridge.to_voucherify.actions import ACTIONS, MESSAGE_ID, Action
from bridge.to_voucherify.merge import is_mergeable
from bridge.to_voucherify.request import at, body
from bridge.to_voucherify.schemas import load
from bridge.wire import read, write

DIRECTION, SINK = "to_voucherify", "voucherify"


def translate(action: str, call: bytes, unique: str) -> Arrival:
    """What a ``call`` asks for, accepted, with one delivery.

    Args:
        action: the name of a row of ``ACTIONS``.
        call: the raw bytes of the body.
        unique: the delivery's key if the call does not say who it is, new for each call.

    Raises:
        Invalid: it violates the action's schema; nothing of it may be stored.
    """
    declared = ACTIONS[action]
    try:
        loaded = load(declared, read(call))
        outgoing = _outgoing(declared, loaded, unique)
    except Unusable as error:
        raise Invalid({"": str(error)}) from error
    except RecursionError as error:
        raise Invalid({"": "the JSON is nested too deeply"}) from error
    return Arrival(Status.ACCEPTED, declared.title, customer=outgoing.lane, outgoing=(outgoing,))


def _outgoing(action: Action, call: dict[str, object], unique: str) -> Outgoing:
    """The payload's ``body`` is the request's, before it is fitted to the project's metadata schema."""
    made = body(action, call)
    message_id = at(call, f"metadata.{MESSAGE_ID}")
    return Outgoing(
        SINK,
        key=f"{action.name}:{message_id}" if isinstance(message_id, str) and message_id else unique,
        payload=write({"action": action.name, "path": action.path, "body": made}),
        lane=at(call, action.lane),
        mergeable=action.is_upsert and is_mergeable(made),
    )
