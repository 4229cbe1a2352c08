"""May the keys write at all? What a 403 means when Voucherify answers reads.

    one delivery refused ────────────────────────────▶ a dead letter, alone; the others go on
    SEVERAL in a row, and nothing accepted between ──▶ the keys may not write: the sink pauses, and they wait
    something accepted ──────────────────────────────▶ the keys may write: what is refused beside it is dead

While it is doubted that the keys may write, each ``send`` begins at another place and tries at most ``MOST`` deliveries
before one is accepted. So deliveries that a firewall refuses do not stand before the others for ever.
"""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import TypeVar

from bridge.delivery.rules.sink import Happened, Outcome, Parcel

T = TypeVar("T")

SEVERAL = 5
"""Different deliveries that are refused in a row, from which on the keys are to blame."""

MOST = 8
"""Deliveries that one ``send`` tries alone while each is refused."""

REASON = (
    "Voucherify answers reads and refuses every write (403): give the API keys the permission to write customers and"
    " custom events"
)


class Permission:
    """What is known of it, in one process."""

    def __init__(self) -> None:
        self._refused: set[str] = set()
        self._begin = 0

    @property
    def is_doubted(self) -> bool:
        """Whether several deliveries were refused since the last one was accepted."""
        return len(self._refused) >= SEVERAL

    def in_turn(self, calls: Sequence[T]) -> list[T]:
        """Return the calls in the order in which they are to be tried."""
        if not self.is_doubted or not calls:
            return list(calls)
        self._begin += MOST
        begin = self._begin % len(calls)
        return [*calls[begin:], *calls[:begin]]

    def judged(self, parcels: Sequence[Parcel], outcomes: list[Outcome], *, accepted: bool) -> list[Outcome]:
        """Return the outcomes of a ``send``, now that it is known whose fault a 403 is.

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
    """Whether what was sent was answered 403, and a read was not."""
    return outcome.happened is Happened.REJECTED and outcome.code == HTTPStatus.FORBIDDEN


def _waiting(outcome: Outcome) -> Outcome:
    return replace(outcome, happened=Happened.FORBIDDEN, because=REASON)
