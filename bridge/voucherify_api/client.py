"""A call to Voucherify's API, made when its time has come."""

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
from bridge.voucherify_api.endpoints import LIST_CUSTOMERS, Request

LONGEST_ANSWER = 4 * 1024 * 1024
"""Bytes: a page of 100 activities, or a job's errors for a thousand customers, with room to spare."""

PROBE_SECONDS = 5.0
"""Who presses *Test* in Segment waits 10 seconds for all of it."""


LOOK_SECONDS = 0.25
"""Seconds between two looks, while a call waits, whether the process ends."""

HARMLESS = LIST_CUSTOMERS.request(query={"limit": "1"})
"""A read that changes nothing: Voucherify answers it if it accepts the keys."""


@dataclass(frozen=True, slots=True)
class Account:
    """A project's API keys, and where its API is."""

    app_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    url: str


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock, handed in, and how many seconds each thing may take.

    Attributes:
        now: epoch seconds, as the lease on what is sent is counted.
        sleep: waits.
        call: the longest that a call takes.
        send: how long a ``send`` begins new calls.
        settling: how long an event that was posted may take to show in its customer's activity.
    """

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    call: float = 10.0
    send: float = 30.0
    settling: float = 10.0

    @property
    def patience(self) -> float:
        """Seconds within which a ``send`` ends: its last call may begin at the last moment."""
        return self.send + self.call


class Client:
    """Makes calls.

    Args:
        allow: how many seconds a call has to wait for its place in the budget that all workers share.
        is_ending: whether the process ends: then no call begins.
    """

    def __init__(
        self, account: Account, allow: Callable[[], float], timing: Timing, is_ending: Callable[[], bool]
    ) -> None:
        # As bytes: what is not Latin-1 would otherwise end in an exception, not in a 401.
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
            return Answer(Reach.HELD, text="there was no time for it")
        wait = self._allow()
        if now() + wait >= until:
            return Answer(Reach.HELD, text="nobody may call yet", pause=wait)
        self.sleep(wait)
        if self._is_ending():
            return Answer(Reach.HELD, text="the process ends")
        return self._exchange(self._own_session(), request, self.timing.call)

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than until the process ends."""
        ends_at = self.timing.now() + seconds
        while (left := ends_at - self.timing.now()) > 0 and not self._is_ending():
            self.timing.sleep(min(left, LOOK_SECONDS))

    def probe(self) -> Answer:
        """Make the smallest call there is, at once."""
        with self._new_session(PROBE_SECONDS) as session:
            return self._exchange(session, HARMLESS, PROBE_SECONDS)

    def _exchange(self, session: requests.Session, request: Request, seconds: float) -> Answer:
        try:
            response = session.request(
                request.endpoint.method,
                self._url + request.path,
                params=request.query,
                data=request.content,
                # A connection that is not there in half of the time counts as none; after all of it, as one that broke.
                timeout=(seconds / 2, seconds),
                allow_redirects=False,
            )
        except OSError as error:
            reach = Reach.NEVER if _is_unconnected(error) else Reach.LOST
            return Answer(reach, text=type(error).__name__)
        return Answer.of(response, self.timing.now(), request.endpoint)

    def _own_session(self) -> requests.Session:
        """This process's: after a fork, a connection would be shared with the parent."""
        if self._session is None or self._session[0] != os.getpid():
            self._session = os.getpid(), self._new_session(self.timing.call)
        return self._session[1]

    def _new_session(self, seconds: float) -> requests.Session:
        session = requests.Session()
        session.mount(self._url, BoundedAdapter(seconds, LONGEST_ANSWER))
        session.headers.update(self._headers)
        session.auth = _as_it_is  # or else ~/.netrc would be looked into
        return session


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


_UNCONNECTED = (NewConnectionError, ConnectTimeoutError, ProxyError, ssl.SSLCertVerificationError)


def _is_unconnected(error: BaseException) -> bool:
    """Whether there was no connection, so that nothing can have been taken. ``ValueError``: not even an address."""
    return any(isinstance(one, (*_UNCONNECTED, ValueError)) for one in _reasons(error))


def _reasons(error: BaseException) -> Iterator[BaseException]:
    yield error
    for inner in (*error.args, getattr(error, "reason", None)):
        if isinstance(inner, BaseException):
            yield from _reasons(inner)
