"""What is refused at the door: before it is read, parsed or stored."""

import json
import select
import socket
from collections.abc import Iterator

import pytest

from bridge.signature import HEADER
from tests.acceptance.books import Books
from tests.acceptance.conftest import serving
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import Server
from tests.acceptance.waiting import PATIENCE

LIMIT = 1_048_576
A_FEW_MEGABYTES = 8 * LIMIT
"""What the kernel's buffers take at most from a sender whom nobody reads."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('refusals') / 'bridge.db'}"


@pytest.fixture(scope="module")
def server(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("refusing")) as serve:
        yield serve(database, Receiver())


@pytest.fixture(autouse=True)
def nothing_stored(server: Server, database: str) -> Iterator[None]:
    before = Books(database).messages()
    yield
    assert Books(database).messages() == before


def pour(port: int, head: bytes, drop: bytes) -> tuple[bytes, int]:
    """Send ``head``, then ``drop`` without end: what was answered, and how many bytes were taken till the end."""
    answered, poured, rest = b"", 0, b""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", port))
        connection.sendall(head)
        try:
            while poured < 100 * LIMIT:
                readable, writable, _ = select.select([connection], [connection], [], PATIENCE)
                assert readable or writable, "neither read nor closed"
                if readable:
                    part = connection.recv(65_536)
                    answered += part
                    if not part:
                        break
                if writable:
                    rest = rest or drop
                    taken = connection.send(rest)
                    rest, poured = rest[taken:], poured + taken
        except (BrokenPipeError, ConnectionResetError):
            pass
    return answered, poured


def head_of_a_post(length: str) -> bytes:
    lines = [
        *("POST /webhooks/voucherify HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"),
        *(f"{HEADER}: {'0' * 64}", length, "", ""),
    ]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(
    ("length", "drop"),
    [
        pytest.param("Content-Length: 1073741824", b"x" * 65_536, id="a declared gigabyte"),
        pytest.param("Content-Length: 99999999999999999999", b"x" * 65_536, id="a declared length beyond 64 bits"),
        pytest.param("Transfer-Encoding: chunked", b"10000\r\n" + b"x" * 65_536 + b"\r\n", id="chunks without end"),
    ],
)
def test_a_body_over_the_limit_is_refused_and_read_no_further(length: str, drop: bytes, server: Server) -> None:
    answered, poured = pour(server.port, head_of_a_post(length), drop)

    assert answered.startswith(b"HTTP/1.1 413 ")
    assert json.loads(answered.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_entity_too_large"
    assert poured < A_FEW_MEGABYTES


def test_a_body_whose_chunks_are_broken_is_the_senders_mistake(server: Server) -> None:
    answered, poured = pour(server.port, head_of_a_post("Transfer-Encoding: chunked"), b"no chunk at all" * 4000)

    assert answered.startswith(b"HTTP/1.1 400 ")
    assert poured < A_FEW_MEGABYTES
