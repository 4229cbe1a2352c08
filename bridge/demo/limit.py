"""Limit calls as Voucherify does, with the headers of its responses.

Source: https://docs.voucherify.io/docs/limits
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

UNLIMITED = 2_000
"""The calls a minute in the headers if there is no limit: a large plan's."""


@dataclass
class Limit:
    """A number of calls in a window of time.

    Attributes:
        calls: None for no limit.
        seconds: the length of a window. It begins with its first call.
    """

    calls: int | None = None
    seconds: float = 60.0
    clock: Callable[[], float] = time.time
    _ends: float = 0.0
    _left: int = UNLIMITED

    def admits(self) -> bool:
        """Count a call, and return whether it is within the limit."""
        now = self.clock()
        if now >= self._ends:
            self._ends, self._left = now + self.seconds, self.calls or UNLIMITED
        self._left -= 1
        return self.calls is None or self._left >= 0

    def headers(self, status: int) -> Mapping[str, str]:
        """Return the headers of a response with this status."""
        headers = {
            "X-Rate-Limit-Limit": str(self.calls or UNLIMITED),
            "X-Rate-Limit-Remaining": str(max(0, self._left) if self.calls else UNLIMITED),
            "X-Rate-Limit-Retry": str(math.ceil(self._ends)),
        }
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            headers["Retry-After"] = str(max(0, math.ceil(self._ends - self.clock())))
        return headers
