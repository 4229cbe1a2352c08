"""Random requests to every path: never a 5xx, never a stack trace, and webhooks are accepted afterwards."""

import socket
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.waiting import until
from tests.benchmarks import processes, redemption
from tests.hostile.fuzzing import ENVIRONMENT, Fuzzer
from tests.hostile.measuring import serving

UNSUPPORTED = 501
"""The only 5xx: a transfer coding that is not known (RFC 9112, section 6.1)."""

READY = b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
ANSWER_SECONDS = 30.0


def answer(port: int, request: bytes) -> bytes:
    """Send a request and nothing more; return all that is answered."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65_536):
                received += piece
        except ConnectionError:
            pass  # it was refused before its end
    return received


@pytest.mark.hostile
@pytest.mark.timeout(0)
def test_no_request_makes_the_bridge_fail(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    seconds = pytestconfig.getoption("--fuzz-seconds", default=60.0)
    fuzzer = Fuzzer(pytestconfig.getoption("--fuzz-seed", default=1))
    codes: Counter[int] = Counter()
    failed: list[tuple[bytes, bytes]] = []
    with serving(tmp_path, **ENVIRONMENT) as bridge:
        until(lambda: answer(bridge.port, READY).startswith(b"HTTP/1.1 200 "), "it is ready")
        before = {process.pid for process in bridge.processes()}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            request = fuzzer.request()
            received = answer(bridge.port, request)
            code = int(received[9:12]) if received.startswith(b"HTTP/1.1 ") else 0
            codes[code] += 1
            if (code >= 500 and code != UNSUPPORTED) or b"Traceback" in received:
                failed.append((request, received))
        assert {process.pid for process in bridge.processes()} == before
        processes.until_it_accepts(bridge.port, redemption.http_request(10**9))
        assert failed == [], failed[:5]
        assert "Traceback" not in bridge.log
    assert {200, 202, 400, 401, 404, 405} <= codes.keys(), codes
