"""Declare the presets of Segment's Voucherify (Actions) destination.

They are Segment's, word for word, and active if there is no file with mappings. Source: Segment's published definition
of the destination (``@segment/action-destinations`` 3.497.0).
"""

from typing import Any

from bridge.to_voucherify.raw_events.mappings import load

Source = dict[str, Any]


def _path(path: str) -> Source:
    return {"@path": path}


def _first(path: str, otherwise: str) -> Source:
    return {"@if": {"exists": _path(path), "then": _path(path), "else": _path(otherwise)}}


_PERSON = ("name", "first_name", "last_name", "description", "email", "phone", "birthdate")
_ADDRESS = ("city", "state", "postal_code", "street", "country")

UPSERT_CUSTOMER: Source = {
    "source_id": _path("$.userId"),
    **{name: _path(f"$.traits.{name}") for name in _PERSON},
    "address": {name: _path(f"$.traits.address.{name}") for name in _ADDRESS},
    "metadata": _path("$.traits.metadata"),
    "type": _path("$.type"),
}
ADD_CUSTOM_EVENT: Source = {
    "customer": {
        "source_id": _path("$.userId"),
        "email": _first("$.properties.email", "$.context.traits.email"),
    },
    "referral": {
        "code": _path("$.properties.referral.code"),
        "referrer_id": _path("$.properties.referral.referrer_id"),
    },
    "loyalty": {"code": _path("$.properties.loyalty.code")},
    "metadata": _path("$.properties.metadata"),
    "event": _first("$.event", "$.name"),
    "type": _path("$.type"),
}
ASSIGN_GROUP: Source = {
    "customer": {"source_id": _path("$.userId"), "email": _path("$.email")},
    "group_id": _path("$.groupId"),
    "traits": _path("$.traits"),
    "type": _path("$.type"),
}


def _preset(name: str, kind: str, action: str, mapping: Source) -> Source:
    return {
        "name": name,
        "enabled": True,
        "subscribe": f'type = "{kind}"',
        "partnerAction": action,
        "mapping": mapping,
    }


def _viewed(what: str) -> Source:
    return {**ADD_CUSTOM_EVENT, "event": {"@template": f"Viewed {{{{name}}}} {what}"}}


ROWS = (
    _preset("Add Custom Event (Track Event)", "track", "addCustomEvent", ADD_CUSTOM_EVENT),
    _preset("Add Custom Event (Page Event)", "page", "addCustomEvent", _viewed("Page")),
    _preset("Add Custom Event (Screen Event)", "screen", "addCustomEvent", _viewed("Screen")),
    _preset("Create Or Update Customer", "identify", "upsertCustomer", UPSERT_CUSTOMER),
    _preset("Assign Customer To Group", "group", "assignCustomerToGroup", ASSIGN_GROUP),
)

PRESETS = load(ROWS)
