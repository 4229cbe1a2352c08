"""Write keys of the tracking API, with what each may do.

A key in a web page is public, so it may be limited to some types of events, and to a rate.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from bridge.messages import EVENT_TYPES, credential_digest

FORM = "key, key:identify+track, key:100/m or key:identify+track:100/m (a rate is a number per s, m or h)"

_PARTS = re.compile(r"([^:]+)(?::([a-z+]+))?(?::([1-9][0-9]{0,8})/([smh]))?")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_ALL = frozenset(EVENT_TYPES)


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
    types: frozenset[str] = _ALL
    rate: Rate | None = None

    @property
    def digest(self) -> bytes:
        """Digest of the key, as its messages have it."""
        return credential_digest(self.key)

    @property
    def may_send_all(self) -> bool:
        """Whether it may send events of all types."""
        return self.types == _ALL

    def forbidden(self, types: Collection[str]) -> list[str]:
        """Return those of some types of events that it may not send."""
        return sorted(_ALL.intersection(types) - self.types)


def parse(text: str) -> WriteKey:
    """Read a write key with its limits.

    Raises:
        ValueError: it has another form than ``FORM``.
    """
    parts = _PARTS.fullmatch(text.strip())
    if parts is None:
        raise ValueError(FORM)
    key, types, most, unit = parts.groups()
    allowed = frozenset(types.split("+")) if types else _ALL
    if not allowed <= _ALL:
        raise ValueError(FORM)
    return WriteKey(key, allowed, Rate(int(most), _SECONDS[unit]) if most else None)
