"""What is refused at the door: before it is read, parsed or stored."""

import json
import select
import socket
from collections.abc import Iterator

import pytest
import requests

from bridge.signature import HEADER
from tests.acceptance.books import Books
from tests.acceptance.conftest import serving
from tests.acceptance.customers import redeems
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import Server
from tests.acceptance.waiting import PATIENCE
from tests.webhooks import signed

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


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("0" * 64, id="wrong"),
        pytest.param(signed(redeems("ada"))[HEADER][:-1], id="truncated"),
        pytest.param(signed(redeems("ada"))[HEADER].upper(), id="upper case"),
        pytest.param("é" * 64, id="not hex"),
        pytest.param(signed(redeems("ada"), "another secret")[HEADER], id="with another secret"),
    ],
)
def test_what_does_not_prove_its_sender_is_refused(signature: str | None, server: Server) -> None:
    headers = {} if signature is None else {HEADER: signature.encode()}

    response = requests.post(
        server.url, data=redeems("ada"), headers={"Content-Type": "application/json", **headers}, timeout=PATIENCE
    )

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "unauthorized"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_refused(method: str, server: Server) -> None:
    response = requests.request(method, server.url, timeout=PATIENCE)

    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert response.json()["error"]["code"] == "method_not_allowed"


def test_another_path_is_not_found(server: Server) -> None:
    response = requests.post(server.url + "/more", timeout=PATIENCE)

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
