"""Make a call to Voucherify's API, within its deadline and the rate limit."""

import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxyError

from bridge import __version__
from bridge.http import BoundedAdapter
from bridge.voucherify_api.answers import Answer, Reach
from bridge.voucherify_api.endpoints import ASYNC_ACTION, LIST_CUSTOMERS, Request

LONGEST_ANSWER = 4 * 1024 * 1024
"""The most bytes of a response.

A page of 100 activities has fewer, and so have the errors of a job with a thousand customers.
"""

PROBE_SECONDS = 5.0
"""The longest time of a probe. *Test* in Segment waits 10 seconds in total."""


LOOK_SECONDS = 0.25
"""While a call waits: the seconds between two checks whether the process ends."""

HARMLESS = LIST_CUSTOMERS.request(query={"limit": "1"})
"""A read that changes nothing. Voucherify answers it if it accepts the keys."""


@dataclass(frozen=True, slots=True)
class Account:
    """A project's API keys, and the address of its API."""

    app_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    url: str


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock, and the time limits in seconds.

    Attributes:
        now: epoch seconds, the clock of the leases.
        sleep: waits.
        call_seconds: the longest time of a call.
        send_seconds: the time in which a ``send`` begins new calls.
        settling_seconds: the longest time until a posted event is in its customer's activity.
    """

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    call_seconds: float = 10.0
    send_seconds: float = 30.0
    settling_seconds: float = 10.0

    @property
    def patience_seconds(self) -> float:
        """The seconds in which a ``send`` ends. Its last call may begin at the end."""
        return self.send_seconds + self.call_seconds


class Client:
    """A client of Voucherify's API.

    Args:
        allow: returns the seconds to wait for a place in the budget that all workers share.
        is_ending: whether the process ends: then no call begins.
    """

    def __init__(
        self, account: Account, allow: Callable[[], float], timing: Timing, is_ending: Callable[[], bool]
    ) -> None:
        # As bytes: a text that is not Latin-1 would raise an exception, instead of a 401.
        self._headers: Mapping[str, str | bytes] = {
            "X-App-Id": account.app_id.encode(),
            "X-App-Token": account.secret_key.encode(),
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"voucherify-segment-bridge/{__version__}",
        }
        self._url = account.url.rstrip("/")
        self._allow = allow
        self._is_ending = is_ending
        self.timing = timing
        self._session: tuple[int, requests.Session] | None = None

    def call(self, request: Request, until: float) -> Answer:
        """Make one call, if it can begin before ``until``."""
        now = self.timing.now
        if now() >= until or self._is_ending():
            return Answer(Reach.HELD, text="the deadline was reached before the call")
        wait = self._allow()
        if now() + wait >= until:
            return Answer(Reach.HELD, text="the rate limit allows no call yet", pause=wait)
        self.sleep(wait)
        if self._is_ending():
            return Answer(Reach.HELD, text="the process ends")
        return self._exchange(self._own_session(), request, self.timing.call_seconds)

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than until the process ends."""
        ends_at = self.timing.now() + seconds
        while (left := ends_at - self.timing.now()) > 0 and not self._is_ending():
            self.timing.sleep(min(left, LOOK_SECONDS))

    def probe(self) -> Answer:
        """Make the smallest call at once."""
        with self._new_session(PROBE_SECONDS) as session:
            return self._exchange(session, HARMLESS, PROBE_SECONDS)

    def _exchange(self, session: requests.Session, request: Request, seconds: float) -> Answer:
        seconds = min(seconds, request.endpoint.seconds)
        try:
            response = session.request(
                request.endpoint.method,
                self._url + request.path,
                params=request.query,
                data=request.content,
                # Half of the time to connect, after which Voucherify has received nothing; all of it to respond.
                timeout=(seconds / 2, seconds),
                allow_redirects=False,
            )
        except OSError as error:
            reach = Reach.NEVER if _is_unconnected(error) else Reach.LOST
            return Answer(reach, text=type(error).__name__)
        return Answer.of(response, self.timing.now(), request.endpoint)

    def _own_session(self) -> requests.Session:
        """Return this process's session. A fork must not share a connection."""
        if self._session is None or self._session[0] != os.getpid():
            self._session = os.getpid(), self._new_session(self.timing.call_seconds)
        return self._session[1]

    def _new_session(self, seconds: float) -> requests.Session:
        session = requests.Session()
        session.mount(self._url, BoundedAdapter(seconds, LONGEST_ANSWER))
        # Of two prefixes, requests takes the longer.
        looks = BoundedAdapter(min(seconds, ASYNC_ACTION.seconds), LONGEST_ANSWER)
        session.mount(self._url + ASYNC_ACTION.path.format(""), looks)
        session.headers.update(self._headers)
        session.auth = _unchanged  # without it, requests reads ~/.netrc
        return session


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


_UNCONNECTED = (NewConnectionError, ConnectTimeoutError, ProxyError, ssl.SSLCertVerificationError)


def _is_unconnected(error: BaseException) -> bool:
    """Return whether there was no connection, so that Voucherify received nothing.

    ``ValueError`` means that the address is invalid.
    """
    return any(isinstance(reason, (*_UNCONNECTED, ValueError)) for reason in _reasons(error))


def _reasons(error: BaseException) -> Iterator[BaseException]:
    yield error
    for inner in (*error.args, getattr(error, "reason", None)):
        if isinstance(inner, BaseException):
            yield from _reasons(inner)
