"""What came of a call: what was answered, whether it can have been taken, and who has to wait now.

Source of the headers: https://docs.voucherify.io/docs/limits
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, Self

import requests

from bridge.http import retry_after, said_in, service_time
from bridge.voucherify_api.endpoints import Endpoint

UNTOLD_PAUSE = 10.0
"""Seconds to wait after a 429 that names no time."""

SUCCESS = 2
"""The class of statuses."""


class Reach(Enum):
    """How far a call came."""

    ANSWERED = auto()
    LOST = auto()
    """Sent, perhaps, and not answered: it may have been taken."""
    NEVER = auto()
    """There was no connection: nothing was taken."""
    HELD = auto()
    """It was not made, since its time had not come or was up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call.

    Attributes:
        code: the HTTP status, if it was answered.
        text: the answer's, or what went wrong.
        is_recognised: whether a 2xx is Voucherify's: has the shape that the call's answer has.
        retry_after: seconds that the service asks this caller to wait.
        pause: seconds for which nobody should call: the limit is reached, by this answer or before it.
    """

    reach: Reach
    code: int | None = None
    text: str = ""
    retry_after: float | None = None
    pause: float | None = None
    is_recognised: bool = True

    @classmethod
    def of(cls, response: requests.Response, now: float, endpoint: Endpoint) -> Self:
        """Of a response of ``endpoint`` that came at ``now``, in epoch seconds."""
        pause = _pause(response, now)
        wait = pause if _is_throttled(response) else retry_after(response, now)
        text = response.content.decode(errors="replace")
        is_recognised = response.status_code // 100 != SUCCESS or endpoint.recognises(said_in(text))
        return cls(Reach.ANSWERED, response.status_code, text, wait, pause, is_recognised)

    @property
    def is_success(self) -> bool:
        """Whether Voucherify itself says that it has done what it was asked."""
        return self.code is not None and self.code // 100 == SUCCESS and self.is_recognised

    def json(self) -> Mapping[str, Any]:
        """The object in it; an empty one if there is none."""
        return said_in(self.text)


def _is_throttled(response: requests.Response) -> bool:
    return response.status_code == HTTPStatus.TOO_MANY_REQUESTS


def _pause(response: requests.Response, now: float) -> float | None:
    """Seconds until the limit allows another call. Of two times that are told, the later: never early.

    A 429 whose times are all past tells nothing.
    """
    left = _number(response.headers.get("X-Rate-Limit-Remaining"))
    if not _is_throttled(response) and left != 0:
        return None
    resets = _number(response.headers.get("X-Rate-Limit-Retry"))
    told = [max(0.0, resets - service_time(response, now))] if resets is not None else []
    asked = retry_after(response, now)
    pause = max([*told, *([asked] if asked is not None else [])], default=UNTOLD_PAUSE)
    return pause or (UNTOLD_PAUSE if _is_throttled(response) else 0.0)


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\s*[0-9]+(\.[0-9]+)?\s*", text) else None
