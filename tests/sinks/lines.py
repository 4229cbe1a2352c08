"""A server of raw bytes, for responses that no proper server sends."""

import re
import socket
import threading
from collections.abc import Callable
from typing import Self

Answer = Callable[[socket.socket], None]


class Line:
    """Accepts connections, reads one request, and sends the scripted bytes.

    Attributes:
        hung_up: set when a client closes a connection before the end of the response.
        closed: number of connections that the server has closed.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.hung_up = threading.Event()
        self.calls = 0
        self.closed = 0
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(20)
        self._listening.close()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.calls += 1
            with connection:
                connection.settimeout(20)
                try:
                    if read_request(connection):
                        self._answer(connection)
                except OSError:
                    self.hung_up.set()
            self.closed += 1


def read_request(connection: socket.socket) -> bytes:
    """Read one whole request.

    Of other bytes it returns the first ones; nothing if the client disconnects.
    """
    received = connection.recv(65_536)
    while received.startswith((b"POST ", b"GET ")):
        head, found, body = received.partition(b"\r\n\r\n")
        length = int((re.search(rb"(?i)content-length: (\d+)", head) or [b"", b"0"])[1])
        if found and len(body) >= length:
            break
        received += connection.recv(65_536)
    return received


def keeping_alive(answer: bytes) -> Answer:
    """Send the same response to every request, on kept-alive connections."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(answer)
        while read_request(connection):
            connection.sendall(answer)

    return talk


def dripping(beginning: bytes, drop: bytes, seconds: float = 0.02, drops: int = 2_000) -> Answer:
    """Send ``beginning`` at once, then single bytes for a long time."""
    pause = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(beginning)
        for _ in range(drops):
            connection.sendall(drop)
            pause.wait(seconds)

    return answer


def endless(beginning: bytes, piece: bytes) -> Answer:
    """Send ``beginning``, then bytes without an end."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(beginning)
        while True:
            connection.sendall(piece)

    return answer
