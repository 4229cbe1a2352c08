"""The web server on raw sockets: requests in pieces, slow peers, too many connections."""

import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from bridge.buffering.worker import BODY, HEAD
from tests.acceptance.conftest import ended, serving, variables
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import Server
from tests.acceptance.waiting import PATIENCE, until
from tests.webhooks import encode, redemption, signed, webhook

CERTIFICATE = Path(__file__).parents[1] / "cli" / "self_signed.pem"
FACTOR = 3


def body_of(unique: str) -> bytes:
    return encode(webhook("redemption.succeeded", redemption(f"r_{unique}"), event_id=f"ev_{unique}"))


def head(body: bytes, *lines: str) -> bytes:
    fields = [f"{name}: {value}" for name, value in signed(body).items()]
    return "\r\n".join(["POST /webhooks/voucherify HTTP/1.1", "Host: a", *fields, *lines, "", ""]).encode()


def posted(unique: str) -> bytes:
    body = body_of(unique)
    return head(body, f"Content-Length: {len(body)}") + body


def answers(connection: socket.socket, count: int) -> list[bytes]:
    """Read so many answers, each with its body; fewer if the connection ends."""
    received, complete = b"", list[bytes]()
    while len(complete) < count and (piece := connection.recv(65_536)):
        received += piece
        while b"\r\n\r\n" in received:
            start, _, rest = received.partition(b"\r\n\r\n")
            length = start.lower().partition(b"content-length:")[2].split(maxsplit=1)
            size = int(length[0]) if length else 0
            if len(rest) < size:
                break
            complete.append(start + b"\r\n\r\n" + rest[:size])
            received = rest[size:]
    return complete


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("buffering")) as serve:
        yield serve(f"sqlite:///{tmp_path_factory.mktemp('buffered') / 'bridge.db'}", Receiver())


@pytest.fixture
def connection(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as opened:
        yield opened


def codes(found: list[bytes]) -> list[int]:
    return [int(answer[9:12]) for answer in found]


def test_a_request_may_come_byte_by_byte(connection: socket.socket) -> None:
    for byte in posted("bytes"):
        connection.sendall(bytes([byte]))
    assert codes(answers(connection, 1)) == [202]


def test_chunks_may_come_byte_by_byte(connection: socket.socket) -> None:
    body = body_of("chunks")
    sent = head(body, "Transfer-Encoding: chunked")
    sent += (
        b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:9], body[9:])) + b"0\r\nTrailer-A: b\r\n\r\n"
    )
    for byte in sent:
        connection.sendall(bytes([byte]))
    assert codes(answers(connection, 1)) == [202]
    connection.sendall(posted("after-the-chunks"))
    assert codes(answers(connection, 1)) == [202]


@pytest.mark.parametrize("cut", [0, 10, -1])
def test_requests_sent_ahead_are_answered_in_order(connection: socket.socket, cut: int) -> None:
    ahead = posted("first") + b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" + posted("third")
    connection.sendall(ahead[: len(ahead) + cut - 10])
    time.sleep(0.1)
    connection.sendall(ahead[len(ahead) + cut - 10 :])
    assert codes(answers(connection, 3)) == [202, 200, 202]


def test_a_sender_that_asks_first_is_told_to_continue(connection: socket.socket) -> None:
    body = body_of("asking")
    connection.sendall(head(body, f"Content-Length: {len(body)}", "Expect: 100-continue"))
    assert codes(answers(connection, 1)) == [100]
    connection.sendall(body)
    assert codes(answers(connection, 1)) == [202]


def test_a_sender_that_asks_for_too_much_is_refused_at_once(connection: socket.socket) -> None:
    connection.sendall(head(b"", "Content-Length: 10000000", "Expect: 100-continue"))
    assert codes(answers(connection, 2)) == [413]


def test_a_sender_may_stop_sending_before_it_reads(connection: socket.socket) -> None:
    connection.sendall(posted("half"))
    connection.shutdown(socket.SHUT_WR)
    assert codes(answers(connection, 2)) == [202]


