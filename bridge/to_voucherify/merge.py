"""Waiting upserts of one customer → one upsert that says the same.

For Voucherify, what an upsert does not name stays as it is, null clears a field, and metadata and address change key by
key. So the later of two wins, field by field, and in these two objects key by key.
"""

from collections.abc import Iterable, Mapping
from typing import Any

BY_KEY = ("address", "metadata")
"""Objects whose keys are changed one by one."""


def is_mergeable(body: Mapping[str, Any]) -> bool:
    """Whether the neighbours of this upsert may be merged with it.

    One request cannot say "clear all metadata, then set this key": an upsert that clears a whole object goes alone.
    """
    return all(body.get(name, {}) is not None for name in BY_KEY)


def merge(bodies: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """One body for all of ``bodies``, the earliest first, none of which is changed."""
    merged: dict[str, Any] = {}
    for body in bodies:
        for name, value in body.items():
            known = merged.get(name)
            if name in BY_KEY and isinstance(known, dict) and isinstance(value, dict):
                merged[name] = {**known, **value}
            else:
                merged[name] = value
    return merged
