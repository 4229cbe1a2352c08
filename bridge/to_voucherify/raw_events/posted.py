"""Split a posted body into its raw events. The door and the worker use the same functions.

    posted(value, …) ─▶ check()     at the door: whether it may be stored
                     ─▶ event(n)    in the worker: one event, which still may have ``problems``

Source: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ for the limits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge import json_text
from bridge.doors import BATCH
from bridge.errors import BeyondFloat, Invalid
from bridge.json_text import read, read_infinite
from bridge.messages import EVENT_TYPES
from bridge.to_voucherify.raw_events.events import clean, content, problems, size

KILOBYTE = 1024
EVENT_BYTES, BATCH_BYTES = 32 * KILOBYTE, 500 * KILOBYTE
"""The largest JSON of an event and of a batch, in bytes of UTF-8."""

BATCH_EVENTS = 2_500
WEBHOOK_EVENTS = 4_000
"""The largest batch size of Segment's webhooks."""

BEYOND_FLOAT = "a number is beyond any float"

TOO_LARGE = f"Larger than {EVENT_BYTES // KILOBYTE} KB."


@dataclass(frozen=True, slots=True)
class Posted:
    """The raw events of one body.

    Attributes:
        items: as they were sent.
        kind: the type that their path gives them; ``batch`` if it takes many; "" if they say so themselves.
        length: bytes of the body.
        is_several: whether they came as a batch or an array.
        shared: the context and the integrations of a batch, which apply to all its events.
        is_finite: whether no number in the body is beyond any float.
    """

    items: Sequence[Any]
    kind: str
    length: int
    is_several: bool = False
    shared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    is_finite: bool = True

    def event(self, place: int) -> Any:
        """Return one event, with the type of its path and what its batch shares.

        A value that is not an object stays as it is.
        """
        item = self._merged(place)
        is_typed = isinstance(item, dict) and self.kind not in ("", BATCH)
        return clean({**item, "type": self.kind} if is_typed else item)

    def _merged(self, place: int) -> Any:
        item = self.items[place]
        if not isinstance(item, dict):
            return item
        return {**item, **{name: _merged(value, item.get(name)) for name, value in self.shared.items()}}

    def types(self) -> set[str]:
        """Return the known types of the events."""
        if self.kind not in ("", BATCH):
            return {self.kind}
        return {kind for item in self.items if isinstance(item, dict) and (kind := item.get("type")) in EVENT_TYPES}

    def content(self, place: int) -> bytes:
        """Return 32 bytes that identify one event as it was sent."""
        return content(clean(self.items[place]))

    def is_too_large(self, place: int) -> bool:
        """Return whether the event, with what its batch shares, is larger than Segment accepts.

        A single event of Segment's webhooks may be larger: Segment has added to it.
        """
        is_limited = self.kind != "" or self.is_several
        return is_limited and self.length > EVENT_BYTES and size(self._merged(place)) > EVENT_BYTES

    def fault(self, place: int) -> str:
        """Say why the worker cannot translate an event, whatever it means; "" if it can."""
        if self.is_several and self.is_too_large(place):
            return TOO_LARGE
        return "" if self.is_finite or json_text.is_finite(self.event(place)) else BEYOND_FLOAT

    def check(self) -> None:
        """Check whether the body may be stored. The worker finds the invalid events of a batch or an array.

        Raises:
            Invalid: the door does not accept the body.
        """
        if self.is_several or self.kind == BATCH:
            wrong = self._problems_of_several()
        else:
            wrong = {"": TOO_LARGE} if self.is_too_large(0) else problems(self.event(0))
        if wrong:
            raise Invalid(wrong)

    def _problems_of_several(self) -> dict[str, str]:
        if not self.is_several:
            return {"batch": "Not a list."}
        if self.kind == BATCH and self.length > BATCH_BYTES:
            return {"": f"Larger than {BATCH_BYTES // KILOBYTE} KB."}
        where, most = ("batch", BATCH_EVENTS) if self.kind == BATCH else ("", WEBHOOK_EVENTS)
        return {where: f"More than {most} events."} if len(self.items) > most else {}


def read_events(body: bytes) -> tuple[Any, bool]:
    """Read a body, and return whether all its numbers are finite.

    A number beyond any float makes its own event unusable, and no other of its batch.

    Raises:
        Unusable: the body cannot be read.
    """
    try:
        return read(body), True
    except BeyondFloat:
        return read_infinite(body), False


def posted(value: Any, kind: str, length: int, *, is_finite: bool = True) -> Posted:
    """Split any body into its events.

    Args:
        value: the body's JSON, read.
        kind: as ``Posted.kind``.
        length: bytes of the body.
        is_finite: as ``Posted.is_finite``.
    """
    if kind == BATCH and isinstance(value, dict) and isinstance(value.get("batch"), list):
        shared = {name: value[name] for name in ("context", "integrations") if isinstance(value.get(name), dict)}
        return Posted(value["batch"], kind, length, is_several=True, shared=shared, is_finite=is_finite)
    if kind == "" and isinstance(value, list):
        return Posted(value, kind, length, is_several=True, is_finite=is_finite)
    return Posted([value], kind, length, is_finite=is_finite)


def _merged(shared: Mapping[str, Any], own: Any) -> Any:
    """Merge shared objects into an event's own, key by key. The event's own values win."""
    if isinstance(own, dict):
        return {**shared, **own}
    return shared if own is None else own
