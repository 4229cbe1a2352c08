"""Metadata that fits the project: what its schema does not take is left out and named, and never fails the call.

Sources: Voucherify's published OpenAPI description of ``/v1/metadata-schemas/{resource}`` for what a property may
demand; https://docs.voucherify.io/prepare/metadata for how each type is written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from bridge.errors import Unfit
from bridge.to_voucherify.actions import MESSAGE_ID
from bridge.to_voucherify.conversions import CONVERSIONS, array, nested
from bridge.to_voucherify.limits import LIMITS, broken

LeftOut = dict[str, str]
"""By dotted path, why it was left out."""

UNDEFINED, DELETED, MANDATORY = "not in the schema", "deleted from the schema", "mandatory, so null cannot clear it"


@dataclass(frozen=True, slots=True)
class Property:
    """What the schema says of one property.

    Attributes:
        type: one of ``CONVERSIONS``, or ``object``. Of any other, every value fits.
        object_type: which custom schema a nested object follows.
        limits: what a value must satisfy, by the schema's own words: ``{"lt": 10}``.
    """

    type: str = ""
    array: bool = False
    optional: bool = True
    deleted: bool = False
    object_type: str | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, told: Any) -> Self:
        """Of a definition in Voucherify's answer; what is not as described demands nothing."""
        if not isinstance(told, dict):
            return cls()
        return cls(
            type=str(told.get("type")),
            array=told.get("array") is True,
            optional=told.get("optional") is not False,
            deleted=told.get("deleted") is True,
            object_type=told.get("objectType") or None,
            limits={name: told[name] for name in LIMITS if told.get(name) not in (None, [])},
        )


@dataclass(frozen=True, slots=True)
class Schema:
    """A resource's metadata schema.

    Attributes:
        properties: by name.
        allow_defined_only: nothing else may be set.
        objects: by name, the custom schemas that nested objects follow; one that is missing demands nothing.
    """

    properties: Mapping[str, Property]
    allow_defined_only: bool = False
    objects: Mapping[str, "Schema"] = field(default_factory=dict)

    @classmethod
    def parse(cls, response: Any, objects: Mapping[str, "Schema"] | None = None) -> Self:
        """Of the answer to ``GET /v1/metadata-schemas/{resource}``; an answer that is none demands nothing."""
        told = response if isinstance(response, dict) else {}
        properties = told.get("properties")
        if not isinstance(properties, dict):
            return cls({})
        parsed = {name: Property.parse(definition) for name, definition in properties.items()}
        return cls(parsed, told.get("allow_defined_only") is True, objects or {})

    @property
    def object_types(self) -> set[str]:
        """The custom schemas that its nested objects follow, each to be asked for as a resource of that name."""
        found = self.properties.values()
        return {one.object_type for one in found if one.type == "object" and one.object_type and not one.deleted}


def fit(metadata: Mapping[str, Any], schema: Schema | None) -> tuple[dict[str, Any], LeftOut]:
    """What of ``metadata`` the schema takes, converted where it wants another type; and what was left out, and why.

    Args:
        metadata: of a customer or an event; it is not changed.
        schema: None where there is none, or none that may be read: then all fits.
    """
    defined = schema.properties.get(MESSAGE_ID) if schema else None
    if defined is None or defined.deleted:
        # It told the bridge which call this is. Nobody has asked Voucherify to keep it.
        metadata = {name: value for name, value in metadata.items() if name != MESSAGE_ID}
    return _fit(metadata, schema) if schema else (dict(metadata), {})


def _fit(metadata: Mapping[str, Any], schema: Schema) -> tuple[dict[str, Any], LeftOut]:
    fitted: dict[str, Any] = {}
    left_out: LeftOut = {}
    for name, value in metadata.items():
        try:
            fitted[name], inner = _fit_one(value, schema.properties.get(name), schema)
        except Unfit as reason:
            left_out[name] = str(reason)
        else:
            left_out |= {f"{name}.{path}": reason for path, reason in inner.items()}
    return fitted, left_out


def _fit_one(value: Any, wanted: Property | None, schema: Schema) -> tuple[Any, LeftOut]:
    """The value as the property wants it, and what was left out inside it.

    Raises:
        Unfit: it cannot be made so.
    """
    if wanted is None:
        if schema.allow_defined_only:
            raise Unfit(UNDEFINED)
        return value, {}
    if wanted.deleted:
        raise Unfit(DELETED)
    if value is None:
        if not wanted.optional:
            raise Unfit(MANDATORY)
        return None, {}
    if wanted.array:
        return _fit_each(array(value), wanted, schema)
    return _fit_item(value, wanted, schema)


def _fit_each(items: Iterable[Any], wanted: Property, schema: Schema) -> tuple[list[Any], LeftOut]:
    fitted = [_fit_item(item, wanted, schema) for item in items]
    left_out = {f"{at}.{path}": why for at, (_, inner) in enumerate(fitted) for path, why in inner.items()}
    return [value for value, _ in fitted], left_out


def _fit_item(value: Any, wanted: Property, schema: Schema) -> tuple[Any, LeftOut]:
    if wanted.type == "object":
        inner = schema.objects.get(wanted.object_type or "")
        return _fit(nested(value), inner) if inner else (nested(value), {})
    if wanted.type not in CONVERSIONS:
        return value, {}
    converted = CONVERSIONS[wanted.type](value)
    if reason := broken(converted, wanted.limits):
        raise Unfit(reason)
    return converted, {}
