"""A sink that does what a test tells it to."""

from collections.abc import Callable, Sequence

from bridge.delivery.rules.sink import Happened, Outcome, Parcel, never
from tests.delivery.arrivals import SINK

DELIVERED = Outcome(Happened.DELIVERED, 200, "ok")


class ScriptedSink:
    """Answers as it is told to.

    Args:
        answer: by payload; everything is delivered otherwise.
        meanwhile: what happens while it sends.
        knows_repeats: as of any sink.
    """

    name = SINK
    patience = 30.0
    knows_repeats = True

    def __init__(
        self,
        answer: Callable[[bytes], Outcome] = lambda _: DELIVERED,
        *,
        max_count: int = 100,
        max_bytes: int = 10_000,
        meanwhile: Callable[[], object] = lambda: None,
        knows_repeats: bool = True,
    ) -> None:
        self.answer = answer
        self.is_ending: Callable[[], bool] = never
        self.max_count = max_count
        self.max_bytes = max_bytes
        self.meanwhile = meanwhile
        self.knows_repeats = knows_repeats
        self.parcels: list[Parcel] = []
        self.batches: list[list[bytes]] = []

    @property
    def sent(self) -> list[bytes]:
        """Every payload, in the order in which they were sent."""
        return [payload for batch in self.batches for payload in batch]

    def send(self, parcels: Sequence[Parcel]) -> Sequence[Outcome]:
        self.parcels += parcels
        self.batches.append([parcel.payload for parcel in parcels])
        self.meanwhile()
        return [self.answer(parcel.payload) for parcel in parcels]
