"""Connections with a deadline: name resolution, connecting, TLS, sending and reading share it.

A call that was cut can neither connect nor send any more, so what is not delivered then may be sent again.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from socket import SHUT_RDWR, SOCK_STREAM, gaierror, getaddrinfo, socket
from typing import Any, TypeVar, cast

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family, create_connection

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return the value of ``work``, or raise what it raises.

    A resolver may hang, and nothing can interrupt it. So the work is done in a thread that nothing waits for longer.

    Raises:
        TimeoutError: it has not ended after ``seconds``.
    """
    done: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - raised in the thread that asks
            done.put((None, error))

    threading.Thread(target=run, name="within", daemon=True).start()
    try:
        value, error = done.get(timeout=max(seconds, 0.0))
    except Empty as late:
        raise TimeoutError(f"no result within {seconds:g} s") from late
    if error:
        raise error
    return cast("T", value)


class Call:
    """A call with its deadline: the sockets that it uses, until they are cut."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._sockets: list[socket] = []
        self._lock = threading.Lock()
        self.is_cut = False

    @property
    def left_seconds(self) -> float:
        """Seconds until the deadline."""
        return self._ends_at - time.monotonic()

    def use(self, one: socket) -> None:
        """Register a socket.

        Raises:
            TimeoutError: the call is cut, so the socket is closed.
        """
        with self._lock:
            if not self.is_cut:
                self._sockets.append(one)
                return
        one.close()
        raise TimeoutError("the call is over")

    def cut(self) -> None:
        """End the call, wherever it is."""
        with self._lock:
            self.is_cut = True
            for one in self._sockets:
                with suppress(OSError):  # closed already
                    # Of the plain socket, since TLS would send a last record first.
                    socket.shutdown(one, SHUT_RDWR)


class _Current(threading.local):
    call: Call | None = None
    """The call that this thread makes."""


_current = _Current()


@contextmanager
def limited(seconds: float) -> Iterator[Call]:
    """Limit the calls of this thread to some seconds in total."""
    call = Call(seconds)
    timer = threading.Timer(seconds, call.cut)
    timer.daemon = True
    _current.call = call
    timer.start()
    try:
        yield call
    finally:
        timer.cancel()
        _current.call = None


class _Limited:
    """A connection whose resolution, addresses and socket share the deadline of its call."""

    sock: Any
    host: str
    port: int
    timeout: Any
    socket_options: Any

    def _new_conn(self) -> socket:
        call = _current.call
        if call is None:
            return super()._new_conn()  # type: ignore[misc,no-any-return] # urllib3's, behind this class in the order of bases
        ends_at = time.monotonic() + min(call.left_seconds, float(self.timeout or call.left_seconds))
        try:
            connected = _connected(self.host, self.port, ends_at, self.socket_options)
            call.use(connected)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"no connection to {self.host} in time") from error
        except gaierror as error:
            raise NameResolutionError(self.host, self, error) from error  # type: ignore[arg-type] # of a connection
        except OSError as error:
            raise NewConnectionError(self, f"no connection to {self.host}") from error  # type: ignore[arg-type] # of a connection
        return connected

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None and _current.call is not None:
            _current.call.use(self.sock)
        super().request(*args, **kwargs)  # type: ignore[misc] # urllib3's, behind this class in the order of bases


def _connected(host: str, port: int, ends_at: float, options: Any) -> socket:
    """Connect to the first address of a host that answers before ``ends_at``, on the monotonic clock.

    Each address has an equal part of the time that is left.

    Raises:
        TimeoutError: there was no answer in time.
        OSError: the host has no address, or none can be reached.
    """
    failure: OSError | None = None
    addresses = _addresses(host, port, ends_at - time.monotonic())
    for tried, address in enumerate(addresses):
        seconds = (ends_at - time.monotonic()) / (len(addresses) - tried)
        if seconds <= 0:
            break
        try:
            return create_connection((address, port), seconds, socket_options=options)
        except OSError as error:
            failure = error
    raise failure or TimeoutError("no address answered")


def _addresses(host: str, port: int, seconds: float) -> list[str]:
    """Resolve a host within some seconds.

    Raises:
        TimeoutError, OSError: as ``_connected`` does.
    """
    try:
        found = within(seconds, lambda: getaddrinfo(host.strip("[]"), port, allowed_gai_family(), SOCK_STREAM))
    except UnicodeError as error:
        raise OSError("the name is malformed") from error
    return [str(answer[4][0]) for answer in found]


class _Connection(_Limited, HTTPConnection):
    pass


class _SecureConnection(_Limited, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOLS = {"http": _Pool, "https": _SecurePool}
"""Pools of connections with a deadline, by scheme, for urllib3."""
