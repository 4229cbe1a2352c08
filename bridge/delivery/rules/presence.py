"""Whether a worker counts as alive, and what a pause by an operator means."""

ALIVE_WITHIN = 15.0
"""Seconds without a beat after which a sink or a queue counts as without a worker."""

FOREVER = 9_999_999_999.0
"""Epoch seconds: a pause by an operator has no end but a resume."""


def by_hand(name: str) -> str:
    """Say why a sink or the translation is paused, and what to do, if an operator has paused it."""
    return f"by an operator: `bridge resume {name}` ends it"
