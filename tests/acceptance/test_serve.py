"""``bridge serve`` as an operator runs it: what happens to its processes, and that no event is lost by it."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from bridge.gunicorn_settings import worker_class
from tests.acceptance.books import Books
from tests.acceptance.conftest import ended, variables
from tests.acceptance.customers import redeems, users
from tests.acceptance.destination import Destination, track
from tests.acceptance.process import CHECKOUT, WRITE_KEY, Process, lives
from tests.acceptance.receiver import Receiver
from tests.acceptance.server import Server, free_port
from tests.acceptance.voucherify import Voucherify
from tests.acceptance.waiting import PATIENCE, until

SMALL = ("--workers", "1", "--threads", "8")
MAX = ("--max-requests", "20")


class Host(Server):
    """``bridge serve``: what a ``Server`` is, with a worker of its own.

    Args:
        gunicorn: its options, after ``--``.
        options: those of ``bridge serve``.
    """

    def __init__(
        self, directory: Path, environment: dict[str, str], gunicorn: Sequence[str] = SMALL, options: Sequence[str] = ()
    ) -> None:
        super().__init__(directory, environment)
        self._command = [
            *(sys.executable, "-m", "bridge.cli", "serve", *options),
            *("--", "--bind", f"127.0.0.1:{self.port}", *gunicorn),
        ]

    def start(self) -> None:
        super().start()
        until(self.worker, "the worker runs")

    def worker(self) -> int | None:
        return self._child("worker")

    def web(self) -> int | None:
        """gunicorn's master."""
        return self._child("gunicorn")

    def everything(self) -> list[int]:
        return [self.master, *(child.pid for child in psutil.Process(self.master).children(recursive=True))]

    def kill(self) -> None:
        doomed = self.everything() if lives(self.master) else []
        for pid in doomed:
            if lives(pid):
                os.kill(pid, signal.SIGKILL)
        self.wait()

    def replaced(self, which: Callable[[], int | None], before: int | None) -> float:
        """Wait until another process runs in its place; in seconds."""
        began = time.monotonic()
        until(lambda: which() not in (None, before), "another has taken its place")
        return time.monotonic() - began

    def _child(self, word: str) -> int | None:
        for child in psutil.Process(self.master).children():
            try:
                if lives(child.pid) and word in child.cmdline():
                    return child.pid
            except psutil.Error:
                continue
        return None


Run = Callable[..., Host]


@pytest.fixture
def run(tmp_path: Path, database_url: str, segment: Receiver) -> Iterator[Run]:
    """A function that starts ``bridge serve``, delivering to Segment."""
    with ended() as hosts:

        def start(*gunicorn: str, options: Sequence[str] = (), **environment: str) -> Host:
            given = {**variables(segment), "BRIDGE_DATABASE_URL": database_url, **environment}
            host = Host(tmp_path / f"host-{len(hosts)}", given, (*SMALL, *gunicorn), options)
            hosts.append(host)
            host.start()
            return host

        yield start


one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def alone(directory: Path, environment: dict[str, str], *gunicorn: str) -> Host:
    """One that ends by itself."""
    host = Host(directory / "host", environment, gunicorn)
    host.launch()
    try:
        host.wait()
    finally:
        host.close()
    return host


def deliver_all(host: Host, names: Sequence[str]) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: host.deliver(redeems(name)), names))


def test_both_processes_run_and_those_that_are_killed_are_replaced(run: Run, segment: Receiver, books: Books) -> None:
    host = run()
    names = users(40)
    deliver_all(host, names[:10])
    books.wait_until_settled(10)

    worker, web = host.worker(), host.web()
    assert worker
    assert web
    os.kill(worker, signal.SIGKILL)
    assert host.replaced(host.worker, worker) < 5.0
    deliver_all(host, names[10:20])
    books.wait_until_settled(20)

    [served] = [child.pid for child in psutil.Process(web).children()]
    os.kill(served, signal.SIGKILL)
    deliver_all(host, names[20:30])
    assert host.web() == web

    os.kill(web, signal.SIGKILL)
    assert host.replaced(host.web, web) < 5.0
    deliver_all(host, names[30:])
    books.wait_until_settled(40)
    segment.assert_once(names)
    assert host.stop() == 0


