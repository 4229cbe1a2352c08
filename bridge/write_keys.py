"""Write keys of the tracking API, with what each may do.

A key in a web page is public, so it may be limited to some types of events, and to a rate.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from bridge.messages import EVENT_TYPES, credential_digest

FORM = "key, key:identify+track, key:100/m or key:identify+track:100/m (a rate is a number per s, m or h)"

_RATE = re.compile(r"([1-9]\d{0,8})/([smh])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600}


class Rate(NamedTuple):
    """At most so many events in so many seconds."""

    most: int
    seconds: int


@dataclass(frozen=True, slots=True)
class WriteKey:
    """A write key.

    Attributes:
        types: the types of events that it may send.
        rate: the most events of one address, or None.
    """

    key: str = field(repr=False)
    types: frozenset[str] = frozenset(EVENT_TYPES)
    rate: Rate | None = None

    @property
    def digest(self) -> bytes:
        """Digest of the key, as its messages have it."""
        return credential_digest(self.key)

    def forbidden(self, types: Collection[str]) -> list[str]:
        """Return those of some types of events that it may not send."""
        return sorted(set(types).intersection(EVENT_TYPES) - self.types)


def parse(text: str) -> WriteKey:
    """Read a write key with its limits.

    Raises:
        ValueError: it has another form than ``FORM``.
    """
    key, *limits = text.strip().split(":")
    *scopes, last = limits or [""]
    rate = _RATE.fullmatch(last)
    types = [one for scope in (scopes if rate else limits) for one in scope.split("+")]
    if not key or len(limits) > 1 + bool(rate) or not set(types) <= set(EVENT_TYPES):
        raise ValueError(FORM)
    return WriteKey(
        key,
        frozenset(types) or frozenset(EVENT_TYPES),
        Rate(int(rate[1]), _SECONDS[rate[2]]) if rate else None,
    )
