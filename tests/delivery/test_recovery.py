"""After a pause a single careful call, and after an outage a quick recovery."""

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import deliveries, sinks
from bridge.delivery.outbox import recovery, sink_states
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.worker import Worker
from bridge.delivery.rules.retry import LONGEST_RAMP, Policy
from bridge.delivery.rules.sink import Happened, Job, Outcome
from tests.delivery.arrivals import SINK, keep, received, rows
from tests.delivery.lanes import call
from tests.delivery.sinks import DELIVERED, ScriptedSink

NOW, DAY = 1_900_000_000.0, 86_400.0

DOWN = Outcome(Happened.FAILED, 503)
THROTTLED = Outcome(Happened.THROTTLED, 429, retry_after=1e9)

Open = Callable[[str], Database]


class Scene:
    """A sink, a clock, and workers on a database."""

    def __init__(self, database: Database) -> None:
        self.database, self.now = database, NOW
        self.sink = ScriptedSink(max_count=5_000, max_bytes=10_000_000)

    def worker(self, database: Database | None = None) -> Worker:
        outbox = Outbox(database or self.database)
        return Worker(outbox, self.sink, Policy(max_age=99 * DAY), lambda: self.now, lambda: 1.0)

    def fill(self, *names: str) -> None:
        for name in names:
            keep(self.database, received(name, at=self.now, payload=name.encode()))

    def fail(self, count: int, outcome: Outcome = DOWN, tries: int = 5) -> None:
        """So many deliveries wait because of an outage of some tries."""
        self.fill(*(f"{number}" for number in range(count)))
        self.sink.answer = lambda _: outcome
        for _ in range(tries):
            self.now += 600.0
            while Outbox(self.database).is_due(SINK, self.now):
                self.worker().step()
        self.sink.answer = lambda _: DELIVERED
        self.sink.batches.clear()

    def work(self, seconds: float) -> None:
        worker = self.worker()
        for _ in range(int(seconds / 0.25)):
            while worker.step():
                pass
            self.now += 0.25

    def status(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for row in rows(self.database, deliveries):
            found[row["status"]] = found.get(row["status"], 0) + 1
        return found


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)


def test_the_first_success_brings_the_rest_forward_with_a_ramp(scene: Scene) -> None:
    scene.fail(300)
    scene.work(5.0)
    assert scene.sink.batches == [], "all of them wait for a long time"
    scene.fill("the first after the outage")
    scene.work(5.0)
    assert [len(batch) for batch in scene.sink.batches] == [1, 1, 2, 4, 8, 16, 32, 64, 128, 45]
    assert scene.status() == {"delivered": 301}
    assert rows(scene.database, sinks)[0]["ramp"] == 0


def test_if_the_service_fails_again_the_ramp_begins_again(scene: Scene) -> None:
    scene.fail(100)
    scene.fill("a success")
    scene.sink.answer = lambda _: DOWN if len(scene.sink.batches) > 4 else DELIVERED
    scene.work(5.0)
    assert [len(batch) for batch in scene.sink.batches] == [1, 1, 2, 4, 8]
    assert rows(scene.database, sinks)[0]["ramp"] == 1
    scene.sink.answer = lambda _: DELIVERED
    scene.fill("another success")
    scene.work(5.0)
    # The eight that failed after the first success wait for their own time.
    assert scene.status() == {"delivered": 94, "waiting": 8}


def test_a_refusal_of_its_own_is_not_brought_forward(scene: Scene) -> None:
    scene.fail(10, Outcome(Happened.FAILED, 403))
    scene.fill("a success")
    scene.work(5.0)
    assert scene.status() == {"delivered": 1, "waiting": 10}


def test_one_that_always_fails_is_not_tried_after_each_success(scene: Scene) -> None:
    scene.fill("poison")
    scene.sink.answer = lambda payload: DOWN if payload == b"poison" else DELIVERED
    for number in range(200):
        scene.work(0.5)
        scene.fill(f"success {number}")
        scene.now += 0.5
    tried = sum(batch.count(b"poison") for batch in scene.sink.batches)
    assert tried <= 12, "as often as its delays allow, and once more"


def test_what_is_brought_forward_keeps_its_lane(scene: Scene) -> None:
    for name in ("a1", "a2", "b1", "b2"):
        keep(scene.database, call(name[0], name, at=NOW))
    scene.sink.answer = lambda _: DOWN
    for _ in range(5):
        scene.worker().step()
        scene.now += 600.0
    scene.worker().step()
    scene.sink.answer = lambda _: DELIVERED
    scene.sink.batches.clear()
    keep(scene.database, call("c", "c1", at=scene.now))
    scene.work(5.0)
    assert sorted(scene.sink.sent[:1]) == [b"c1"]
    assert [one for one in scene.sink.sent if one.startswith(b"a")] == [b"a1", b"a2"]
    assert [one for one in scene.sink.sent if one.startswith(b"b")] == [b"b1", b"b2"]


def test_bringing_forward_reads_no_more_than_it_changes(sqlite_url: str, open_database: Open) -> None:
    database = open_database(sqlite_url)
    plan = "EXPLAIN QUERY PLAN " + str(recovery._HELD_UP.compile(database.engine))
    with database.reading() as connection:
        steps = [row[3] for row in connection.exec_driver_sql(plan, (SINK, NOW, 1, 0)).all()]
    assert steps == ["SEARCH deliveries USING INDEX deliveries_held_up (sink=? AND due_at>?)"]


