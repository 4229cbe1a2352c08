"""Findings of ``bridge check``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: the subject, ``ok``, ``warning`` or ``wrong``, and what to do."""

    what: str
    verdict: str
    detail: str
    remedy: str = ""
