"""What ``bridge check`` finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, ``ok``, ``warning`` or ``wrong``, and what to do about it."""

    what: str
    verdict: str
    detail: str
    remedy: str = ""
