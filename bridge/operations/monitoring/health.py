"""Whether this process can do its work: what it found out a moment ago, so that asking costs nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from bridge.delivery.rules.presence import ALIVE_WITHIN

DATABASE, SCHEMA = "database", "schema"
WORKER, TRANSLATION, PAUSES, ERRORS = "worker", "translation", "pauses", "errors"
"""What is looked at: the database can be written, its schema is this code's, every sink has a worker, every queue has a
translator without a problem, no sink is paused, and no unexpected errors repeat."""

NEEDED_TO_STORE = (DATABASE, SCHEMA)
"""Without these the process cannot store; without the others, what is stored waits."""

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
        how_long = f"has not been written for {age:.0f} s" if age < inf else NOT_LOOKED_AT
        return {**self.wrong, DATABASE: how_long}


NOTHING = Found(float("-inf"), dict.fromkeys((DATABASE, SCHEMA), NOT_LOOKED_AT))
