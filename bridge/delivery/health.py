"""Whether this process can do its work: what it found out a moment ago, so that asking costs nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.delivery.sinks import ALIVE_WITHIN

DATABASE, SCHEMA, WORKER = "database", "schema", "worker"
"""What is looked at: it can be written, it is of this code's making, and every sink has a worker somewhere."""

NOT_LOOKED_AT = "not looked at yet"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, and when (seconds of a clock of one's own): by what was looked at, what is wrong, or None."""

    at: float
    wrong: Mapping[str, str | None]

    def problems(self, now: float) -> Mapping[str, str | None]:
        """The same, unless it is too long ago to be believed."""
        age = now - self.at
        if age <= ALIVE_WITHIN:
            return self.wrong
        return {**self.wrong, DATABASE: f"has not been written for {age:.0f} s"}


NOTHING = Found(float("-inf"), dict.fromkeys((DATABASE, SCHEMA, WORKER), NOT_LOOKED_AT))
