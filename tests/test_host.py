"""Locks and sockets of one host, with processes that are killed or forked."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.host import Bell, Host

URL = "postgresql://bridge:secret@db.example.com/bridge"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path, URL)


@pytest.fixture
def bell(host: Host) -> Iterator[Bell]:
    bell = host.bell()
    yield bell
    bell.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start another process of the host.

    It runs code, prints what it holds, and sleeps.
    """
    with ExitStack() as started:

        def start(code: str) -> subprocess.Popen[str]:
            script = (
                "import sys, time; from pathlib import Path; from bridge.host import Host; "
                f"host = Host(Path(sys.argv[1]), sys.argv[2]); {code}; time.sleep(60)"
            )
            process = subprocess.Popen(
                [sys.executable, "-c", script, str(tmp_path), URL], stdout=subprocess.PIPE, text=True
            )
            started.enter_context(process)
            started.callback(process.kill)
            return process

        yield start


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def in_child(work: Callable[[], bool]) -> bool:
    """Return whether ``work`` is true in a forked child."""
    pid = os.fork()
    if pid == 0:
        result = 1
        with suppress(BaseException):
            result = 0 if work() else 1
        os._exit(result)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


# The folder


def test_the_folder_is_the_one_that_is_named(tmp_path: Path) -> None:
    assert Host.of(tmp_path / "run" / "bridge", URL).folder == tmp_path / "run" / "bridge"
    assert (tmp_path / "run" / "bridge").stat().st_mode & 0o777 == 0o700


def test_a_named_folder_that_cannot_be_written_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="BRIDGE_RUN_DIR"):
        Host.of(tmp_path / "file" / "folder", URL)


def test_without_a_name_it_is_beside_sqlites_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    assert Host.of(None, f"sqlite:///{tmp_path}/data/bridge.db").folder == tmp_path / "data"


def test_for_postgresql_it_is_systemds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{tmp_path / 'run'}:{tmp_path / 'other'}")
    assert Host.of(None, URL).folder == tmp_path / "run"