@one_database
def test_a_worker_that_hangs_is_killed_and_replaced(run: Run, segment: Receiver, books: Books) -> None:
    host = run(options=("--hang-seconds", "2"))
    deliver_all(host, ["before"])
    books.wait_until_settled(1)
    worker = host.worker()
    assert worker
    time.sleep(4.0)
    assert host.worker() == worker, "one that makes progress is left alone"

    os.kill(worker, signal.SIGSTOP)

    assert host.replaced(host.worker, worker) >= 0.5
    assert host.log.count("no progress for 2 s") == 1
    deliver_all(host, ["after"])
    books.wait_until_settled(2)
    segment.assert_once(["before", "after"])


@one_database
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_web_server_ends_first_and_then_the_worker(run: Run, number: signal.Signals, books: Books) -> None:
    host = run()
    names = users(20)
    deliver_all(host, names)
    everything = host.everything()
    began = time.monotonic()

    host.signal(number)

    assert host.wait() == 0
    assert time.monotonic() - began < 20.0
    assert not [pid for pid in everything if lives(pid)]
    ends = [line for line in host.log.splitlines() if '"stopped"' in line]
    assert ['"web"' in ends[0], '"worker"' in ends[1]] == [True, True]
    assert not [line for line in host.log.splitlines() if "unexpectedly" in line or "killed" in line]


@one_database
def test_a_worker_that_does_not_end_in_time_is_killed(run: Run) -> None:
    host = run(options=("--stop-seconds", "1"))
    worker = host.worker()
    assert worker
    os.kill(worker, signal.SIGSTOP)
    assert host.stop() == 0
    assert not lives(worker)
    assert "did not end in time" in host.log


@pytest.mark.timeout(300)
def test_reloads_under_load_lose_no_request_and_no_event(run: Run, segment: Receiver, books: Books) -> None:
    host = run("--workers", "2")
    worker, names = host.worker(), users(150)
    with ThreadPoolExecutor(4) as pool:
        posts = [pool.submit(host.status, redeems(name)) for name in names]
        for done in (30, 90):
            until(lambda: sum(post.done() for post in posts) >= done, "the load is on")  # noqa: B023 - used at once
            host.signal(signal.SIGHUP)
        answers = [post.result() for post in posts]  # a refused connection would raise

    assert set(answers) == {"accepted"}
    host.replaced(host.worker, worker)
    until(lambda: host.log.count('"reloading"') == 2, "it has reloaded twice")
    books.wait_until_settled(len(names))
    segment.assert_once(names)
    assert "killed" not in host.log


@one_database
def test_a_reload_reads_the_settings_anew_and_refuses_wrong_ones(run: Run, tmp_path: Path) -> None:
    (tmp_path / "host-0").mkdir()
    file = tmp_path / "host-0" / ".env"
    file.write_text("BRIDGE_ADMIN_TOKEN=0123456789abcdef\n")
    host = run()
    served = [requests.get(f"{host.root}/console/", timeout=PATIENCE).status_code]

    file.write_text("BRIDGE_ADMIN_TOKEN=short\n")
    host.signal(signal.SIGHUP)
    until(lambda: "not reloaded" in host.log, "it refuses")
    assert "BRIDGE_ADMIN_TOKEN" in host.log
    served.append(requests.get(f"{host.root}/console/", timeout=PATIENCE).status_code)
    worker = host.worker()

    file.write_text("")
    host.signal(signal.SIGHUP)
    host.replaced(host.worker, worker)
    until(
        lambda: requests.get(f"{host.root}/console/", timeout=PATIENCE).status_code == 404,
        "it is off",
    )
    assert served == [200, 200]


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "SEGMENT_WRITE_KEY"),
        ({"SEGMENT_WRITE_KEY": WRITE_KEY, "VOUCHERIFY_WEBHOOK_SECRET": "x", "BRIDGE_LOG_LEVEL": "loud"}, "LOG_LEVEL"),
        ({"SEGMENT_WRITE_KEY": WRITE_KEY, "VOUCHERIFY_WEBHOOK_SECRET": "x", "BRIDGE_RUN_DIR": "/proc/no"}, "RUN_DIR"),
    ],
)
def test_wrong_settings_end_it_with_their_names(environment: dict[str, str], named: str, tmp_path: Path) -> None:
    host = alone(tmp_path, environment)
    assert host.wait() == 3
    assert named in host.log
    assert "Booting" not in host.log
    assert WRITE_KEY not in host.log
    host.assert_discreet()


