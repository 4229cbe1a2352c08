"""Age of a live worker's beat, and the meaning of an operator's pause."""

ALIVE_SECONDS = 15.0
"""Seconds since the last beat after which a sink or a queue has no worker."""

FOREVER = 9_999_999_999.0
"""End of a pause by an operator, in epoch seconds: only a resume ends it."""


def by_hand(name: str) -> str:
    """Return the reason of an operator's pause, and how to end it."""
    return f"by an operator: `bridge resume {name}` ends it"
