"""A Segment for benchmarks: it counts events and keeps none, so it costs next to nothing, and the same for all.

``python -m tests.benchmarks.loopback_segment PORT``; ``GET /`` answers how many events have come.
"""

import asyncio
import re
import sys

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ONE_EVENT = b'"messageId"'


class Segment(asyncio.Protocol):
    """One connection."""

    events = 0

    def __init__(self) -> None:
        self._received = bytearray()
        self._wanted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._wanted and (end := self._received.find(b"\r\n\r\n") + 4) > 3:
            length = _LENGTH.search(self._received, 0, end)
            self._wanted = end + (int(length[1]) if length else 0)
        if self._wanted and len(self._received) >= self._wanted:
            self._answer()

    def _answer(self) -> None:
        Segment.events += self._received.count(_ONE_EVENT)
        told = b'{"success":true}' if self._received.startswith(b"POST") else b"%d" % Segment.events
        self._received.clear()
        self._wanted = 0
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(told), told)
        )


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Segment, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
