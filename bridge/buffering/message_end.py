"""End of a request's head and body: pure functions of the bytes received so far."""

import re
from enum import Enum, auto
from typing import Protocol

MOST_HEAD_BYTES = 65_536
"""Longest head: request line and headers together."""

MOST_LINE_BYTES = 8_192
"""Longest line of a chunk's size. gunicorn's limit is two bytes less."""

FRAMING_BYTES, FRAMING_SHARE = 8_192, 64
"""Most bytes of chunks' sizes: a constant, and one byte for that many bytes of content.

Each chunk costs the parser time. Chunks of 512 bytes or more are always within the limit.
"""

_CRLF = b"\r\n"
_SIZE = re.compile(rb"([0-9a-fA-F]{1,16})[ \t]*(?:;.*)?", re.DOTALL)


class End(Enum):
    """Whether a body is complete.

    Attributes:
        AHEAD: more bytes must come.
        HERE: complete, or so broken that more bytes do not help.
        TOO_FAR: over a limit; what is there is enough to refuse it.
    """

    AHEAD = auto()
    HERE = auto()
    TOO_FAR = auto()


class Body(Protocol):
    """Search for the end of one body."""

    def end(self, received: bytearray) -> End:
        """Look at all bytes of the body so far; at each of them once."""


def has_head(received: bytearray, searched: int) -> bool:
    """Return whether a head is complete, broken, or too long.

    A line that ends without CR breaks it: the parser refuses that.

    Args:
        searched: length of ``received`` at the last look.
    """
    since = max(0, searched - 2)
    is_complete = received.find(b"\n\r\n", since) >= 0 or received.find(b"\n\n", since) >= 0
    return is_complete or len(received) > MOST_HEAD_BYTES


class Length:
    """Body of a declared length, which may be 0."""

    def __init__(self, length: int, most: int) -> None:
        self._length, self._most = length, most

    def end(self, received: bytearray) -> End:
        """Compare lengths."""
        if self._length > self._most:
            return End.TOO_FAR
        return End.HERE if len(received) >= self._length else End.AHEAD


class Chunks:
    """Body in chunks.

    It adds up the sizes that the chunks declare, up to the empty one, then waits for the empty line after the trailers.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._next = 0  # start of the next line of a size
        self._searched = 0
        self._content = 0  # of the chunks before that
        self._is_last = False

    def end(self, received: bytearray) -> End:
        """Follow the sizes from where the last look ended."""
        while not self._is_last:
            if 0 < self._next <= len(received) and received[self._next - 2 : self._next] != _CRLF:
                return End.HERE  # a chunk is longer than it declared
            line_end = received.find(_CRLF, self._searched)
            if line_end < 0:
                return self._unfinished(received)
            size = _SIZE.fullmatch(received, self._next, line_end)
            if not size:
                return End.HERE
            length = int(size[1], 16)
            self._is_last = length == 0
            self._content += length
            # The empty line after the trailers may follow the last size directly.
            self._next = self._searched = line_end if self._is_last else line_end + len(_CRLF) + length + len(_CRLF)
        return End.HERE if received.find(b"\r\n\r\n", self._searched) >= 0 else self._unfinished(received)

    def _unfinished(self, received: bytearray) -> End:
        self._searched = max(self._next, len(received) - len(b"\r\n\r"))
        if len(received) - self._next > MOST_LINE_BYTES:
            return End.HERE
        content = self._content - max(0, self._next - len(_CRLF) - len(received))
        framing = min(self._next, len(received)) - content
        is_over = content > self._most or framing > FRAMING_BYTES + content // FRAMING_SHARE
        return End.TOO_FAR if is_over else End.AHEAD
