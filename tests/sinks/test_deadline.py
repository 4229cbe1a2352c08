"""The deadline of a call counts from name resolution on, and after it nothing is sent."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests

from bridge import deadline
from bridge.http import BoundedAdapter
from tests.acceptance.waiting import until
from tests.sinks.lines import Line

SECONDS = 0.5
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def line() -> Iterator[Line]:
    with Line(lambda connection: connection.sendall(OK)) as one:
        yield one


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as one:
        one.mount("http://", BoundedAdapter(SECONDS))
        yield one


def port(line: Line) -> int:
    return int(line.url.rpartition(":")[2])


def test_a_resolver_that_hangs_ends_the_call_and_nothing_is_sent_later(
    line: Line, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine, released, resolved = socket.getaddrinfo, threading.Event(), threading.Event()

    def hang(host: str, *rest: int) -> object:
        released.wait(30)
        resolved.set()
        return genuine("127.0.0.1", *rest)

    monkeypatch.setattr(deadline, "getaddrinfo", hang)
    begun = time.monotonic()
    with pytest.raises(requests.ConnectTimeout):
        session.post(f"http://voucherify.test:{port(line)}/v1/events", data=b"{}", timeout=(SECONDS / 2, SECONDS))
    assert time.monotonic() - begun < 3 * SECONDS
    released.set()
    assert resolved.wait(5)
    time.sleep(SECONDS)
    assert line.calls == 0


def test_a_name_that_does_not_exist_is_no_timeout(session: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(deadline, "getaddrinfo", fail)
    with pytest.raises(requests.ConnectionError, match="NameResolutionError"):
        session.get("http://voucherify.test/", timeout=SECONDS)


@pytest.fixture
def silent(line: Line) -> Iterator[list[str]]:
    """Two addresses that accept no connection: their queues are full."""
    addresses = ["127.0.0.2", "127.0.0.3"]
    with ExitStack() as stack:
        for address in addresses:
            full = stack.enter_context(socket.socket())
            full.bind((address, port(line)))
            full.listen(0)
            for _ in range(3):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)  # noqa: FBT003 - the socket's own argument
                waiting.connect_ex((address, port(line)))
        yield addresses


def resolve(monkeypatch: pytest.MonkeyPatch, addresses: list[str]) -> None:
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in addresses]
    monkeypatch.setattr(deadline, "getaddrinfo", lambda *_: answers)


def test_addresses_share_the_deadline(
    line: Line, silent: list[str], session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve(monkeypatch, silent)
    begun = time.monotonic()
    with pytest.raises(requests.ConnectTimeout):
        session.get(f"http://voucherify.test:{port(line)}/", timeout=SECONDS)
    assert time.monotonic() - begun < 3 * SECONDS
    assert line.calls == 0


def test_a_silent_address_leaves_time_for_the_next(
    line: Line, silent: list[str], session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve(monkeypatch, [silent[0], "127.0.0.1"])
    assert session.get(f"http://voucherify.test:{port(line)}/", timeout=SECONDS).text == "ok"


def test_a_call_that_was_cut_connects_no_more(line: Line) -> None:
    with deadline.limited(0.01) as call:
        until(lambda: call.is_cut, "the call is cut")
        with pytest.raises(TimeoutError, match="over"):
            call.use(one := socket.create_connection(("127.0.0.1", port(line))))
        assert one.fileno() == -1