def test_gunicorns_options_are_passed_on_and_wrong_ones_end_it(tmp_path: Path) -> None:
    given = {"SEGMENT_WRITE_KEY": WRITE_KEY, "VOUCHERIFY_WEBHOOK_SECRET": "secret"}
    host = alone(tmp_path, given, "--no-such-option")
    assert host.wait() == 2
    assert "--no-such-option" in host.log


@one_database
def test_a_port_that_is_taken_ends_it(run: Run, tmp_path: Path, database_url: str) -> None:
    host = run("--name", "passed-on")
    web = host.web()
    assert web
    assert "passed-on" in psutil.Process(web).cmdline()
    given = {"SEGMENT_WRITE_KEY": WRITE_KEY, "VOUCHERIFY_WEBHOOK_SECRET": "secret", "BRIDGE_DATABASE_URL": database_url}
    second = alone(tmp_path, given, "--bind", f"127.0.0.1:{host.port}")
    assert second.wait() == 1
    assert f"{host.port}" in second.log


@one_database
def test_nothing_outlives_a_supervisor_that_is_killed(run: Run, database_url: str) -> None:
    host = run()
    everything = host.everything()
    assert len(everything) == 4
    os.kill(host.master, signal.SIGKILL)
    host.wait()
    until(lambda: not any(map(lives, everything)), "all of them have ended")
    host.start()


def test_the_shipped_settings_serve_where_no_option_says_otherwise(tmp_path: Path, segment: Receiver) -> None:
    port = free_port()
    given = {**variables(segment), "PORT": str(port), "BRIDGE_DATABASE_URL": f"sqlite:///{tmp_path}/bridge.db"}
    process = Process(tmp_path / "host", given, [sys.executable, "-m", "bridge.cli", "serve"])
    process.launch()
    try:

        def answers() -> bool:
            process.assert_runs()
            try:
                return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE).ok
            except requests.ConnectionError:
                return False

        until(answers, "it serves")
        web = next(one for one in psutil.Process(process.master).children() if "gunicorn" in one.cmdline())
        until(lambda: len(web.children()) == 2, "two web processes")
        assert worker_class in process.log
        assert not list((tmp_path / "host").glob("gunicorn.conf.py")), "it needs no file of the checkout"
        assert str(CHECKOUT) not in " ".join(web.cmdline()[1:])
    finally:
        assert process.stop() == 0


@one_database
def test_reloads_and_restarts_under_load_put_no_custom_event_in_doubt(
    tmp_path: Path, database_url: str, voucherify: Voucherify, books: Books
) -> None:
    host = Host(tmp_path / "back", {**variables(voucherify), "BRIDGE_DATABASE_URL": database_url}, (*SMALL, *MAX))
    with ended() as hosts:
        hosts.append(host)
        host.start()
        destination = Destination(host.root)
        customers = users(60)
        with ThreadPoolExecutor(4) as pool:
            posted = [pool.submit(destination.deliver, track(user)) for user in customers]
            while not all(one.done() for one in posted):
                host.signal(signal.SIGHUP)
                time.sleep(2.0)
                # On a busy machine new processes may need longer to start: then the next reload waits for them.
                requests.get(f"{host.root}/healthz", timeout=PATIENCE)
            for one in posted:
                one.result()
        voucherify.wait_for_events(len(customers))
        books.wait_until_settled(len(customers))
    # What is in doubt is looked up: so nothing ever was.
    assert not [call for call in voucherify.calls() if call.path.endswith("/activity")]
    assert set(voucherify.events().values()) == {1}
