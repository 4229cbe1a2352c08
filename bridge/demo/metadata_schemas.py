"""Make Voucherify's metadata schemas, and check metadata against them.

Source of the shape: ``GET /v1/metadata-schemas/{resource}`` in Voucherify's published OpenAPI file.
"""

from collections.abc import Mapping
from typing import Any

_TYPES: Mapping[str, tuple[type, ...]] = {"string": (str,), "number": (int, float), "boolean": (bool,)}
"""The types that are checked. Values of other types are accepted."""

_CREATED_AT = "2031-01-01T00:00:00.000Z"


def metadata_schema(resource: str, types: Mapping[str, str], *, defined_only: bool = False) -> dict[str, Any]:
    """Make a schema whose properties have these types."""
    rest = {"array": False, "optional": True, "objectType": None}
    return {
        "id": f"ms_{resource}",
        "related_object": resource,
        "properties": {name: {"type": kind, **rest} for name, kind in types.items()},
        "allow_defined_only": defined_only,
        "created_at": _CREATED_AT,
        "updated_at": _CREATED_AT,
        "object": "metadata_schema",
    }


def misfit(schema: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    """Return why ``metadata`` violates the schema, or ""."""
    for name, value in metadata.items():
        defined = schema["properties"].get(name)
        if defined is None:
            if schema["allow_defined_only"]:
                return f"{name}: is not defined"
        elif not _is_a(defined["type"], value):
            return f"{name}: must be a {defined['type']}"
    return ""


def _is_a(kind: str, value: Any) -> bool:
    return isinstance(value, _TYPES.get(kind, (object,))) and (kind != "number" or not isinstance(value, bool))
