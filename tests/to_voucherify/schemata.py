"""Build metadata schemas as Voucherify returns them."""

from typing import Any

from bridge.to_voucherify.metadata import Schema


def schema(*, allow_defined_only: bool = True, objects: Any = None, **properties: Any) -> Schema:
    """Build a schema. Properties are optional and not arrays by default."""
    told = {name: {"array": False, "optional": True, "objectType": None, **one} for name, one in properties.items()}
    answer = {"related_object": "customer", "properties": told, "allow_defined_only": allow_defined_only}
    return Schema.parse(answer, objects)
