"""Health of this process, from checks of the last seconds.

So a request for it costs nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from bridge.delivery.rules.presence import ALIVE_SECONDS

DATABASE, SCHEMA = "database", "schema"
WORKER, TRANSLATION, PAUSES, ERRORS = "worker", "translation", "pauses", "errors"
"""Names of the checks.

The database can be written. Its schema is this code's. Every sink has a worker. Every queue has a translator without a
problem. No sink is paused. No unexpected errors repeat.
"""

NEEDED_TO_STORE = (DATABASE, SCHEMA)
"""Checks without which the process cannot store.

If only others fail, messages wait.
"""

NOT_LOOKED_AT = "not checked yet"


@dataclass(frozen=True, slots=True)
class Report:
    """Problems by check, and when they were read (seconds of a monotonic clock)."""

    at: float
    wrong: Mapping[str, str | None]

    def problems(self, now: float) -> Mapping[str, str | None]:
        """Return the problems, or one that they are too old."""
        age = now - self.at
        if age <= ALIVE_SECONDS:
            return self.wrong
        how_long = f"has not been written for {age:.0f} s" if age < inf else NOT_LOOKED_AT
        return {**self.wrong, DATABASE: how_long}


NOTHING = Report(float("-inf"), dict.fromkeys((DATABASE, SCHEMA), NOT_LOOKED_AT))
