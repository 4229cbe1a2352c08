"""A connection pooler in transaction mode, as many hosted PostgreSQLs put one in front: as small as it can be.

A server connection is a client's from the first message of a transaction to its end, and then another client's. Nothing
is reset between: what one client leaves on its connection, the next one finds there.

Source: https://www.postgresql.org/docs/current/protocol-flow.html
"""

import socket
import struct
import threading
from contextlib import suppress
from queue import SimpleQueue

CANCEL, TLS = 80877102, (80877103, 80877104)
IDLE = b"I"
TERMINATE = b"X"
ENDS_A_MESSAGE_FROM_THE_CLIENT = (b"Q", b"S")
"""Query and Sync: the server answers, and says whether a transaction is open."""


class Pooler:
    """Listens on a port of 127.0.0.1, in front of a server's socket.

    Args:
        address: of the server's Unix socket.
        size: how many server connections it has for all clients.
    """

    def __init__(self, address: str, database: str, size: int = 3) -> None:
        self._idle: SimpleQueue[socket.socket] = SimpleQueue()
        self._greeting = b""
        for _ in range(size):
            self._idle.put(self._connect(address, database))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        while not self._idle.empty():
            self._idle.get().close()

    def _connect(self, address: str, database: str) -> socket.socket:
        server = socket.socket(socket.AF_UNIX)
        server.connect(address)
        given = f"user\0postgres\0database\0{database}\0\0".encode()
        server.sendall(struct.pack("!II", len(given) + 8, 196608) + given)
        self._greeting = b""
        while (told := _message(server))[0:1] != b"Z":
            assert told[0:1] != b"E", told
            if told[0:1] == b"S":
                self._greeting += told
        return server

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(EOFError, OSError), client:
            while (code := _startup(client)) in TLS:
                client.sendall(b"N")
            if code == CANCEL:
                return
            key = b"K" + struct.pack("!III", 12, 1, 1)
            client.sendall(b"R" + struct.pack("!II", 8, 0) + self._greeting + key + b"Z" + struct.pack("!I", 5) + IDLE)
            while self._transaction(client):
                pass

    def _transaction(self, client: socket.socket) -> bool:
        """Pass one transaction through; False when the client ends."""
        server: socket.socket | None = None
        try:
            while True:
                given, kind = b"", b""
                while kind not in ENDS_A_MESSAGE_FROM_THE_CLIENT:
                    message = _message(client)
                    given, kind = given + message, message[0:1]
                    if kind == TERMINATE:
                        return False
                server = server or self._idle.get()
                server.sendall(given)
                if _answer(server, client) == IDLE:
                    self._idle.put(server)
                    server = None
                    return True
        finally:
            if server:  # the client has left in the middle of a transaction
                server.sendall(b"Q" + struct.pack("!I", 13) + b"ROLLBACK\0")
                while _message(server)[0:1] != b"Z":
                    pass
                self._idle.put(server)


def _answer(server: socket.socket, client: socket.socket) -> bytes:
    """Pass the server's answer on; return whether a transaction is open behind it."""
    while True:
        told = _message(server)
        client.sendall(told)
        if told[0:1] == b"Z":
            return told[5:]


def _startup(client: socket.socket) -> int:
    length = struct.unpack("!I", _exactly(client, 4))[0]
    code: int = struct.unpack("!I", _exactly(client, length - 4)[:4])[0]
    return code


def _message(source: socket.socket) -> bytes:
    head = _exactly(source, 5)
    return head + _exactly(source, struct.unpack("!I", head[1:])[0] - 4)


def _exactly(source: socket.socket, count: int) -> bytes:
    read = b""
    while len(read) < count:
        part = source.recv(count - len(read))
        if not part:
            raise EOFError
        read += part
    return read
