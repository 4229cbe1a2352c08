"""Read the result of a call: the response, its reach, and the time to wait.

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

DEFAULT_PAUSE_SECONDS = 10.0
"""Seconds to wait after a 429 that names no time."""

SUCCESS = 2
"""The class of statuses that mean success."""


class Reach(Enum):
    """The point that a call reached."""

    ANSWERED = auto()
    LOST = auto()
    """It may have been sent, and was not answered. Voucherify may have accepted it."""
    NEVER = auto()
    """There was no connection. Voucherify has not received it."""
    HELD = auto()
    """It was not made, because it was too early or too late."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a call.

    Attributes:
        code: the HTTP status, if there was a response.
        text: the response's, or the error.
        is_recognised: whether a 2xx is Voucherify's: it has the shape of the endpoint's response.
        retry_after: seconds that the service asks this caller to wait.
        pause: seconds for which no worker should call, because the limit is reached.
    """

    reach: Reach
    code: int | None = None
    text: str = ""
    retry_after: float | None = None
    pause: float | None = None
    is_recognised: bool = True

    @classmethod
    def of(cls, response: requests.Response, now: float, endpoint: Endpoint) -> Self:
        """Read a response of ``endpoint`` that came at ``now``, in epoch seconds."""
        pause = _pause(response, now)
        wait = pause if _is_throttled(response) else retry_after(response, now)
        text = response.content.decode(errors="replace")
        is_recognised = response.status_code // 100 != SUCCESS or endpoint.recognises(said_in(text))
        return cls(Reach.ANSWERED, response.status_code, text, wait, pause, is_recognised)

    @property
    def is_success(self) -> bool:
        """Whether Voucherify itself reports success."""
        return self.code is not None and self.code // 100 == SUCCESS and self.is_recognised

    def json(self) -> Mapping[str, Any]:
        """Return the JSON object of the text, or an empty one."""
        return said_in(self.text)


def _is_throttled(response: requests.Response) -> bool:
    return response.status_code == HTTPStatus.TOO_MANY_REQUESTS


def _pause(response: requests.Response, now: float) -> float | None:
    """Return the seconds until the limit allows another call.

    Of two times, the later counts, so that no call is early. A 429 whose times are all past names no time.
    """
    left = _number(response.headers.get("X-Rate-Limit-Remaining"))
    if not _is_throttled(response) and left != 0:
        return None
    resets = _number(response.headers.get("X-Rate-Limit-Retry"))
    waits = [max(0.0, resets - service_time(response, now))] if resets is not None else []
    requested = retry_after(response, now)
    pause = max([*waits, *([requested] if requested is not None else [])], default=DEFAULT_PAUSE_SECONDS)
    return pause or (DEFAULT_PAUSE_SECONDS if _is_throttled(response) else 0.0)


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\s*[0-9]+(\.[0-9]+)?\s*", text) else None