def test_one_success_brings_a_bounded_number_forward(scene: Scene) -> None:
    scene.fail(1)
    with scene.database.writing() as connection:
        connection.execute(sinks.update().values(ramp=LONGEST_RAMP // 2 + 1))
        doubled = connection.execute(sinks.update().values(ramp=recovery._doubled).returning(sinks.c.ramp))
        assert doubled.scalar() == LONGEST_RAMP


# Pauses


def test_a_pause_of_thirty_years_lasts_an_hour_and_then_one_careful_call_is_made(scene: Scene) -> None:
    scene.fill(*"abcdef")
    scene.sink.answer = lambda _: THROTTLED
    scene.worker().step()
    assert Outbox(scene.database).pause(SINK, scene.now) == 3_600.0
    scene.sink.batches.clear()
    for hour in range(1, 4):
        scene.now = NOW + hour * 3_600.0
        scene.work(10.0)
        assert [len(batch) for batch in scene.sink.batches] == [1] * hour
    scene.sink.answer = lambda _: DELIVERED
    scene.now = NOW + 5 * 3_600.0
    scene.work(10.0)
    assert len(scene.sink.batches[3]) == 1
    assert scene.status() == {"delivered": 6}


def test_of_all_workers_one_makes_the_careful_call(database_url: str, open_database: Open) -> None:
    scene = Scene(open_database(database_url))
    scene.fill(*"abcdef")
    scene.sink.answer = lambda _: THROTTLED
    scene.worker().step()
    scene.sink.batches.clear()
    scene.now += 3_600.0
    other = Worker(Outbox(open_database(database_url)), ScriptedSink(), Policy(DAY), lambda: scene.now)
    scene.sink.meanwhile = lambda: [other.step() for _ in range(3)]
    scene.sink.answer = lambda _: DELIVERED
    scene.worker().step()
    assert [len(batch) for batch in scene.sink.batches] == [1]
    assert isinstance(other.sink, ScriptedSink)
    assert other.sink.batches == []


def test_a_careful_call_that_a_dead_worker_began_is_made_by_another(scene: Scene) -> None:
    scene.fill(*"abc")
    scene.sink.answer = lambda _: THROTTLED
    scene.worker().step()
    scene.now += 3_600.0
    assert len(Outbox(scene.database).claim(scene.sink, scene.now, 40.0)) == 1
    assert Outbox(scene.database).claim(scene.sink, scene.now + 39.0, 40.0) == []
    scene.now += 40.0
    scene.sink.answer = lambda _: DELIVERED
    scene.work(5.0)
    assert scene.status() == {"delivered": 3}


@pytest.mark.parametrize("asked", [0.0, 1e-9, None], ids=["0", "a moment", "nothing"])
def test_pauses_have_a_floor_and_grow(scene: Scene, asked: float | None) -> None:
    scene.fill(*"abcdef")
    scene.sink.answer = lambda _: Outcome(Happened.THROTTLED, 429, retry_after=asked)
    pauses = []
    for _ in range(4):
        scene.worker().step()
        pauses.append(Outbox(scene.database).pause(SINK, scene.now))
        scene.now += pauses[-1]
    assert pauses[0] >= 1.0
    assert pauses[1:] == [20.0, 40.0, 80.0]


def test_a_pause_is_one_line_of_the_log(scene: Scene, open_database: Open, database_url: str) -> None:
    scene.fill(*(f"{number}" for number in range(50)))
    other = Worker(Outbox(open_database(database_url)), ScriptedSink(lambda _: THROTTLED), Policy(DAY), lambda: NOW)
    scene.sink.max_count = 10
    scene.sink.meanwhile = other.step
    scene.sink.answer = lambda _: THROTTLED
    with capture_logs() as logs:
        for _ in range(10):
            scene.worker().step()
    assert [log["event"] for log in logs] == ["sink paused"]


@pytest.mark.parametrize("outcome", [THROTTLED, Outcome(Happened.FORBIDDEN, 401)], ids=["throttled", "forbidden"])
def test_an_operator_ends_a_pause_of_the_service(scene: Scene, outcome: Outcome) -> None:
    scene.fill(*"abcdef")
    scene.sink.answer = lambda _: outcome
    scene.worker().step()
    scene.sink.answer = lambda _: DELIVERED
    scene.sink.batches.clear()
    with scene.database.writing() as connection:
        sink_states.resume(connection, SINK, scene.now)
        [state] = sink_states.states(connection, scene.now)
    assert state.state != "paused"
    scene.work(5.0)
    assert len(scene.sink.batches[0]) == 1
    assert scene.status() == {"delivered": 6}


def test_a_long_pause_of_an_older_version_is_ended_by_hand(scene: Scene) -> None:
    scene.fill(*"ab")
    with scene.database.writing() as connection:
        connection.execute(sinks.insert().values(name=SINK, paused_until=NOW + DAY, reason="throttled (429)"))
        sink_states.resume(connection, SINK, NOW)
    scene.work(1.0)
    assert scene.status() == {"delivered": 2}


# Jobs


def test_what_the_service_works_on_is_sent_with_its_job_when_that_is_due(scene: Scene) -> None:
    scene.fill("a")
    job = Job("aa_1", NOW)
    scene.sink.answer = lambda _: Outcome(Happened.PROCESSING, 202, retry_after=30.0, job=job)
    scene.worker().step()
    scene.sink.answer = lambda _: DELIVERED
    scene.work(29.0)
    assert len(scene.sink.parcels) == 1
    scene.work(2.0)
    assert [(one.job, one.in_doubt_since) for one in scene.sink.parcels] == [(None, None), (job, NOW)]
    [row] = rows(scene.database, deliveries)
    assert (row["status"], row["job"], row["attempts"]) == ("delivered", None, 1)
