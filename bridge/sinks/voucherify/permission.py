"""Permission to write: the meaning of a 403 while Voucherify answers reads.

    one delivery refused ────────────────────────────▶ a dead letter, alone; the others are sent
    SEVERAL in a row, and nothing accepted between ──▶ the keys may not write: the sink pauses, and they wait
    something accepted ──────────────────────────────▶ the keys may write: what is refused beside it is dead

While the permission is in doubt, each ``send`` begins at another place. It tries at most ``MOST`` deliveries before one
is accepted. So deliveries that a firewall refuses do not block the others.
"""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import TypeVar

from bridge.delivery.rules.sink import Happened, Outcome, Parcel

T = TypeVar("T")

SEVERAL = 5
"""Different refused deliveries in a row that put the permission in doubt."""

MOST = 8
"""Deliveries that one ``send`` tries alone while each is refused."""

REASON = (
    "Voucherify answers reads and refuses every write (403): give the API keys the permission to write customers and"
    " custom events"
)


class Permission:
    """What this process knows of the permission."""

    def __init__(self) -> None:
        self._refused: set[str] = set()
        self._begin = 0

    @property
    def is_doubted(self) -> bool:
        """Whether several deliveries were refused since the last accepted one."""
        return len(self._refused) >= SEVERAL

    def in_turn(self, calls: Sequence[T]) -> list[T]:
        """Return the calls in the order of trying."""
        if not self.is_doubted or not calls:
            return list(calls)
        self._begin += MOST
        begin = self._begin % len(calls)
        return [*calls[begin:], *calls[:begin]]

    def judged(self, parcels: Sequence[Parcel], outcomes: list[Outcome], *, accepted: bool) -> list[Outcome]:
        """Return the outcomes of a ``send``, corrected by the permission.

        Args:
            accepted: whether Voucherify accepted anything that was sent.
        """
        if accepted:
            self._refused.clear()
            return outcomes
        for parcel, outcome in zip(parcels, outcomes, strict=True):
            if is_refused(outcome) and not self.is_doubted:
                self._refused.add(parcel.key)
        if not self.is_doubted:
            return outcomes
        return [_waiting(one) if is_refused(one) else one for one in outcomes]


def is_refused(outcome: Outcome) -> bool:
    """Return whether the delivery was answered 403, and a read was not."""
    return outcome.happened is Happened.REJECTED and outcome.code == HTTPStatus.FORBIDDEN


def _waiting(outcome: Outcome) -> Outcome:
    return replace(outcome, happened=Happened.FORBIDDEN, because=REASON)
