"""A Segment for benchmarks: it counts events and notes when they come, so it costs little, and the same for all.

``python -m tests.benchmarks.loopback_segment PORT``; ``GET /`` answers how many events have come, ``GET /arrivals`` the
time of each by its ``messageId``, on the monotonic clock.
"""

import asyncio
import json
import re
import sys
import time

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_MESSAGE_ID = re.compile(rb'"messageId": ?"([^"]+)"')


class Segment(asyncio.Protocol):
    """One connection."""

    events = 0
    arrivals: dict[bytes, float] = {}  # noqa: RUF012 - one Segment, many connections

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
            self._write(self._answer())
            self._received.clear()
            self._wanted = 0

    def _answer(self) -> bytes:
        if self._received.startswith(b"POST"):
            now, ids = time.monotonic(), _MESSAGE_ID.findall(self._received)
            Segment.events += len(ids)
            for message_id in ids:
                Segment.arrivals.setdefault(message_id, now)
            return b'{"success":true}'
        if self._received.startswith(b"GET /arrivals"):
            return json.dumps({key.decode(): at for key, at in Segment.arrivals.items()}).encode()
        return b"%d" % Segment.events

    def _write(self, answer: bytes) -> None:
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer)
        )


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Segment, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
