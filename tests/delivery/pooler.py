"""Connection pooler in transaction mode, as in front of hosted PostgreSQL."""

import os
import socket
import socketserver
import struct
import threading
from contextlib import suppress
from queue import Queue
from typing import Any, Self

import psycopg
from sqlalchemy.engine import URL

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
STATUSES = ("server_version", "server_encoding", "client_encoding", "standard_conforming_strings", "TimeZone")
"""Parameters of the server that a client needs when it connects."""


class Pooler:
    """Lends a server connection to a client for one transaction.

    Attributes:
        port: where clients connect; any user, without a password.
        loans: how many transactions each server connection has served.
    """

    def __init__(self, server: URL, size: int) -> None:
        self._logins = [psycopg.connect(_conninfo(server), autocommit=True) for _ in range(size)]
        self._sockets = [socket.socket(fileno=os.dup(login.fileno())) for login in self._logins]
        self.loans = [0] * size
        self._free: Queue[int] = Queue()
        for number, one in enumerate(self._sockets):
            one.setblocking(True)  # noqa: FBT003 - the standard library's signature
            self._free.put(number)
        told = ((name, self._logins[0].pgconn.parameter_status(name.encode())) for name in STATUSES)
        statuses = [_message(b"S", name.encode() + b"\0" + (value or b"") + b"\0") for name, value in told]
        # Authentication succeeded, the statuses, a key for cancelling, ready.
        self._greeting = b"".join([_message(b"R", bytes(4)), *statuses, _message(b"K", bytes(8)), _message(b"Z", b"I")])
        self._server = _Server(("127.0.0.1", 0), self._serve)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        for one in self._sockets:
            one.close()
        for login in self._logins:
            login.close()

    def _serve(self, client: socket.socket) -> None:
        stream = client.makefile("rb")
        with suppress(EOFError, OSError):
            while (code := _startup(stream)) in (SSL_REQUEST, GSS_REQUEST):
                client.sendall(b"N")
            if code == CANCEL_REQUEST:
                return
            client.sendall(self._greeting)
            while request := _request(stream):
                self._transaction(stream, client, request)

    def _transaction(self, stream: Any, client: socket.socket, request: bytes) -> None:
        number = self._free.get()
        self.loans[number] += 1
        server = self._sockets[number]
        answers = server.makefile("rb", buffering=0)
        state = b"T"
        try:
            while request:
                server.sendall(request)
                state = _relay(answers, client)
                if state == b"I":
                    return
                request = _request(stream)
        finally:
            if state != b"I":  # the client has left in the middle
                server.sendall(_message(b"Q", b"ROLLBACK\0"))
                _relay(answers, None)
            self._free.put(number)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], serve: Any) -> None:
        super().__init__(address, lambda client, *_: serve(client))


def _conninfo(server: URL) -> str:
    url = server.set(drivername="postgresql").update_query_dict({"sslmode": "disable", "gssencmode": "disable"})
    return url.render_as_string(hide_password=False)


def _message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!I", len(content) + 4) + content


def _exactly(stream: Any, size: int) -> bytes:
    content = b""
    while len(content) < size:
        if not (part := stream.read(size - len(content))):
            raise EOFError
        content += part
    return content


def _startup(stream: Any) -> int:
    length, code = struct.unpack("!II", _exactly(stream, 8))
    _exactly(stream, length - 8)
    return int(code)


def _next(stream: Any) -> tuple[bytes, bytes]:
    head = _exactly(stream, 5)
    kind, length = struct.unpack("!cI", head)
    return kind, head + _exactly(stream, length - 4)


def _request(stream: Any) -> bytes:
    """Read up to the next query or sync; nothing when the client disconnects."""
    request = b""
    while True:
        kind, content = _next(stream)
        if kind == b"X":
            return b""
        request += content
        if kind in (b"Q", b"S"):
            return request


def _relay(answers: Any, client: socket.socket | None) -> bytes:
    """Pass answers on until the server is ready.

    Returns whether it is in a transaction.
    """
    while True:
        kind, content = _next(answers)
        if client is not None:
            with suppress(OSError):
                client.sendall(content)
        if kind == b"Z":
            return content[5:]