def test_a_body_that_is_cut_off_is_refused_and_ends_the_connection(connection: socket.socket) -> None:
    connection.sendall(posted("cut")[:-1])
    connection.shutdown(socket.SHUT_WR)
    [answer] = answers(connection, 2)
    assert codes([answer]) == [400]
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(b"GET / HTTP/1.1\nHost: a\n\n", 400, id="bare line feeds"),
        pytest.param(b"\r\n\r\n", 400, id="no request"),
        pytest.param(b"GET /" + b"x" * 70_000, 431, id="a head without end"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, id="two hosts"),
        pytest.param(b"GET /" + b"x" * 5_000 + b" HTTP/1.1\r\n\r\n", 414, id="a long path"),
        pytest.param(b"GET / HTTP/1.1\r\nExpect: much\r\n\r\n", 417, id="another expectation"),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: x\r\n\r\n", 501, id="another coding"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            id="two lengths",
        ),
    ],
)
def test_a_malformed_request_ends_the_connection(connection: socket.socket, sent: bytes, code: int) -> None:
    connection.sendall(sent + b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    found = answers(connection, 2)
    assert codes(found) == [code]
    assert json.loads(found[0].partition(b"\r\n\r\n")[2])["error"].keys() == {"code", "message", "fields"}


@pytest.mark.parametrize(
    ("sent", "seconds", "expected"),
    [
        pytest.param(b"", HEAD.seconds, [], id="nothing"),
        pytest.param(b"GET / HTTP/1.1\r\n", HEAD.seconds, [408], id="half a head"),
        pytest.param(posted("late")[:-1], BODY.seconds, [408], id="half a body"),
    ],
)
def test_each_wait_for_the_peer_has_an_end(
    connection: socket.socket, sent: bytes, seconds: float, expected: list[int]
) -> None:
    connection.settimeout(FACTOR * seconds)
    connection.sendall(sent)
    found = answers(connection, 2)
    assert codes(found) == expected
    for answer in found:
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_timeout"


def test_a_peer_that_reads_nothing_holds_no_thread(server: Server) -> None:
    with ExitStack() as stack:
        for _ in range(40):
            deaf = stack.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", server.port))
            deaf.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
        time.sleep(1.0)
        assert server.post(body_of("beside")).status_code == 202


def test_a_full_process_closes_whoever_waits_longest(tmp_path: Path) -> None:
    with serving(tmp_path) as serve, ExitStack() as stack:
        server = serve(f"sqlite:///{tmp_path / 'bridge.db'}", Receiver(), "--worker-connections", "20")
        idle = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port), PATIENCE)) for _ in range(30)]
        assert server.post(body_of("thirty-first")).status_code == 202
        idle[0].settimeout(HEAD.seconds / 3)
        assert idle[0].recv(1) == b""
        idle[-1].sendall(posted("the-last"))
        assert codes(answers(idle[-1], 1)) == [202]


def test_unfinished_bodies_take_a_bounded_amount_of_memory(tmp_path: Path) -> None:
    part = head(b"", "Content-Length: 1048576") + b"x" * 1_000_000
    with serving(tmp_path) as serve, ExitStack() as stack:
        server = serve(f"sqlite:///{tmp_path / 'bridge.db'}", Receiver())
        for _ in range(200):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), PATIENCE))
            connection.sendall(part)
        assert server.post(body_of("beside")).status_code == 202
        assert [psutil.Process(pid).memory_info().rss < 300e6 for pid in server.workers()] == [True]


def test_tls_is_buffered_as_well(tmp_path: Path) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    environment = {**variables(Receiver()), "BRIDGE_DATABASE_URL": f"sqlite:///{tmp_path / 'bridge.db'}"}

    def opened() -> ssl.SSLSocket:
        return context.wrap_socket(socket.create_connection(("127.0.0.1", tls.port), PATIENCE))

    def serves() -> bool:
        try:
            opened().close()
        except OSError:
            return False
        return True

    with ended() as processes, ExitStack() as stack:
        options = ("--certfile", str(CERTIFICATE), "--keyfile", str(CERTIFICATE))
        processes.append(tls := Server(tmp_path / "tls", environment, options))
        tls.launch()
        until(serves, "it serves")
        for _ in range(40):  # who never begin the handshake
            stack.enter_context(socket.create_connection(("127.0.0.1", tls.port), PATIENCE))
        with opened() as connection:
            large = body_of("x" * 300_000)
            connection.sendall(posted("tls") + head(large, f"Content-Length: {len(large)}") + large)
            assert codes(answers(connection, 2)) == [202, 202]
            connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n")
            assert codes(answers(connection, 1)) == [200]
