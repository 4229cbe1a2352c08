"""Declare the actions of Segment's Voucherify (Actions) destination.

    what Segment posts ─▶ Action.fields ─▶ a marshmallow schema     schemas.py
                                        ─▶ Voucherify's request     request.py
                                        ─▶ a table for docs/calls.md documentation()

Segment's published definition of the destination (``@segment/action-destinations`` 3.497.0) is the source of names,
types and nullable fields. Voucherify's published OpenAPI descriptions of ``/v1/customers`` and ``/v1/events`` are the
source of the rest.
"""

from dataclasses import dataclass
from enum import StrEnum


class Type(StrEnum):
    """The type of a field. Segment sends numbers and booleans as texts."""

    TEXT = "text"
    DATE = "date or datetime"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an action.

    Attributes:
        name: its path in the call, dotted.
        type: its type.
        target: its path in Voucherify's request, dotted. ``…*`` sets every key of an object, each with the text before
            the ``*`` as a prefix. "" means that the field is not sent. Of two fields with one target, the first wins.
        meaning: its description in the documentation.
        required: a call without the field is rejected. An empty text counts as missing.
        nullable: null is sent, and clears the field. Elsewhere null counts as missing, as at Segment.
        essential: without it, the object around it is left out.
        is_fallback: it is used only if no other field sets its target. Several fallbacks are joined by a space.
        longest: characters. A longer text is cut.
    """

    name: str
    type: Type
    target: str
    meaning: str
    required: bool = False
    nullable: bool = False
    essential: bool = False
    is_fallback: bool = False
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """An action that Segment can request from Voucherify.

    Attributes:
        name: the value of a payload's ``action``.
        title: its name for people.
        slug: its name in Segment's mappings: ``partnerAction``.
        path: the path of Voucherify's API that receives it, by POST.
        fields: each object before its own fields.
        lane: the field that names the customer. Calls of one customer are sent in the order of arrival.
        is_upsert: it may be repeated, and merged with its neighbours. Voucherify ends up in the same state.
    """

    name: str
    title: str
    slug: str
    path: str
    fields: tuple[Field, ...]
    lane: str
    is_upsert: bool


MESSAGE_ID = "messageId"
"""The key of Segment's event id in a call's ``metadata``, if it is mapped.

No other field identifies a retry.
"""

EVENT_LENGTH = 300
"""The longest name of an event that Voucherify accepts, in characters.

Longer names, such as those of pages, are cut.
"""

_TEXT, _DATE, _OBJECT = Type

# fmt: off
UPSERT_CUSTOMER = Action("upsert_customer", "Upsert Customer", "upsertCustomer", "/v1/customers", (
    Field("source_id", _TEXT, "source_id", "user id of the customer", required=True),
    Field("name", _TEXT, "name", "full name", nullable=True),
    Field("first_name", _TEXT, "name", "given name", nullable=True, is_fallback=True),
    Field("last_name", _TEXT, "name", "family name", nullable=True, is_fallback=True),
    Field("description", _TEXT, "description", "any text", nullable=True),
    Field("email", _TEXT, "email", "email address", nullable=True),
    Field("phone", _TEXT, "phone", "phone number", nullable=True),
    Field("birthdate", _DATE, "birthdate", "date of birth; left out if it can be two dates", nullable=True),
    Field("address", _OBJECT, "", "postal address"),
    Field("address.city", _TEXT, "address.city", "city", nullable=True),
    Field("address.state", _TEXT, "address.state", "state or region", nullable=True),
    Field("address.postal_code", _TEXT, "address.postal_code", "postal code", nullable=True),
    Field("address.street", _TEXT, "address.line_1", "street and number", nullable=True),
    Field("address.country", _TEXT, "address.country", "country", nullable=True),
    Field("metadata", _OBJECT, "metadata", "custom attributes that the project's schema allows", nullable=True),
    Field("type", _TEXT, "", "type of the call: `identify`", required=True),
), lane="source_id", is_upsert=True)

ADD_CUSTOM_EVENT = Action("add_custom_event", "Add Custom Event", "addCustomEvent", "/v1/events", (
    Field("event", _TEXT, "event", "the event's name", longest=EVENT_LENGTH),
    Field("customer", _OBJECT, "", "the customer who acted", required=True),
    Field("customer.source_id", _TEXT, "customer.source_id", "user id of the customer", required=True),
    Field("customer.email", _TEXT, "customer.email", "email address"),
    Field("referral", _OBJECT, "", "the referral that this event converts"),
    Field("referral.code", _TEXT, "referral.code", "the referral code", essential=True),
    Field("referral.referrer_id", _TEXT, "referral.referrer_id", "id of the customer who referred this one"),
    Field("loyalty", _OBJECT, "", "the loyalty card that earns points for this event"),
    Field("loyalty.code", _TEXT, "loyalty.code", "the card's code", essential=True),
    Field("metadata", _OBJECT, "metadata", "custom attributes of the event"),
    Field("type", _TEXT, "event", "type of the call: `track`, `page`, `screen`", required=True, is_fallback=True,
          longest=EVENT_LENGTH),
), lane="customer.source_id", is_upsert=False)

ASSIGN_GROUP = Action("assign_group", "Assign Customer To Group", "assignCustomerToGroup", "/v1/customers", (
    Field("customer", _OBJECT, "", "the customer who joins the group", required=True),
    Field("customer.source_id", _TEXT, "source_id", "user id of the customer", required=True),
    Field("customer.email", _TEXT, "email", "email address"),
    Field("group_id", _TEXT, "metadata.group_id", "id of the group", required=True),
    Field("traits", _OBJECT, "metadata.group_*", "attributes of the group"),
    Field("type", _TEXT, "", "type of the call: `group`", required=True),
), lane="customer.source_id", is_upsert=True)
# fmt: on

ACTIONS = {action.name: action for action in (UPSERT_CUSTOMER, ADD_CUSTOM_EVENT, ASSIGN_GROUP)}
"""By name."""

BY_SLUG = {action.slug: action for action in ACTIONS.values()}
"""By the name in Segment's mappings."""


def documentation(action: Action) -> str:
    """Return the fields of ``action`` as a Markdown table, without a final newline."""
    head = ("| field | holds | required | null | goes to | meaning |", "| --- | --- | --- | --- | --- | --- |")
    return "\n".join((*head, *(_row(field) for field in action.fields)))


def _row(field: Field) -> str:
    goal = f"`{field.target}`" if field.target else ""
    notes = [
        field.meaning,
        *([f"used if `{field.target}` is missing"] if field.is_fallback else []),
        *(["the object is left out without it"] if field.essential else []),
        *([f"cut after {field.longest} characters"] if field.longest else []),
    ]
    required, null = "yes" if field.required else "", "clears it" if field.nullable else ""
    cells = (f"`{field.name}`", field.type, required, null, goal, "; ".join(notes))
    return "| " + " | ".join(cells) + " |"
