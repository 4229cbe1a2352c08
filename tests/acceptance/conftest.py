"""What every acceptance test needs: servers, Segment's side, and the books."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.books import Books
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import WRITE_KEY, Server
from tests.webhooks import SECRET

Serve = Callable[..., Server]


@pytest.fixture
def segment() -> Iterator[Receiver]:
    """Segment, up."""
    receiver = Receiver()
    receiver.open()
    yield receiver
    receiver.close()


@pytest.fixture
def segment_down() -> Iterator[Receiver]:
    """Segment, which refuses connections until it is opened."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@contextmanager
def serving(directory: Path) -> Iterator[Serve]:
    """A function that starts a server on a database, delivering to a receiver; every log is read at the end."""
    servers: list[Server] = []

    def start(database_url: str, receiver: Receiver, *options: str, **environment: str) -> Server:
        variables = {
            "BRIDGE_DATABASE_URL": database_url,
            "SEGMENT_HOST": receiver.url,
            "SEGMENT_WRITE_KEY": WRITE_KEY,
            "VOUCHERIFY_WEBHOOK_SECRET": SECRET,
            **environment,
        }
        servers.append(Server(directory / f"server-{len(servers)}", variables, options))
        servers[-1].start()
        return servers[-1]

    try:
        yield start
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.close()
    for server in servers:
        server.assert_discreet()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with serving(tmp_path) as start:
        yield start


@pytest.fixture
def books(database_url: str) -> Books:
    return Books(database_url)
