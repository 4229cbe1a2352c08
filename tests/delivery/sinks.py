"""A sink with scripted outcomes."""

from collections.abc import Callable, Sequence

from bridge.delivery.rules.sink import Happened, Outcome, Parcel, never
from tests.delivery.arrivals import SINK

DELIVERED = Outcome(Happened.DELIVERED, 200, "ok")


class ScriptedSink:
    """Returns scripted outcomes.

    Args:
        answer: outcomes by payload; everything else is delivered.
        meanwhile: called while it sends.
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
        """Every sent payload, in its order."""
        return [payload for batch in self.batches for payload in batch]

    def send(self, parcels: Sequence[Parcel]) -> Sequence[Outcome]:
        self.parcels += parcels
        self.batches.append([parcel.payload for parcel in parcels])
        self.meanwhile()
        return [self.answer(parcel.payload) for parcel in parcels]
