"""A server that speaks bytes, for answers that no proper server gives."""

import re
import socket
import threading
from collections.abc import Callable
from typing import Self

Answer = Callable[[socket.socket], None]


class Line:
    """Takes every connection, reads one request, and answers with what it is given.

    Attributes:
        hung_up: set once the other side has closed a connection before the answer was over.
        closed: how many connections this side has closed.
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
    """One whole request; of what is no HTTP, what came at once; nothing if the other side hung up."""
    received = connection.recv(65_536)
    while received.startswith((b"POST ", b"GET ")):
        head, found, body = received.partition(b"\r\n\r\n")
        length = int((re.search(rb"(?i)content-length: (\d+)", head) or [b"", b"0"])[1])
        if found and len(body) >= length:
            break
        received += connection.recv(65_536)
    return received


def keeping_alive(answer: bytes) -> Answer:
    """The same answer to every request, on as few connections as the other side wants."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(answer)
        while read_request(connection):
            connection.sendall(answer)

    return talk


def dripping(beginning: bytes, drop: bytes, seconds: float = 0.02, drops: int = 2_000) -> Answer:
    """``beginning`` at once, and then a drop at a time, for much longer than anybody should wait."""
    pause = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(beginning)
        for _ in range(drops):
            connection.sendall(drop)
            pause.wait(seconds)

    return answer


def endless(beginning: bytes, piece: bytes) -> Answer:
    """``beginning``, and then as much as the other side takes."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(beginning)
        while True:
            connection.sendall(piece)

    return answer
