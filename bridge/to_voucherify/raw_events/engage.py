"""Add the audiences and computed traits of Segment's Engage to a customer.

Engage sends each as an ``identify`` that names its trait in the context. ``traits.{computation_key}`` is the trait's
value. For an audience it says whether the user is a member.
Source: https://segment.com/docs/engage/using-engage-data/, "Identify".
"""

from collections.abc import Mapping
from typing import Any

from bridge.to_voucherify.request import at


def with_trait(event: Mapping[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    """Add the trait that Engage computed to a payload's metadata.

    The payload is of Upsert Customer. Values of the mapping stay: metadata of the same name, and a null, which clears
    all metadata.
    """
    key, traits = at(event, "context.personas.computation_key"), event.get("traits")
    metadata = payload.get("metadata", {})
    if event.get("type") != "identify" or not isinstance(traits, dict) or not isinstance(metadata, dict):
        return payload
    if not isinstance(key, str) or key not in traits:
        return payload
    return {**payload, "metadata": {key: traits[key], **metadata}}
