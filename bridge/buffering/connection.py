"""A connection of the web server: its bytes in both directions, and the request in hand."""

import errno
import ssl
from dataclasses import dataclass
from typing import Any

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import Unreader

from bridge.buffering.message_end import MOST_HEAD_BYTES, Body, Chunks, End, Length, has_head

PIECE_BYTES = 65_536
"""Bytes that are read or written at a time."""

PARSER_PIECE_BYTES = 8_192
"""Bytes that the parser gets at a time, as from a socket: it copies what it has not used yet."""

_LATER = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@dataclass(frozen=True, slots=True)
class Wait:
    """What a connection waits for.

    Attributes:
        seconds: the longest wait, counted from its beginning.
        is_answered: an overdue peer gets a 408.
    """

    name: str
    seconds: float
    is_answered: bool = False


class Connection:
    """One connection.

    Either the main loop or one thread uses it, never both. gunicorn's handler uses ``sock``, ``client``, ``server`` and
    ``parser``.

    Args:
        client: address of the peer.
        server: address that it connected to.
        most: longest body, in bytes.

    Attributes:
        wait: what it waits for; None while a thread has it.
        since: monotonic time at which the wait began.
        until: its deadline.
        after: what comes after its answer is written.
        held: bytes that count for it.
        is_over: the peer has closed it, or it broke.
    """

    def __init__(self, cfg: Any, socket: Any, client: Any, server: Any, most: int) -> None:
        socket.settimeout(0.0)
        self.socket, self.client, self.server = socket, client, server
        self.sock = Answer()
        self.parser = RequestParser(cfg, (), client)
        self.parser.unreader = self._unreader = _Buffered()
        self.request: Any = None
        self.wait: Wait | None = None
        self.after: Wait | None = None
        self.since = self.until = 0.0
        self.held = 0
        self.is_over = False
        self._most = most
        self._searched = 0
        self._has_head = False
        self._body: Body = Length(0, 0)
        self._end = End.HERE

    @property
    def received(self) -> bytearray:
        """Bytes from the peer that no request has used yet."""
        return self._unreader.received

    def receive(self) -> None:
        """Take what has come."""
        while True:
            try:
                piece = self.socket.recv(PIECE_BYTES)
            except _LATER:
                return
            except OSError:
                self.is_over = True
                return
            self.received.extend(piece)
            self.is_over = not piece
            # What TLS has decrypted already makes no socket readable.
            if not piece or not isinstance(self.socket, ssl.SSLSocket) or not self.socket.pending():
                return

    def is_ready(self) -> bool:
        """Return whether a thread can do something: parse a head, or answer a request."""
        if self.request is None:
            self._has_head = self._has_head or has_head(self.received, self._searched)
            self._searched = len(self.received)
            return self._has_head
        if self._end is End.AHEAD:
            self._end = self._body.end(self.received)
        return self.is_over or self._end is not End.AHEAD

    def parse_head(self) -> None:
        """Make the request of its head.

        Raises:
            Exception: gunicorn's errors of malformed requests, which have no common class.
        """
        if self._searched > MOST_HEAD_BYTES and self.received.find(b"\r\n\r\n", 0, MOST_HEAD_BYTES) < 0:
            raise LimitRequestHeaders("limit request headers size")
        self.request = next(self.parser)
        self.received[:0] = self._unreader.take_buffered()
        reader = self.request.body.reader
        is_chunked = isinstance(reader, ChunkedReader)
        self._body = Chunks(self._most) if is_chunked else Length(reader.length, self._most)
        self._end = End.AHEAD
        if not self.is_ready() and self.request._expected_100_continue:  # noqa: SLF001 - gunicorn's flag
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.request._expected_100_continue = False  # noqa: SLF001 - otherwise gunicorn says it once more
        if self._end is End.TOO_FAR:
            self.request.force_close()

    def begin_answer(self) -> None:
        """Let a request whose body is not there in full close the connection."""
        if self._end is not End.HERE:
            self.request.force_close()

    def end_request(self) -> None:
        """Forget the request; bytes after it are the next one's."""
        self.request = None
        self.received[:0] = self._unreader.take_buffered()
        self._searched = 0
        self._has_head = False

    def send(self) -> bool:
        """Write what the kernel takes; return whether nothing is left."""
        unsent = self.sock.unsent
        try:
            while unsent:
                with memoryview(unsent) as view:
                    sent = self.socket.send(view[:PIECE_BYTES])
                del unsent[:sent]
        except _LATER:
            return False
        except OSError:
            self.is_over = True
            unsent.clear()
        return True

    def shut_down(self) -> bool:
        """Say that nothing more follows; return whether the peer may still listen."""
        try:
            self.socket.shutdown(1)
        except OSError:
            return False
        return not self.is_over


class Answer:
    """A socket as gunicorn's writer sees it. It collects the bytes, so that no thread waits for the peer."""

    def __init__(self) -> None:
        self.unsent = bytearray()

    def sendall(self, data: bytes) -> None:
        """Add to the answer."""
        self.unsent += data

    def gettimeout(self) -> float:
        """Return 0: it never blocks."""
        return 0.0

    def shutdown(self, _how: int) -> None:
        """Refuse: the main loop closes connections.

        Raises:
            OSError: always, as for a socket that is closed.
        """
        raise OSError(errno.ENOTCONN, "the main loop closes connections")

    def close(self) -> None:
        """Do nothing, for the same reason."""


class _Buffered(Unreader):  # type: ignore[misc] # gunicorn has no types
    """The received bytes, as gunicorn's parser reads them.

    It asks for more than there is only if a message is incomplete. That must not look like the message's end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.received = bytearray()

    def chunk(self, size_hint: int | None = None) -> bytes:
        if not self.received:
            raise NoMoreData
        size = max(PARSER_PIECE_BYTES, size_hint or 0)
        piece = bytes(self.received[:size])
        del self.received[:size]
        return piece
