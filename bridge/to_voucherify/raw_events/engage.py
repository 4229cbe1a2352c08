"""Segment's Engage: audiences and computed traits, which arrive as an identify that names its trait in the context.

Source: https://segment.com/docs/engage/using-engage-data/, "Identify": ``traits.{computation_key}`` is the trait's
value; of an audience, whether the user is in it.
"""

from collections.abc import Mapping
from typing import Any

from bridge.to_voucherify.request import at


def with_trait(event: Mapping[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    """An Upsert Customer's payload with the trait that Engage computed, in its metadata under the trait's name.

    What the mapping has put there stays: a value of that name, and a null, which clears all metadata.
    """
    key, traits = at(event, "context.personas.computation_key"), event.get("traits")
    metadata = payload.get("metadata", {})
    if event.get("type") != "identify" or not isinstance(traits, dict) or not isinstance(metadata, dict):
        return payload
    if not isinstance(key, str) or key not in traits:
        return payload
    return {**payload, "metadata": {key: traits[key], **metadata}}
