"""The actions of Segment's Voucherify (Actions) destination, a declaration each.

    what Segment posts ─▶ Action.fields ─▶ a marshmallow schema     schemas.py
                                        ─▶ Voucherify's request     request.py
                                        ─▶ a table for docs/calls.md documentation()

Sources: Segment's published definition of the destination (``@segment/action-destinations`` 3.497.0) for names, types
and what may be null; Voucherify's published OpenAPI descriptions of ``/v1/customers`` and ``/v1/events`` for the rest.
"""

from dataclasses import dataclass
from enum import StrEnum


class Type(StrEnum):
    """What a field holds. Segment sends numbers and booleans as texts."""

    TEXT = "text"
    DATE = "date or datetime"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Field:
    """One row of an action.

    Attributes:
        name: where it is in the call, dotted.
        type: what it holds.
        goes_to: where it goes in Voucherify's request, dotted; ``…*`` is every key of an object, each with what stands
            before the ``*`` in front; "" is nowhere. Of two fields with one goal, the first keeps it.
        says: what it is, for the documentation.
        required: a call without it is refused. An empty text is none.
        nullable: null is passed on, and clears the field. Elsewhere null counts as missing, as it does at Segment.
        essential: without it, the object that it is in is left out.
        stands_in: it is used only if nothing else has its goal. Several that stand in are joined by a space.
        longest: characters; what is longer is cut.
    """

    name: str
    type: Type
    goes_to: str
    says: str
    required: bool = False
    nullable: bool = False
    essential: bool = False
    stands_in: bool = False
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What Segment can ask Voucherify to do.

    Attributes:
        name: as in a payload's ``action``.
        title: as people read it.
        slug: as Segment's mappings name it: their ``partnerAction``.
        path: where Voucherify's API takes it, by POST.
        fields: an object before the fields in it.
        lane: the field that names the customer. One customer's calls are made in the order in which they came in.
        is_upsert: it may be repeated, and merged with its neighbours: Voucherify ends up in the same state.
    """

    name: str
    title: str
    slug: str
    path: str
    fields: tuple[Field, ...]
    lane: str
    is_upsert: bool


MESSAGE_ID = "messageId"
"""In a call's ``metadata``: Segment's id of the event, if the operator mapped it. Nothing else tells a retry."""

EVENT_LENGTH = 300
"""The most of an event's name that Voucherify takes. The name of a page can be longer: better cut than lost."""

_TEXT, _DATE, _OBJECT = Type

# fmt: off
UPSERT_CUSTOMER = Action("upsert_customer", "Upsert Customer", "upsertCustomer", "/v1/customers", (
    Field("source_id", _TEXT, "source_id", "user id of the customer", required=True),
    Field("name", _TEXT, "name", "full name", nullable=True),
    Field("first_name", _TEXT, "name", "given name", nullable=True, stands_in=True),
    Field("last_name", _TEXT, "name", "family name", nullable=True, stands_in=True),
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
    Field("type", _TEXT, "event", "type of the call: `track`, `page`, `screen`", required=True, stands_in=True,
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
"""By what Segment's mappings call it."""


def documentation(action: Action) -> str:
    """The fields of ``action``: a Markdown table, without a newline at its end."""
    head = ("| field | holds | required | null | goes to | meaning |", "| --- | --- | --- | --- | --- | --- |")
    return "\n".join((*head, *(_row(field) for field in action.fields)))


def _row(field: Field) -> str:
    goal = f"`{field.goes_to}`" if field.goes_to else ""
    notes = [
        field.says,
        *([f"used if `{field.goes_to}` is missing"] if field.stands_in else []),
        *(["the object is left out without it"] if field.essential else []),
        *([f"cut after {field.longest} characters"] if field.longest else []),
    ]
    required, null = "yes" if field.required else "", "clears it" if field.nullable else ""
    cells = (f"`{field.name}`", field.type, required, null, goal, "; ".join(notes))
    return "| " + " | ".join(cells) + " |"
