"""Answer to a stored message: at once, or with its outcome.

Source: https://www.rfc-editor.org/rfc/rfc7240#section-4.3 (``Prefer: wait=N``)
"""

import re
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from flask import Response, jsonify, request

from bridge.delivery.database.engine import Database
from bridge.delivery.inbox import outcomes
from bridge.errors import StoreUnavailable
from bridge.intake import Received
from bridge.messages import EventOutcome

LONGEST_SECONDS = 10.0
MOST = 8
"""Requests of a process that wait at a time.

They hold threads that other requests need.
"""

LOOK_SECONDS = 0.025
"""Seconds between two reads of the outcome."""

_WAIT = re.compile(r"""(?:^|,)\s*wait\s*=\s*"?(\d{1,6})"?\s*(?=[,;]|$)""", re.ASCII | re.IGNORECASE)


class Waiting:
    """Waits for outcomes, for at most ``MOST`` requests at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._places = threading.BoundedSemaphore(MOST)
        self.is_ending = threading.Event()

    def outcome(self, received: Received) -> Sequence[EventOutcome] | None:
        """Return the outcome of each event.

        None if the sender does not prefer to wait, or if its time is over.
        """
        seconds = _preferred_seconds()
        if not seconds or self.is_ending.is_set() or not self._places.acquire(blocking=False):
            return None
        try:
            return self._wait(received, min(seconds, LONGEST_SECONDS))
        finally:
            self._places.release()

    def _wait(self, received: Received, seconds: float) -> Sequence[EventOutcome] | None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            with suppress(StoreUnavailable), self._database.reading() as connection:
                known = outcomes(connection, received.id)
                if len(known) >= received.count:
                    return known
            if self.is_ending.wait(LOOK_SECONDS):
                return None
        return None


def stored(received: Received) -> dict[str, Any]:
    """Return the answer to a sender that does not wait."""
    return {"status": "stored", "id": received.id}


def answer(received: Received, waiting: Waiting) -> Response:
    """Return the answer: stored, or the outcome.

    It is a list if the message is a list of events.
    """
    known = waiting.outcome(received)
    if known is None:
        return jsonify(stored(received))
    answers = [one.answer() for one in known]
    return applied(jsonify(answers if received.is_several else answers[0]))


def applied(response: Response) -> Response:
    """Add the header that says that the preference was applied."""
    response.headers["Preference-Applied"] = "wait"
    return response


def _preferred_seconds() -> int:
    if "Prefer" not in request.headers:
        return 0
    wait = _WAIT.search(",".join(request.headers.getlist("Prefer")))
    return int(wait[1]) if wait else 0
