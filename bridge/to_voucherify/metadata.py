"""Fit metadata to the metadata schema of the project.

A value that the schema does not accept is converted, or left out with the reason. The call never fails because of it.
Sources: Voucherify's published OpenAPI description of ``/v1/metadata-schemas/{resource}`` for the limits of a
property; https://docs.voucherify.io/prepare/metadata for the format of each type.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from bridge.errors import Unfit
from bridge.to_voucherify.actions import MESSAGE_ID
from bridge.to_voucherify.conversions import CONVERSIONS, array, nested
from bridge.to_voucherify.limits import LIMITS, violation

LeftOut = dict[str, str]
"""By dotted path: why the value was left out."""

UNDEFINED, DELETED, MANDATORY = "not in the schema", "deleted from the schema", "mandatory, so null cannot clear it"


@dataclass(frozen=True, slots=True)
class Property:
    """The definition of one property in a schema.

    Attributes:
        type: one of ``CONVERSIONS``, or ``object``. Any other type accepts every value.
        object_type: the custom schema of a nested object.
        limits: by their names in the schema: ``{"lt": 10}``.
    """

    type: str = ""
    array: bool = False
    optional: bool = True
    deleted: bool = False
    object_type: str | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, definition: Any) -> Self:
        """Parse a definition of Voucherify's response.

        A definition in another form accepts every value.
        """
        if not isinstance(definition, dict):
            return cls()
        return cls(
            type=str(definition.get("type")),
            array=definition.get("array") is True,
            optional=definition.get("optional") is not False,
            deleted=definition.get("deleted") is True,
            object_type=definition.get("objectType") or None,
            limits={name: definition[name] for name in LIMITS if definition.get(name) not in (None, [])},
        )


@dataclass(frozen=True, slots=True)
class Schema:
    """A resource's metadata schema.

    Attributes:
        properties: by name.
        allow_defined_only: other properties are not accepted.
        objects: the custom schemas of nested objects, by name. A schema that is missing accepts every value.
    """

    properties: Mapping[str, Property]
    allow_defined_only: bool = False
    objects: Mapping[str, "Schema"] = field(default_factory=dict)

    @classmethod
    def parse(cls, response: Any, objects: Mapping[str, "Schema"] | None = None) -> Self:
        """Parse the response of ``GET /v1/metadata-schemas/{resource}``.

        A response in another form accepts every value.
        """
        content = response if isinstance(response, dict) else {}
        properties = content.get("properties")
        if not isinstance(properties, dict):
            return cls({})
        parsed = {name: Property.parse(definition) for name, definition in properties.items()}
        return cls(parsed, content.get("allow_defined_only") is True, objects or {})

    @property
    def object_types(self) -> set[str]:
        """The custom schemas of its nested objects. Each is a resource of that name."""
        properties = self.properties.values()
        return {row.object_type for row in properties if row.type == "object" and row.object_type and not row.deleted}


def fit(metadata: Mapping[str, Any], schema: Schema | None) -> tuple[dict[str, Any], LeftOut]:
    """Fit metadata to a schema.

    Args:
        metadata: of a customer or an event. It is not changed.
        schema: None if there is none, or it cannot be read. Then every value is accepted.

    Returns:
        The metadata that the schema accepts, and what was left out with the reason.
    """
    defined = schema.properties.get(MESSAGE_ID) if schema else None
    if defined is None or defined.deleted:
        # The id identifies the call to the bridge. The project does not store it.
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


def _fit_one(value: Any, definition: Property | None, schema: Schema) -> tuple[Any, LeftOut]:
    """Fit one value to its property.

    Returns:
        The value, and what was left out inside it.

    Raises:
        Unfit: the property does not accept it.
    """
    if definition is None:
        if schema.allow_defined_only:
            raise Unfit(UNDEFINED)
        return value, {}
    if definition.deleted:
        raise Unfit(DELETED)
    if value is None:
        if not definition.optional:
            raise Unfit(MANDATORY)
        return None, {}
    if definition.array:
        return _fit_each(array(value), definition, schema)
    return _fit_item(value, definition, schema)


def _fit_each(items: Iterable[Any], definition: Property, schema: Schema) -> tuple[list[Any], LeftOut]:
    fitted = [_fit_item(item, definition, schema) for item in items]
    left_out = {f"{at}.{path}": why for at, (_, inner) in enumerate(fitted) for path, why in inner.items()}
    return [value for value, _ in fitted], left_out


def _fit_item(value: Any, definition: Property, schema: Schema) -> tuple[Any, LeftOut]:
    if definition.type == "object":
        inner = schema.objects.get(definition.object_type or "")
        return _fit(nested(value), inner) if inner else (nested(value), {})
    if definition.type not in CONVERSIONS:
        return value, {}
    converted = CONVERSIONS[definition.type](value)
    if reason := violation(converted, definition.limits):
        raise Unfit(reason)
    return converted, {}
