"""One webhook body → what to store and what to deliver."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from segment.analytics.client import Client

from bridge.arrival import Arrival, Identity, Outgoing, Status
from bridge.errors import Unusable
from bridge.to_segment.catalogue import EVENT_ID, EVERY_EVENT, Event, find
from bridge.to_segment.fit import TOO_LARGE, fit
from bridge.to_segment.flatten import flatten
from bridge.to_segment.schemas import DATA, ENVELOPE, check
from bridge.wire import digest, fingerprint, read, write

DIRECTION, SINK = "to_segment", "segment"

NAME_LENGTH = 200
"""Characters of an unknown type that are kept: enough to read it, and no more than a list can show."""

# Segment's own destination would otherwise send the bridge's events back to Voucherify as custom events.
INTEGRATIONS = {"Voucherify (Actions)": False}

# Builds and checks messages and sends nothing: its queue has no consumer running.
_UNSENT = Client("unsent", send=False)


def translate(body: bytes, received_at: datetime) -> Arrival:
    """What ``body``, an authentic webhook, means.

    Args:
        body: the raw bytes.
        received_at: stands in for the event's time when the webhook tells none. Aware.

    Returns:
        accepted with one delivery; ignored (``anonymous``: no ``source_id``; ``unknown type``: not in the catalogue);
        or quarantined with the reason. Never raises.
    """
    name, identity = "", None
    try:
        envelope = _envelope(read(body))
        name = _type(envelope)
        identity = _identity(envelope)
        event = find(name)
        if event is None:
            return Arrival(Status.IGNORED, name[:NAME_LENGTH], "unknown type", identity=identity)
        name = event.name
        check(DATA[event.type], envelope["data"], "data.")
        customer = _customer(event, envelope["data"])
        if customer is None:
            return Arrival(Status.IGNORED, name, "anonymous", identity=identity)
        outgoing = _outgoing(event, envelope, customer, received_at)
        return Arrival(Status.ACCEPTED, name, "", customer["source_id"], identity, (outgoing,))
    except Unusable as error:
        reason = str(error)
    except RecursionError:
        reason = "the JSON is nested too deeply"
    except RuntimeError:  # the SDK's, for a message over 32 KB that has no properties yet
        reason = TOO_LARGE
    return Arrival(Status.QUARANTINED, name, reason, identity=identity)


def message_id(event: Event, envelope: Mapping[str, Any]) -> str:
    """Segment's ``messageId``: the same for the same event on any machine, any day; globally unique; 39 characters.

    It names the redemption, publication, … itself, so the project webhook and the distribution webhook of one
    redemption have one id, and the six redemptions of a stack of five have six.
    """
    data = envelope["data"]
    natural = at(data, event.key) if event.key != EVENT_ID else None
    named = natural or at(envelope, "event.id") or digest(data).hex()
    return f"bridge-{digest([envelope.get('project_id'), event.name, named])[:16].hex()}"


def at(value: Any, path: str) -> Any:
    """What is at a dotted ``path`` in nested objects, or None."""
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _envelope(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Unusable("the body is not a JSON object")
    check(ENVELOPE, value)
    return value


def _type(envelope: Mapping[str, Any]) -> str:
    """A distribution may leave ``type`` empty: then ``event.type`` is the truth."""
    found: str | None = envelope.get("type") or at(envelope, "event.type")
    if not found:
        raise Unusable("neither type nor event.type says what happened")
    return found


def _identity(envelope: Mapping[str, Any]) -> Identity | None:
    """A retry repeats the event's id, the webhook's id and the data; the envelope's own id and time may differ."""
    event_id = at(envelope, "event.id")
    if not event_id:
        return None
    call = digest([envelope.get("project_id"), at(envelope, "source.id"), event_id])
    return Identity(call, fingerprint(envelope["data"]))


def _customer(event: Event, data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Who acted, with ``source_id`` as text; None if nobody known.

    The holder never stands in: who holds a voucher is not always who used it.
    """
    customer = data.get("customer") or (event.customer and at(data, f"{event.customer}.customer")) or {}
    source_id = customer.get("source_id")
    if source_id is None or source_id == "":
        return None
    # A number as its sender would print it: 7, not 7.0.
    text = int(source_id) if isinstance(source_id, float) and source_id.is_integer() else source_id
    return {**customer, "source_id": str(text)}


def _outgoing(event: Event, envelope: Mapping[str, Any], customer: dict[str, Any], received_at: datetime) -> Outgoing:
    data = envelope["data"]
    key = message_id(event, envelope)
    timestamp = _happened_at(event, envelope) or received_at
    origin = {
        "project_id": envelope.get("project_id"),
        "event_id": at(envelope, "event.id"),
        "webhook_id": at(envelope, "source.id"),
        "channel": at(envelope, "event.event_source.channel"),
    }
    carried = {name: data.get(name) for name in (*EVERY_EVENT, *event.fields)}

    def render(properties: Mapping[str, Any], reduced: list[str]) -> bytes:
        context = {name: value for name, value in {**origin, "reduced": reduced}.items() if value}
        _, message = _UNSENT.track(
            user_id=customer["source_id"],
            event=event.name,
            context={"voucherify": context},
            timestamp=timestamp,
            integrations=INTEGRATIONS,
            message_id=key,
        )
        del message["anonymousId"]  # the SDK's null
        message["properties"] = _properties(properties)
        return write(message)

    return Outgoing(SINK, key, fit({"email": customer.get("email"), **carried, "customer": customer}, render))


def _properties(nested: Mapping[str, Any]) -> dict[str, Any]:
    """Each object at depth one; what is null, or an object without anything in it, left out."""
    flat = ((name, flatten(value) if isinstance(value, dict) else value) for name, value in nested.items())
    return {name: value for name, value in flat if value is not None and value != {}}


def _happened_at(event: Event, envelope: Mapping[str, Any]) -> datetime | None:
    """When it happened: the first of these that is a time. The envelope's own is only when the webhook was made."""
    subject = event.key.partition(".")[0] or "redemption"
    told = (
        "event.created_at",
        f"data.{subject}.date",
        f"data.{subject}.created_at",
        "data.created_at",
        "created_at",
    )
    return next(filter(None, (_instant(at(envelope, path)) for path in told)), None)


def _instant(text: Any) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None
