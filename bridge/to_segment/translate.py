"""Translate a webhook's body into an outcome with its delivery."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from segment.analytics.client import Client

from bridge import __version__
from bridge.directions import DIRECTIONS, TO_SEGMENT
from bridge.errors import NotPlain, Unusable
from bridge.json_text import digest, fingerprint, read, write
from bridge.messages import Arrival, Identity, Outgoing, Status
from bridge.to_segment.catalogue import EVENT_ID, EVERY_EVENT, Event, find
from bridge.to_segment.fit import LIMIT, TOO_LARGE, fit
from bridge.to_segment.flatten import flatten_each
from bridge.to_segment.schemas import CUSTOMER, DATA, ENVELOPE, check, fits
from bridge.to_segment.shape import shape

SINK = DIRECTIONS[TO_SEGMENT].sink

NAME_LENGTH = 200
"""The most characters of an unknown type that are stored.

Lists show at most so many.
"""

INTEGRATION = {"name": "voucherify-segment-bridge", "version": __version__}
"""The integration that made the event. Segment requires it of its sources."""

_DEFAULT_PAYLOAD = "set the distribution's webhook to send the default payload, neither raw nor designed"

# Segment's own destination would otherwise send the bridge's events back to Voucherify as custom events.
INTEGRATIONS = {"Voucherify (Actions)": False}

# Builds and checks messages. It sends nothing, because its queue has no consumer.
_UNSENT = Client("unsent", send=False)


def translate(body: bytes, received_at: datetime) -> Arrival:
    """Translate ``body``, an authentic webhook.

    Args:
        body: the raw bytes.
        received_at: the event's time if the webhook has none. Aware.

    Returns:
        accepted, with one delivery. ignored, as ``anonymous`` without a ``source_id``, or as ``unknown type`` if the
        catalogue lacks the event. quarantined, with the reason. It never raises.
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
        _check_data(event, envelope)
        customer = _customer(event, envelope)
        if customer is None:
            return Arrival(Status.IGNORED, name, "anonymous", identity=identity)
        outgoing = _outgoing(event, envelope, customer, received_at)
        return Arrival(Status.ACCEPTED, name, "", customer["source_id"], identity, (outgoing,))
    except Unusable as error:
        return Arrival(Status.QUARANTINED, name, str(error), identity=identity)


def message_id(event: Event, envelope: Mapping[str, Any]) -> str:
    """Return Segment's ``messageId``, of 39 characters and globally unique.

    It is the same for the same event on any machine, at any time. It identifies the redemption, publication, … itself.
    So the project webhook and the distribution webhook of one redemption have one id. The six redemptions of a stack of
    five have six ids.
    """
    data = envelope["data"]
    natural = at(data, event.key) if event.key != EVENT_ID else None
    named = natural or at(envelope, "event.id") or digest(data).hex()
    return f"bridge-{digest([envelope.get('project_id'), event.name, named])[:16].hex()}"