@pytest.mark.parametrize("variable", ["XDG_RUNTIME_DIR", "TMPDIR"])
def test_else_it_is_one_of_the_users_own(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv(variable, str(tmp_path))
    folder = Host.of(None, URL).folder
    assert folder == tmp_path / f"bridge-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert Host.of(None, URL).folder == folder


@pytest.mark.parametrize("prepare", ["chmod", "symlink", "file"])
def test_a_folder_that_others_can_write_is_refused(
    prepare: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = tmp_path / f"bridge-{os.getuid()}"
    if prepare == "chmod":
        folder.mkdir()
        folder.chmod(0o777)
    elif prepare == "symlink":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.touch(mode=0o600)
    with pytest.raises(ConfigError, match="BRIDGE_RUN_DIR"):
        Host.of(None, URL)


@pytest.mark.parametrize(
    ("url", "is_same"),
    [
        ("postgresql+psycopg://other:password@db.example.com/bridge", True),
        ("postgresql://bridge:secret@db.example.com/other", False),
        ("postgresql://bridge:secret@elsewhere.example.com/bridge", False),
        ("postgresql:///bridge?host=/tmp/pg", False),
    ],
)
def test_databases_are_distinguished_for_every_user(url: str, *, is_same: bool, tmp_path: Path, host: Host) -> None:
    seat = host.elect()
    other = Host(tmp_path, url).elect()
    assert (other is None) is is_same
    for one in filter(None, (seat, other)):
        one.close()


def test_one_file_of_sqlite_is_one_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.db").symlink_to(tmp_path / "bridge.db")
    seat = Host.of(None, "sqlite:///bridge.db").elect()
    assert seat
    assert Host.of(None, f"sqlite:///{tmp_path}/link.db").elect() is None
    seat.close()


# The embedded worker


@pytest.mark.parametrize("umask", [0o000, 0o022], ids=oct)
def test_every_file_is_for_its_owner_alone(umask: int, host: Host, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        made = [host.elect(), host.presence(), host.bell()]
    finally:
        os.umask(before)
    assert {path.suffix: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == dict.fromkeys(
        [".worker", ".alive", ".bell"], 0o600
    )
    for one in made:
        assert one
        one.close()


def test_one_process_is_elected_and_replaced(host: Host, tmp_path: Path) -> None:
    seat = host.elect()
    assert seat
    assert Host(tmp_path, URL).elect() is None
    seat.close()
    after = Host(tmp_path, URL).elect()
    assert after
    after.close()


def test_a_killed_process_is_replaced_at_once(host: Host, other: Callable[[str], subprocess.Popen[str]]) -> None:
    process = other("seat = host.elect(); print(bool(seat), flush=True)")
    assert said(process) == "True"
    assert host.elect() is None
    kill(process)
    seat = host.elect()
    assert seat
    seat.close()


def test_a_forked_child_is_not_elected_by_its_parent(host: Host) -> None:
    seat = host.elect()
    assert seat
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    os.close(reading)
    seat.close()
    after = host.elect()  # while the child still runs
    os.close(writing)
    os.waitpid(child, 0)
    assert after
    after.close()


def test_without_a_folder_no_process_is_elected(tmp_path: Path) -> None:
    assert Host(tmp_path / "missing", URL).elect() is None


def test_where_locks_do_not_work_every_process_is_elected(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", fails)
    seat = host.elect()
    assert seat
    seat.close()


# Presence


def test_a_living_process_is_not_dead_and_a_killed_one_is(
    host: Host, other: Callable[[str], subprocess.Popen[str]]
) -> None:
    process = other("presence = host.presence(); print(presence.holder, flush=True)")
    holder = said(process)
    assert not host.is_dead(holder)
    os.kill(process.pid, signal.SIGSTOP)
    assert not host.is_dead(holder)
    kill(process)
    assert host.is_dead(holder)
    assert host.is_dead(holder), "whoever asks next must know it, too"


def test_a_process_that_ended_well_or_is_unknown_is_not_dead(host: Host) -> None:
    presence = host.presence()
    assert not host.is_dead(presence.holder)
    presence.close()
    assert not host.is_dead(presence.holder)
    assert not host.is_dead("0123456789ab-1-0123456789abcdef")
    assert not host.is_dead("../../etc/passwd")
    assert not host.is_dead("")


def test_each_presence_has_a_name_of_its_own(host: Host) -> None:
    first, second = host.presence(), host.presence()
    assert first.holder != second.holder
    first.close()
    second.close()


def test_a_forked_child_neither_prolongs_a_presence_nor_ends_it(host: Host, tmp_path: Path) -> None:
    presence = host.presence()

    def close_in_child() -> bool:
        presence.tick()
        presence.close()
        return True

    assert in_child(close_in_child)
    assert (tmp_path / f"{presence.holder}.alive").exists()
    assert not host.is_dead(presence.holder)
    assert presence._lock
    presence._lock.close()  # as if killed
    assert host.is_dead(presence.holder)


def test_progress_is_seen_at_most_once_a_second(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    assert host.progress(os.getpid()) is None
    presence = host.presence()
    marks = [host.progress(os.getpid())]
    for later in (0.5, 0.6):
        now[0] += later
        time.sleep(0.02)  # longer than the file system's clock takes to move on
        presence.tick()
        marks.append(host.progress(os.getpid()))
    assert marks[0] is not None
    assert marks[0] == marks[1]
    assert marks[1] != marks[2]
    presence.close()


def test_a_presence_survives_a_folder_that_vanishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.host.presence.TICK_SECONDS", 0.0)
    folder = tmp_path / "run"
    folder.mkdir()
    host = Host(folder, URL)
    presence = host.presence()
    shutil.rmtree(folder)
    presence.tick()
    assert not host.is_dead(presence.holder)
    folder.mkdir()
    presence.tick()
    assert (folder / f"{presence.holder}.alive").exists()
    assert not host.is_dead(presence.holder)
    presence.close()


def test_where_locks_do_not_work_no_process_seems_dead(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", fails)
    presence = host.presence()
    assert not host.is_dead(presence.holder)
    monkeypatch.undo()
    assert not host.is_dead(presence.holder)
    presence.close()


def test_old_files_of_dead_processes_are_removed(host: Host, tmp_path: Path) -> None:
    alive = host.presence()
    dead = tmp_path / f"{alive.holder[:13]}1-dead.alive"
    lately = tmp_path / f"{alive.holder[:13]}1-lately.alive"
    for path in (dead, lately):
        path.touch()
    for path in (dead, tmp_path / f"{alive.holder}.alive"):
        os.utime(path, (0, 0))
    host.presence().close()
    assert not dead.exists()
    assert lately.exists()
    assert not host.is_dead(alive.holder)
    assert (tmp_path / f"{alive.holder}.alive").exists()
    alive.close()


# Bells


def test_a_bell_is_rung_once_however_often_it_was_rung(host: Host, bell: Bell) -> None:
    assert not bell.wait(0.0)
    for _ in range(1000):  # more than a socket holds: no ring blocks or raises
        host.ring()
    assert bell.wait(0.0)
    assert not bell.wait(0.0)


def test_all_bells_of_the_host_are_rung_and_no_others(tmp_path: Path) -> None:
    host, others = Host(tmp_path, URL), Host(tmp_path, f"{URL}2")
    bells = [host.bell(), host.bell(), others.bell()]
    host.ring()
    assert [bell.wait(0.0) for bell in bells] == [True, True, False]
    for bell in bells:
        bell.close()


def test_a_waiting_worker_is_woken_at_once(host: Host, bell: Bell) -> None:
    threading.Timer(0.1, host.ring).start()
    began = time.monotonic()
    assert bell.wait(30.0)
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_a_wait_ends_in_time(seconds: float, bell: Bell) -> None:
    began = time.monotonic()
    assert not bell.wait(seconds, threading.Event())
    assert seconds <= time.monotonic() - began < seconds + 5.0


def test_a_wait_ends_when_its_worker_must_stop(bell: Bell) -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    assert not bell.wait(30.0, stop)
    assert time.monotonic() - began < 5.0


def test_another_process_rings_also_a_forked_one(
    host: Host, bell: Bell, other: Callable[[str], subprocess.Popen[str]]
) -> None:
    process = other("host.ring(); print('rung', flush=True)")
    assert said(process) == "rung"
    assert bell.wait(0.0)

    def ring() -> bool:
        host.ring()
        return True

    assert in_child(ring)
    assert bell.wait(0.0)


def test_the_bell_of_a_killed_process_is_removed(
    host: Host, tmp_path: Path, other: Callable[[str], subprocess.Popen[str]]
) -> None:
    process = other("bell = host.bell(); print('made', flush=True)")
    assert said(process) == "made"
    host.ring()
    kill(process)
    assert list(tmp_path.glob("*.bell"))
    host.ring()
    assert not list(tmp_path.glob("*.bell"))


def test_a_forked_child_does_not_prolong_a_bell(host: Host, bell: Bell, tmp_path: Path) -> None:
    def close_in_child() -> bool:
        assert bell._shared
        assert bell._shared.fileno() == -1
        bell.close()
        return True

    assert in_child(close_in_child)
    host.ring()
    assert bell.wait(0.0)


def test_a_new_bell_is_rung_within_a_second(host: Host) -> None:
    host.ring()
    bell = host.bell()
    ends = time.monotonic() + 5.0
    while not bell.wait(0.05) and time.monotonic() < ends:
        host.ring()
    assert time.monotonic() < ends
    bell.close()


def test_a_path_that_is_too_long_for_a_socket_is_reached_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100) / ("y" * 100)
    folder.mkdir(parents=True)
    host = Host(folder, URL)
    bell = host.bell()
    host.ring()
    assert bell.wait(0.0)
    bell.close()
    assert not list(folder.iterdir())


def test_a_bell_survives_a_folder_that_vanishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.host.host.RELIST_SECONDS", 0.0)
    monkeypatch.setattr("bridge.host.bell.REBIND_SECONDS", 0.0)
    folder = tmp_path / "run"
    host = Host(folder, URL)
    bell = host.bell()
    host.ring()
    assert not bell.wait(0.0)
    folder.mkdir()
    bell.wait(0.0)
    host.ring()
    assert bell.wait(0.0)
    shutil.rmtree(folder)
    host.ring()
    folder.mkdir()
    bell.wait(0.0)
    host.ring()
    assert bell.wait(0.0)
    bell.close()


def test_any_number_of_threads_ring(host: Host, bell: Bell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.host.host.RELIST_SECONDS", 0.0)
    failures: list[BaseException] = []

    def ring() -> None:
        try:
            for _ in range(200):
                host.ring()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test names it
            failures.append(error)

    threads = [threading.Thread(target=ring) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert bell.wait(0.0)
