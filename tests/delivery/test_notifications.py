"""Notifications between hosts, on a real PostgreSQL."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from bridge.delivery.database.engine import Database
from bridge.delivery.process import notifications
from bridge.delivery.process.notifications import CHANNEL, Listener, Notifier
from tests.acceptance.waiting import until

Open = Callable[[str], Database]

SECONDS = 30.0


class Rung:
    """Counts its rings."""

    def __init__(self) -> None:
        self.times = 0
        self._changed = threading.Condition()

    def ring(self) -> None:
        with self._changed:
            self.times += 1
            self._changed.notify_all()

    def wait(self, times: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.times >= times, SECONDS)


@contextmanager
def listening(database: Database) -> Iterator[Rung]:
    """Run a listener, which rings once when it begins."""
    rung, stop = Rung(), threading.Event()
    thread = threading.Thread(target=Listener(database, rung.ring).run, args=(stop,))
    thread.start()
    try:
        assert rung.wait(1)
        yield rung
    finally:
        stop.set()
        thread.join(SECONDS)
        assert not thread.is_alive()


@pytest.fixture
def postgres(postgres_url: str, open_database: Open) -> Database:
    return open_database(postgres_url)


@pytest.fixture
def notifier(postgres: Database) -> Iterator[Notifier]:
    notifier = Notifier(postgres)
    yield notifier
    notifier.close()


def test_a_worker_of_another_host_is_woken(postgres_url: str, notifier: Notifier, open_database: Open) -> None:
    with listening(open_database(postgres_url)) as rung:
        notifier.notify()
        assert rung.wait(2)
        notifier.notify()
        assert rung.wait(3)


def test_a_forked_process_notifies(postgres: Database, notifier: Notifier) -> None:
    with listening(postgres) as rung:
        notifier.notify()
        assert rung.wait(2)
        until(lambda: postgres.engine.pool.checkedout() == 0, "the notifier has returned its connection")  # type: ignore[attr-defined] # of a pool with a queue
        postgres.close()
        child = os.fork()
        if child == 0:
            notifier.notify()
            time.sleep(SECONDS)
            os._exit(0)
        try:
            assert rung.wait(3)
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)


def test_many_messages_are_few_notifications(postgres_url: str, notifier: Notifier) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}")
        began = time.monotonic()
        while time.monotonic() - began < 0.5:
            notifier.notify()
            time.sleep(0.001)
        took = time.monotonic() - began
        received = len(list(connection.notifies(timeout=0.5)))
    assert 2 <= received <= took / notifications.INTERVAL_SECONDS + 2


def test_a_listener_whose_connection_is_cut_listens_again(
    postgres: Database, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "RETRY_SECONDS", 0.05)
    with listening(postgres) as rung, capture_logs() as lines:
        with postgres.engine.begin() as connection:
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE :listen"),
                {"listen": "LISTEN %"},
            )
        assert rung.wait(2)
        notifier.notify()
        assert rung.wait(3)
    assert len(lines) == 1


def test_where_there_is_no_server_nothing_fails_and_one_line_says_so(
    open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "RETRY_SECONDS", 0.05)
    database = open_database("postgresql://bridge:not-to-be-shown@127.0.0.1:1/bridge")
    rung, stop = Rung(), threading.Event()
    notifier = Notifier(database)
    with capture_logs() as lines:
        thread = threading.Thread(target=Listener(database, rung.ring).run, args=(stop,))
        thread.start()
        for _ in range(5):
            notifier.notify()
            time.sleep(0.1)
        stop.set()
        thread.join(SECONDS)
    notifier.close()
    assert rung.times == 0
    assert [line["log_level"] for line in lines] == ["warning"]
    assert "not-to-be-shown" not in repr(lines)


def test_on_sqlite_there_is_nothing_to_do(sqlite_url: str, open_database: Open) -> None:
    database = open_database(sqlite_url)
    notifier = Notifier(database)
    before = threading.active_count()
    notifier.notify()
    assert threading.active_count() == before
    rung = Rung()
    Listener(database, rung.ring).run(threading.Event())
    assert rung.times == 0
    notifier.close()