def at(value: Any, path: str) -> Any:
    """Return the value at a dotted ``path`` in nested objects, or None."""
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _envelope(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Unusable(f"the body is not a JSON object: {_DEFAULT_PAYLOAD}")
    try:
        check(ENVELOPE, value)
    except Unusable as error:
        # Without data it is not an envelope, but a payload that the author of a distribution designed.
        raise (error if isinstance(value.get("data"), dict) else Unusable(f"{error} {_DEFAULT_PAYLOAD}")) from error
    return value


def _type(envelope: Mapping[str, Any]) -> str:
    """Return the type of the event.

    The envelope's ``type`` can be any text of the distribution's author.
    """
    event_type: str | None = at(envelope, "event.type") or envelope.get("type")
    if not event_type:
        raise Unusable(f"neither type nor event.type says what happened: {_DEFAULT_PAYLOAD}")
    return event_type


def _check_data(event: Event, envelope: Mapping[str, Any]) -> None:
    """Check that ``data`` is what Voucherify sends by default.

    Empty data may come from the button that sends a test webhook. It is ignored later.

    Raises:
        Unusable: ``data`` differs. The text says what to change.
    """
    data = envelope["data"]
    if isinstance(data.get("object"), dict):
        raise Unusable("data.object: set the webhook's version to v2024-01-01")
    check(DATA[event.type], data, "data.")
    if data and event.key != EVENT_ID and not at(data, event.key):
        raise Unusable(f"data.{event.key} is missing: {_DEFAULT_PAYLOAD}")


def _identity(envelope: Mapping[str, Any]) -> Identity | None:
    """Return the identity of the call, by which a retry is recognised.

    A retry repeats the event's id, the webhook's id and the data. The envelope's own id and time may differ.
    """
    event_id = at(envelope, "event.id")
    if not event_id:
        return None
    call = digest([envelope.get("project_id"), at(envelope, "source.id"), event_id])
    return Identity(call, fingerprint(envelope["data"]))


def _is_designed(event: Event, envelope: Mapping[str, Any]) -> bool:
    """Return whether the author of a distribution designed ``data``.

    By default ``data`` has a customer, even if it is null.
    """
    data = envelope["data"]
    if not data or "customer" in data:
        return False
    of_distribution: bool = at(envelope, "source.object") == "distribution"
    return of_distribution or data.keys().isdisjoint((*EVERY_EVENT, *event.fields))


def _customer(event: Event, envelope: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the customer who acted, with ``source_id`` as text; None if unknown.

    It is the customer of ``data``, else of the objects that the row declares. If that one has no ``source_id``, it is
    the same customer (by id) in any object of the event. The holder is never used: the holder of a voucher is not
    always the customer who used it.

    Raises:
        Unusable: the author of a distribution left the customer out.
    """
    data = envelope["data"]
    acting = [data.get("customer"), *(at(data, f"{name}.customer") for name in event.customer)]
    named = [customer for customer in acting if customer]
    ids = [at(data, f"{name}.customer_id") for name in event.customer]
    customer_id = next(filter(None, [*(customer.get("id") for customer in named), *ids]), None)
    same = [customer for customer in named if customer.get("id") in (None, customer_id)]
    if customer_id is not None:
        others = (at(data, f"{name}.customer") for name in event.fields)
        same += [other for other in others if at(other, "id") == customer_id and fits(CUSTOMER, other)]
    match = next((customer for customer in same if customer.get("source_id") not in (None, "")), None)
    if match is None:
        if _is_designed(event, envelope):
            raise Unusable(f"data.customer is missing: {_DEFAULT_PAYLOAD}")
        return None
    source_id = match["source_id"]
    # A number as its sender would print it: 7, not 7.0.
    text = int(source_id) if isinstance(source_id, float) and source_id.is_integer() else source_id
    # The values of the first object win: it is the same customer.
    own = {name: value for name, value in same[0].items() if value is not None}
    return {**match, **own, "source_id": str(text)}


def _outgoing(event: Event, envelope: Mapping[str, Any], customer: dict[str, Any], received_at: datetime) -> Outgoing:
    data = envelope["data"]
    key = message_id(event, envelope)
    timestamp = _happened_at(event, envelope) or received_at
    fields = {
        "project_id": envelope.get("project_id"),
        "event_id": at(envelope, "event.id"),
        "webhook_id": at(envelope, "source.id"),
        "channel": at(envelope, "event.event_source.channel"),
    }
    origin = {name: value for name, value in fields.items() if value}
    objects = {name: data.get(name) for name in (*EVERY_EVENT, *event.fields)}

    def render(properties: Mapping[str, Any], reduced: list[str], *, is_shaped: bool = False) -> bytes:
        message = _message(
            user_id=customer["source_id"],
            event=event.name,
            context={"integration": INTEGRATION},
            timestamp=timestamp,
            integrations=INTEGRATIONS,
            message_id=key,
        )
        del message["anonymousId"]  # the SDK's null
        # Added afterwards, because the SDK raises RuntimeError over 32 KB.
        message["context"]["voucherify"] = {**origin, "reduced": reduced} if reduced else origin
        message["properties"] = flatten_each(properties, LIMIT, is_shaped=is_shaped)
        return write(message)

    properties = {"email": customer.get("email"), **objects, "customer": customer}
    try:
        payload = fit(properties, render)
    except NotPlain:
        shaped, left_out = shape(properties)
        payload = fit(shaped, partial(render, is_shaped=True), reduced=left_out)
    return Outgoing(SINK, key, payload)


def _message(**fields: Any) -> dict[str, Any]:
    """Build a message without properties.

    Raises:
        Unusable: it is over 32 KB all the same.
    """
    try:
        _, message = _UNSENT.track(**fields)
    except RuntimeError as error:
        raise Unusable(TOO_LARGE) from error
    return dict(message)


def _happened_at(event: Event, envelope: Mapping[str, Any]) -> datetime | None:
    """Return the time of the event: the first of several paths with a valid time.

    The envelope's own time is the last, because it is the time of the webhook.
    """
    subject = event.key.partition(".")[0] or "redemption"
    paths = (
        "event.created_at",
        f"data.{subject}.date",
        f"data.{subject}.created_at",
        "data.created_at",
        "created_at",
    )
    return next(filter(None, (_instant(at(envelope, path)) for path in paths)), None)


def _instant(text: Any) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None
