"""Voucherify's limit of calls, and the headers that tell it with every answer.

Source: https://docs.voucherify.io/docs/limits
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

UNLIMITED = 2_000
"""Calls a minute that are said to be left when there is no limit: those of a large plan."""


@dataclass
class Limit:
    """So many calls in a window of time, then none until the next one.

    Attributes:
        calls: any number, if None.
        seconds: of a window; it begins with its first call.
    """

    calls: int | None = None
    seconds: float = 60.0
    clock: Callable[[], float] = time.time
    _ends: float = 0.0
    _left: int = UNLIMITED

    def admits(self) -> bool:
        """Count a call, and say whether it is still within the limit."""
        now = self.clock()
        if now >= self._ends:
            self._ends, self._left = now + self.seconds, self.calls or UNLIMITED
        self._left -= 1
        return self.calls is None or self._left >= 0

    def headers(self, status: int) -> Mapping[str, str]:
        """What an answer says of it."""
        told = {
            "X-Rate-Limit-Limit": str(self.calls or UNLIMITED),
            "X-Rate-Limit-Remaining": str(max(0, self._left) if self.calls else UNLIMITED),
            "X-Rate-Limit-Retry": str(math.ceil(self._ends)),
        }
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            told["Retry-After"] = str(max(0, math.ceil(self._ends - self.clock())))
        return told
