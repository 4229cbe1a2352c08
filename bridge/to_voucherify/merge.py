"""Merge the waiting upserts of one customer into one upsert.

At Voucherify, an upsert leaves the fields that it does not name. Null clears a field. Metadata and address change key
by key. So the later of two upserts wins, field by field, and in these two objects key by key.
"""

from collections.abc import Iterable, Mapping
from typing import Any

BY_KEY = ("address", "metadata")
"""The objects that change key by key."""


def is_mergeable(body: Mapping[str, Any]) -> bool:
    """Return whether this upsert may be merged with its neighbours.

    An upsert that clears a whole object is sent alone. One request cannot clear all metadata and then set a key.
    """
    return all(body.get(name, {}) is not None for name in BY_KEY)


def merge(bodies: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge bodies, the earliest first, into one.

    ``bodies`` are not changed.
    """
    merged: dict[str, Any] = {}
    for body in bodies:
        for name, value in body.items():
            earlier = merged.get(name)
            if name in BY_KEY and isinstance(earlier, dict) and isinstance(value, dict):
                merged[name] = {**earlier, **value}
            else:
                merged[name] = value
    return merged
