"""What every acceptance test needs: servers, both services' sides, and the books."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from tests.acceptance.books import Books
from tests.acceptance.process import Process
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import APP_ID, SECRET_KEY, WRITE_KEY, Deliverer, Server
from tests.acceptance.voucherify import Voucherify
from tests.demo.contract import Contract, shared
from tests.webhooks import SECRET

Serve = Callable[..., Server]
Hire = Callable[..., Deliverer]


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


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract(shared())


@pytest.fixture
def voucherify_down(contract: Contract) -> Iterator[Voucherify]:
    """Voucherify, which refuses connections until it is opened. It speaks as its OpenAPI files say, and so does the
    bridge.
    """
    side = Voucherify(contract)
    yield side
    side.close()
    problems, contract.problems = contract.problems, []
    assert not problems


@pytest.fixture
def voucherify(voucherify_down: Voucherify) -> Voucherify:
    """Voucherify, up."""
    voucherify_down.open()
    return voucherify_down


class Side(Protocol):
    """A service that a server delivers to."""

    url: str


def variables(side: Side) -> Mapping[str, str]:
    """What switches on the direction that delivers there."""
    if isinstance(side, Voucherify):
        return {"VOUCHERIFY_APP_ID": APP_ID, "VOUCHERIFY_SECRET_KEY": SECRET_KEY, "VOUCHERIFY_API_URL": side.url}
    return {"SEGMENT_HOST": side.url, "SEGMENT_WRITE_KEY": WRITE_KEY, "VOUCHERIFY_WEBHOOK_SECRET": SECRET}


@contextmanager
def ended() -> Iterator[list[Process]]:
    """A list of processes that end with the block; every log is read at the end."""
    processes: list[Process] = []
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.close()
    for process in processes:
        process.assert_discreet()


@contextmanager
def serving(directory: Path) -> Iterator[Serve]:
    """A function that starts a server on a database, delivering to one side or more; ``options`` are gunicorn's."""
    with ended() as servers:

        def start(database_url: str, *sides_and_options: Side | str, **environment: str) -> Server:
            options = [one for one in sides_and_options if isinstance(one, str)]
            sides = [one for one in sides_and_options if not isinstance(one, str)]
            given = {name: value for side in sides for name, value in variables(side).items()}
            given |= {"BRIDGE_DATABASE_URL": database_url, **environment}
            servers.append(server := Server(directory / f"server-{len(servers)}", given, options))
            server.start()
            return server

        yield start


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with serving(tmp_path) as start:
        yield start


@pytest.fixture
def hire(tmp_path: Path) -> Iterator[Hire]:
    """A function that starts a ``bridge worker``."""
    with ended() as workers:

        def start(database_url: str, *sides: Side, **environment: str) -> Deliverer:
            given = {name: value for side in sides for name, value in variables(side).items()}
            given |= {"BRIDGE_DATABASE_URL": database_url, **environment}
            workers.append(worker := Deliverer(tmp_path / f"worker-{len(workers)}", given))
            worker.launch()
            return worker

        yield start


@pytest.fixture
def books(database_url: str) -> Books:
    return Books(database_url)
