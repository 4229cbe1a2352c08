"""gunicorn's threaded worker, whose main loop reads requests and writes answers."""

import resource
import selectors
import time
from collections import OrderedDict, deque
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Any

from gunicorn.http.errors import NoMoreData
from gunicorn.sock import ssl_wrap_socket
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from bridge.buffering.connection import Connection, Wait
from bridge.buffering.refusals import OVERDUE, is_malformed, refusal

HEAD = Wait("head", seconds=10.0, is_answered=True)
BODY = Wait("body", seconds=30.0, is_answered=True)
ANSWER = Wait("answer", seconds=30.0)
CLOSING = Wait("closing", seconds=2.0)
"""Waits for a head, from the connection or its first byte on; for the rest of a body; for the peer to read an answer;
and for the peer to close, which it does once it has read the answer."""

MOST_HELD_BYTES = 32 * 1_048_576
"""Bytes that the connections of a process hold. A longer limit of bodies raises it.

Beyond it, the process reads no more of the bodies that are incomplete, so that TCP slows their senders down.
"""

FAIR_SECONDS = 1.0
"""Wait of a connection before it is closed to make room for bytes.

Without it, a sender that connects again at once would keep the process reading what it then throws away.
"""

SEND_BUFFER_BYTES = 65_536
"""Bytes of answers that the kernel holds for a peer that does not read. Requests sent ahead are answered only then."""

BODIES_HELD = 4
"""Least number of bodies of the largest size that it stands for."""

MOST_BODY_BYTES = 1_048_576
"""Longest body, for an application that has no ``MAX_CONTENT_LENGTH``."""

MOST_DISCARDED_BYTES = 65_536
"""Bytes that are read from a connection that is being closed."""

AHEAD_AT_A_TIME = 2
"""Requests in threads, up to which those that were sent ahead are begun.

A connection sends ahead if it sends a request before it has the last answer. No library of a service does, and
thousands of such requests would otherwise delay those of other connections.
"""

