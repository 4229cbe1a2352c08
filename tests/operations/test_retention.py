from pathlib import Path

import pytest
from sqlalchemy import make_url

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import attempts, deliveries, events, messages, repeats, seen
from bridge.delivery.inbox import Taker
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.worker import Worker
from bridge.delivery.rules.retry import Policy
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.errors import NoSuchEvent
from bridge.messages import RAW_EVENTS, Status
from bridge.operations.history import story
from bridge.operations.replay import ask
from bridge.operations.upkeep import retention
from bridge.operations.upkeep.retention import sweep_events, sweep_messages, sweep_repeats, sweep_seen
from tests.delivery.arrivals import count, keep, received, rows
from tests.delivery.pending import append, batch, drain, tracked
from tests.delivery.sinks import DELIVERED, ScriptedSink

NOW = 1_900_000_000.0
DAY = 86_400.0
OLD = NOW - 31 * DAY
BEFORE = NOW - 30 * DAY

OUTCOMES = {
    b"dead": Outcome(Happened.REJECTED, 400),
    b"uncertain": Outcome(Happened.UNCERTAIN),
    b"waiting": Outcome(Happened.FAILED, 503),
}


def deliver(database: Database, now: float) -> None:
    sink = ScriptedSink(lambda payload: OUTCOMES.get(payload, DELIVERED))
    outbox = Outbox(database)
    while outbox.is_due("segment", now):
        Worker(outbox, sink, Policy(max_age=DAY), clock=lambda: now, dice=lambda: 0.5).step()


def sweep(database: Database, before: float = BEFORE) -> int:
    """Sweep all rows, and return the number of steps."""
    mark, steps = "", 0
    while steps == 0 or mark:
        with database.writing() as connection:
            mark = sweep_events(connection, mark, before)
        steps += 1
    return steps


def left(database: Database) -> set[str]:
    return {row["key"] for row in rows(database, deliveries)}


def test_old_settled_events_are_deleted_with_all_their_rows(database: Database) -> None:
    keep(
        database,
        *(received(name, at=OLD, payload=name.encode()) for name in ("delivered", "dead", "uncertain", "waiting")),
        received("ignored", at=OLD, status=Status.IGNORED),
        received("quarantined", at=OLD, status=Status.QUARANTINED),
    )
    deliver(database, OLD + 1)
    keep(database, received("recent", at=BEFORE + 1))
    deliver(database, BEFORE + 2)
    known = count(database, seen)
    sweep(database)
    assert left(database) == {"uncertain", "waiting", "recent"}
    assert (count(database, events), count(database, messages), count(database, attempts)) == (3, 3, 3)
    assert count(database, seen) == known


def test_what_was_settled_lately_stays_however_old_it_is(database: Database) -> None:
    keep(database, received("replayed", at=OLD))
    deliver(database, BEFORE + 1)
    sweep(database)
    assert left(database) == {"replayed"}


def test_a_repeat_of_what_is_gone_is_still_one(database: Database) -> None:
    keep(database, received("a", at=OLD))
    deliver(database, OLD)
    sweep(database)
    keep(database, received("a", at=NOW))
    assert (count(database, events), count(database, deliveries)) == (0, 0)


def test_the_id_of_a_duplicate_and_its_bytes_go_by_their_age(database: Database) -> None:
    keep(database, received("a", at=OLD), received("a", at=OLD + 1), received("a", at=NOW))
    with database.writing() as connection:
        assert sweep_repeats(connection, "", BEFORE) == ""
    assert (count(database, repeats), count(database, messages), count(database, events)) == (1, 2, 1)


def test_deletion_in_steps_passes_events_that_remain(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.operations.upkeep.retention.STEP", 5)
    keep(database, *(received(f"stays-{number}", at=OLD, payload=b"waiting") for number in range(3)))
    keep(database, *(received(f"{number}", at=OLD + 1) for number in range(9)))
    deliver(database, OLD + 2)
    assert sweep(database) == 3
    assert left(database) == {f"stays-{number}" for number in range(3)}


def test_keys_go_by_their_age(database: Database) -> None:
    keep(database, received("old", at=OLD), received("new", at=NOW))
    with database.writing() as connection:
        assert sweep_seen(connection, "", BEFORE) == ""
    assert {row["at"] for row in rows(database, seen)} == {NOW}


def test_keys_are_gone_through_in_steps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.operations.upkeep.retention.SEEN_STEP", 3)
    keep(database, *(received(f"{number}", at=OLD) for number in range(5)))
    mark = ""
    sizes: list[int] = []
    while not sizes or mark:
        with database.writing() as connection:
            mark = sweep_seen(connection, mark, BEFORE)
        sizes.append(count(database, seen))
    assert sizes == [7, 4, 1, 0]


def test_a_deleted_event_is_named_in_the_error(database: Database) -> None:
    [event_id] = keep(database, received("a", at=OLD))
    deliver(database, OLD)
    sweep(database)
    with database.reading() as connection, pytest.raises(NoSuchEvent, match="BRIDGE_RETENTION_DAYS"):
        story(connection, event_id)
    with database.writing() as connection, pytest.raises(NoSuchEvent, match=r"2030-02-14.*BRIDGE_RETENTION_DAYS"):
        ask(connection, event_id, "Ada", NOW)


def test_sqlites_file_does_not_grow(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    path = Path(make_url(sqlite_url).database or "")
    sizes = []
    for day in range(12):
        now = NOW + day * DAY
        keep(
            database,
            *(received(f"{day}-{number}", at=now, payload=b"x" * 200, customer=f"c{number}") for number in range(150)),
        )
        deliver(database, now + 1)
        sweep(database, now - 2 * DAY)
        with database.writing() as connection:
            sweep_seen(connection, "", now - 4 * DAY)
        sizes.append(path.stat().st_size)
    database.close()
    assert sizes[-1] <= 1.1 * sizes[6]
    assert count(database, events) == 450
    database.close()


def test_messages_of_empty_batches_go_and_what_waits_stays(database: Database) -> None:
    old, recent, one = batch([], at=OLD), batch([], at=BEFORE + 1), batch([tracked("anna")], at=OLD)
    append(database, old, recent, one)
    drain(database, RAW_EVENTS)
    [waiting] = append(database, batch([], at=OLD))
    assert Taker(database, RAW_EVENTS).take("another process")
    [pending] = append(database, batch([], at=OLD))
    with database.writing() as connection:
        assert sweep_messages(connection, "", BEFORE) == ""
    assert {row["id"] for row in rows(database, messages)} == {recent.id, one.id, waiting, pending}


def test_messages_are_removed_in_steps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP", 2)
    append(database, *(batch([], at=OLD + number) for number in range(5)))
    drain(database, RAW_EVENTS)
    mark, steps = "", 0
    while steps == 0 or mark:
        with database.writing() as connection:
            mark = sweep_messages(connection, mark, BEFORE)
        steps += 1
    assert (steps, count(database, messages)) == (3, 0)
