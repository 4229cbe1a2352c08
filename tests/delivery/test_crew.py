import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.delivery.database.engine import Database
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.worker import Worker
from bridge.delivery.process.crew import Crew
from bridge.delivery.process.duty import Duty
from bridge.delivery.rules.retry import Policy
from bridge.host import Host
from tests.delivery.arrivals import SINK, keep, received
from tests.delivery.patience import until
from tests.delivery.sinks import ScriptedSink


@pytest.fixture
def sink() -> ScriptedSink:
    return ScriptedSink()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path, "sqlite:///bridge.db")


@pytest.fixture
def crew(database: Database, sink: ScriptedSink, told: list[str], host: Host) -> Iterator[Crew]:
    def before_fork() -> None:
        told.append("before")
        database.close()

    worker = Worker(Outbox(database), sink, Policy(max_age=86_400.0))
    crew = Crew([worker], [], Duty(host), host, before_fork, lambda: told.append("after"))
    yield crew
    crew.stop()


def at_work() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("deliver-")]


def test_a_crew_delivers_from_its_start_to_its_stop(database: Database, crew: Crew, sink: ScriptedSink) -> None:
    keep(database, received("a", payload=b"a"))
    assert at_work() == []
    crew.start()
    assert at_work() == [f"deliver-{SINK}"]
    until(lambda: sink.sent == [b"a"])
    crew.stop()
    assert at_work() == []


def test_a_crew_knows_who_delivers_and_who_has_got_stuck(
    crew: Crew, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert crew.delivering() == []
    crew.start()
    assert crew.delivering() == [SINK]
    monkeypatch.setattr("bridge.delivery.outbox.worker.LONGEST_TURN_SECONDS", -1000.0)
    assert crew.delivering() == []
    monkeypatch.undo()
    crew.stop()
    assert crew.delivering() == []


class Keeper:
    """Does nothing until it ends."""

    name, patience = "deliver-nothing", 10.0

    def run(self, stop: threading.Event) -> None:
        stop.wait()


def test_a_keeper_works_in_a_process_that_does_not_deliver(crew: Crew) -> None:
    crew.join(Keeper())
    crew.start(delivers=False)
    assert at_work() == ["deliver-nothing"]
    crew.prepare_to_fork()
    assert at_work() == []
    crew.begin_in_child()
    assert at_work() == ["deliver-nothing"]
    crew.stop()


def test_stopping_twice_or_before_the_start_is_harmless(crew: Crew) -> None:
    crew.stop()
    crew.start()
    crew.stop()
    crew.stop()
    assert at_work() == []


def test_a_process_lays_its_crew_off_before_it_forks(crew: Crew, told: list[str]) -> None:
    crew.start()
    crew.prepare_to_fork()
    assert (at_work(), told) == ([], ["before"])


def test_a_child_begins_with_a_crew_of_its_own(
    database: Database, crew: Crew, sink: ScriptedSink, told: list[str]
) -> None:
    crew.start()
    crew.prepare_to_fork()
    crew.begin_in_child()
    keep(database, received("a", payload=b"a"))
    until(lambda: sink.sent == [b"a"])
    assert told == ["before", "after"]


def test_a_crew_that_was_never_started_is_not_started_by_a_fork(crew: Crew, told: list[str]) -> None:
    crew.prepare_to_fork()
    crew.begin_in_child()
    assert (at_work(), told) == ([], ["before", "after"])


def test_a_crew_that_was_stopped_is_not_revived_by_a_fork(crew: Crew) -> None:
    crew.start()
    crew.stop()
    crew.prepare_to_fork()
    crew.begin_in_child()
    assert at_work() == []


def test_a_real_fork_leaves_the_parent_without_and_the_child_with_workers(crew: Crew) -> None:
    crew.start()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process, which ends here
        os.write(writing, ",".join(at_work()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert pipe.read() == f"deliver-{SINK}"
    assert os.waitpid(child, 0) == (child, 0)
    assert at_work() == []