SPARE_FILES = 200
"""File descriptors that are no connections: the database's, the services'."""


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """Web process. ``bridge.buffering`` explains it.

    gunicorn's class has the threads, the start and the stop. ``nr_conns`` is the number of all connections.

    Attributes:
        worker_connections: bound of ``nr_conns``.
    """

    worker_connections: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle = Wait("idle", seconds=self.cfg.keepalive)
        # In each, the longest wait comes first, since all its connections wait equally long.
        self._waiting = {wait: OrderedDict[Connection, None]() for wait in (HEAD, BODY, ANSWER, self._idle, CLOSING)}
        self._ahead = deque[Connection]()
        self._paused: list[Connection] = []
        self._held = 0
        self._most = MOST_BODY_BYTES

    def init_process(self) -> None:
        """Make room for the connections, then run."""
        self.cfg.set("sendfile", "false")  # it would write past the buffer
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if files != resource.RLIM_INFINITY:
            self.worker_connections = max(1, min(self.worker_connections, files - SPARE_FILES))
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application, and its limit of bodies."""
        super().load_wsgi()
        self._most = getattr(self.wsgi, "config", {}).get("MAX_CONTENT_LENGTH") or MOST_BODY_BYTES

    def accept(self, listener: Any) -> None:
        """Accept a connection, and wait for its first request."""
        with suppress(OSError):  # the peer is gone, or another process was faster
            socket, client = listener.accept()
            socket.setsockopt(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES)
            if self.cfg.is_ssl:
                socket.settimeout(0.0)
                socket = ssl_wrap_socket(socket, self.cfg)
            self.nr_conns += 1
            self._make_room()
            self._watch(Connection(self.cfg, socket, client, listener.getsockname(), self._most), HEAD)

    def handle(self, conn: Connection) -> Wait | None:
        """Do what can be done, in a thread: parse, answer.

        Returns:
            What the connection waits for now; None if it ends.
        """
        try:
            return self._progress(conn)
        except (NoMoreData, StopIteration) as error:
            self.log.debug("Closing connection. %s", error)
        except Exception as error:  # noqa: BLE001 - gunicorn's errors have no common base class
            self._refuse(conn, error)
        finally:
            conn.send()
        return CLOSING

    def _refuse(self, conn: Connection, error: Exception) -> None:
        """Answer a request that did not reach the application, or made it fail.

        The log gets the error's type. Its text may quote the request, which may hold personal data.
        """
        conn.sock.sendall(refusal(error))
        name = type(error).__name__
        if is_malformed(error):
            self.log.debug("Malformed request: %s", name)  # a line for each would let strangers fill the log
        else:
            self.log.error("Error handling a request: %s", name)

    def _progress(self, conn: Connection) -> Wait:
        if conn.request is None:
            conn.receive()
            if not conn.is_ready():
                return CLOSING if conn.is_over else HEAD if conn.received else self._idle
            conn.parse_head()
        if not conn.is_ready():
            return BODY
        conn.begin_answer()
        stays = self._keepalive_after(conn, self.handle_request(conn.request, conn))
        conn.end_request()
        return self._idle if stays else CLOSING

    def finish_request(self, conn: Connection, fs: "Future[Wait]") -> None:
        """Take a connection back from its thread."""
        after = CLOSING if fs.exception() else fs.result()
        self._count(conn)
        if conn.sock.unsent:
            conn.after = after
            self._watch(conn, ANSWER)
        else:
            self._go_on(conn, after)
        self._make_room()

    def _go_on(self, conn: Connection, wait: Wait) -> None:
        if wait is CLOSING:
            if conn.shut_down():
                self._watch(conn, CLOSING)
            else:
                self._close(conn)
        elif wait is self._idle and conn.received:
            self._ahead.append(conn)
            self._begin_ahead()
        else:
            self._watch(conn, wait)

    def _on_event(self, conn: Connection, _socket: Any) -> None:
        """Read or write what is possible at once."""
        wait = conn.wait
        if wait is None:
            return  # closed by an event before this one
        if wait is ANSWER:
            if conn.send():
                self._unwatch(conn)
                self._go_on(conn, conn.after or CLOSING)
        elif wait is CLOSING:
            self._discard(conn)
        elif wait is self._idle or (wait is HEAD and not conn.received):
            self._unwatch(conn)
            self.enqueue_req(conn)
        elif self._is_full():
            self.poller.unregister(conn.socket)
            self._paused.append(conn)
        else:
            conn.receive()
            self._count(conn)
            if conn.is_ready():
                self._unwatch(conn)
                self.enqueue_req(conn)
            elif conn.is_over:
                self._close(conn)

    def _discard(self, conn: Connection) -> None:
        conn.received.clear()
        conn.receive()
        conn.held += len(conn.received)
        self._held += len(conn.received)
        if conn.is_over or conn.held > MOST_DISCARDED_BYTES:
            self._close(conn)

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - gunicorn's
        """Close connections that are overdue; gunicorn's main loop calls it at least every second."""
        now = time.monotonic()
        for wait, waiting in self._waiting.items():
            while waiting and (force or next(iter(waiting)).until <= now):
                self._end_wait(next(iter(waiting)), wait)
        while self._is_full() and (conn := self._oldest(1)) and conn.since + FAIR_SECONDS < now:
            self._close(conn)
        if not self._is_full():
            self._resume()
        while force and self._ahead:
            self._close(self._ahead.popleft())
        self._begin_ahead()

    def _begin_ahead(self) -> None:
        """Begin requests that were sent ahead, while threads have little else to do."""
        in_threads = self.nr_conns - sum(map(len, self._waiting.values())) - len(self._ahead)
        while self._ahead and in_threads < AHEAD_AT_A_TIME:
            self.enqueue_req(self._ahead.popleft())
            in_threads += 1

    def _resume(self) -> None:
        """Read again from the connections that were paused."""
        paused, self._paused = self._paused, []
        for conn in paused:
            if conn.wait and conn.socket not in self.poller.get_map():
                self._listen(conn, conn.wait)

    def _end_wait(self, conn: Connection, wait: Wait) -> None:
        if not wait.is_answered or not (conn.request or conn.received):
            self._close(conn)
            return
        self._unwatch(conn)
        conn.sock.sendall(OVERDUE)
        conn.send()
        self._go_on(conn, CLOSING)

    def _cap_keepalive(self, deadline: float) -> None:
        """Let connections without a request end by ``deadline``: the process stops."""
        for conn in (*self._waiting[HEAD], *self._waiting[self._idle]):
            conn.until = min(conn.until, deadline)

    def _watch(self, conn: Connection, wait: Wait) -> None:
        conn.wait, conn.since = wait, time.monotonic()
        seconds = wait.seconds if self.alive or wait in (BODY, ANSWER) else min(wait.seconds, STOP_KEEPALIVE_LINGER)
        conn.until = conn.since + seconds
        self._waiting[wait][conn] = None
        self._listen(conn, wait)

    def _listen(self, conn: Connection, wait: Wait) -> None:
        event = selectors.EVENT_WRITE if wait is ANSWER else selectors.EVENT_READ
        self.poller.register(conn.socket, event, partial(self._on_event, conn))

    def _unwatch(self, conn: Connection) -> None:
        if conn.wait:
            del self._waiting[conn.wait][conn]
            conn.wait = None
            with suppress(KeyError):  # it is paused
                self.poller.unregister(conn.socket)

    def _close(self, conn: Connection) -> None:
        self._unwatch(conn)
        self._held -= conn.held
        self.nr_conns -= 1
        conn.socket.close()

    def _count(self, conn: Connection) -> None:
        held = len(conn.received) + len(conn.sock.unsent)
        self._held += held - conn.held
        conn.held = held

    def _make_room(self) -> None:
        """Close the longest waits, while there are too many connections."""
        while self.nr_conns >= self.worker_connections and (conn := self._oldest(0)):
            self._close(conn)

    def _is_full(self) -> bool:
        return self._held > max(MOST_HELD_BYTES, BODIES_HELD * self._most)

    def _oldest(self, least_held: int) -> Connection | None:
        """Return the connection that waits longest, of those that hold so many bytes."""
        firsts = [
            next((conn for conn in waiting if conn.held >= least_held), None) for waiting in self._waiting.values()
        ]
        return min((conn for conn in firsts if conn), key=lambda conn: conn.since, default=None)
