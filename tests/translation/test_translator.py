"""Translators: every message is translated once, in order, in spite of failures."""

import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, text
from structlog.testing import capture_logs

from bridge import to_segment
from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import pack
from bridge.delivery.database.tables import deliveries, events, messages, pending, repeats, rounds
from bridge.delivery.inbox import Inbox, Taker
from bridge.delivery.process.duty import Duty
from bridge.errors import InvalidMappings, Problem, StoreUnavailable
from bridge.host import Host
from bridge.messages import CALLS, RAW_EVENTS, WEBHOOKS, Arrival, Message, Outgoing, Status
from bridge.to_segment import translate
from bridge.to_voucherify.raw_events.mappings import Mappings
from bridge.translation import Rules, meaning
from bridge.translation import translator as module
from bridge.translation.meaning import Source
from bridge.translation.refused import REFUSED
from bridge.translation.translator import SAME_FAULTS
from tests.delivery.arrivals import SINK, count, keep_in, packed, rows
from tests.delivery.faults import once
from tests.delivery.patience import until
from tests.delivery.pending import (
    Silent,
    Stand,
    append,
    arrive,
    batch,
    became,
    called,
    drain,
    message,
    redeemed,
    tracked,
    translator,
)

Open = Callable[[str], Database]


def change(monkeypatch: pytest.MonkeyPatch, becomes: Callable[[bytes], Arrival | None]) -> None:
    """Replace the translation of webhooks, where ``becomes`` says so."""
    genuine = to_segment.translate

    def changed(body: bytes, now: datetime) -> Arrival:
        return becomes(body) or genuine(body, now)

    monkeypatch.setattr(to_segment, "translate", changed)


def statuses(database: Database) -> Counter[str]:
    return Counter(row["status"] for row in rows(database, events))


def places(database: Database) -> list[str]:
    """Return the keys of all deliveries, in the order of arrival."""
    return [row["key"] for row in rows(database, deliveries)]


# What a message means


@pytest.mark.parametrize("queue", [WEBHOOKS, CALLS, RAW_EVENTS])
def test_a_message_of_each_queue_is_translated_once(database: Database, queue: str) -> None:
    one = {WEBHOOKS: redeemed(), CALLS: called("anna"), RAW_EVENTS: batch([tracked("anna")])}[queue]
    [[kept]] = arrive(database, one)
    assert kept.status is Status.ACCEPTED
    assert count(database, pending) == count(database, rounds) == 0
    assert [row["status"] for row in rows(database, deliveries)] == ["waiting"]


def test_the_log_line_of_an_outcome_has_the_requests_id(database: Database) -> None:
    with capture_logs() as logs:
        arrive(database, redeemed(request="req-7"))
    [line] = [line for line in logs if line["event"] == "translated"]
    assert (line["request_id"], line["status"]) == ("req-7", "accepted")


def test_of_a_batch_each_event_has_an_id_and_an_outcome(database: Database) -> None:
    one = batch([tracked("anna", 1), "no event", tracked("anna", 1), tracked("anna", 2)])
    [kept] = arrive(database, one)
    assert [found.status for found in kept] == ["accepted", "quarantined", "duplicate", "accepted"]
    assert [found.id for found in kept] == [f"{one.id}{place:04d}" for place in (0, 1, 0, 3)]
    assert [row["id"] for row in rows(database, repeats)] == [f"{one.id}0002"]


def test_of_a_large_batch_one_wrong_event_is_quarantined_alone(
    sqlite_url: str, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_database(sqlite_url)
    made: list[Any] = [tracked("anna", number) for number in range(2_500)]
    made[1_234] = {**tracked("anna"), "event": None}
    [one] = append(
        database,
        batch(made),
    )
    commits: list[object] = []
    event.listen(database.engine, "commit", commits.append)
    drain(database, RAW_EVENTS)
    assert statuses(database) == {"accepted": 2_499, "quarantined": 1}
    assert [row["id"] for row in rows(database, events) if row["status"] == "quarantined"] == [f"{one}1234"]
    # A transaction is bounded by what it writes: an event and a delivery each.
    assert len(commits) > 2 * 2_499 / module.MOST_WRITTEN
    assert places(database) == [
        row["key"] for row in sorted(rows(database, deliveries), key=lambda row: row["event_id"])
    ]


def test_a_batch_continues_where_its_process_stopped(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WRITTEN", 4)
    append(database, batch(tracked("anna", number) for number in range(10)))
    genuine, translated = meaning._arrival, list[str]()

    class PowerCut(BaseException):
        pass

    def cut(source: Source, raw: Any) -> Any:
        translated.append(source.event_id[-4:])
        if source.event_id.endswith("0007") and len(translated) < 10:
            raise PowerCut
        return genuine(source, raw)

    monkeypatch.setattr(meaning, "_arrival", cut)
    with pytest.raises(PowerCut):
        drain(database, RAW_EVENTS, Stand("dead"))
    assert [row["done"] for row in rows(database, rounds)] == [6]
    drain(database, RAW_EVENTS, Stand("other", dead=["dead"]))
    assert translated[8:] == ["0006", "0007", "0008", "0009"]
    assert statuses(database) == {"accepted": 10}
    assert count(database, deliveries) == 10


# Errors


def test_an_event_that_raises_is_quarantined_with_the_place_in_the_code(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strange(body: bytes) -> None:
        if b"bad" in body:
            raise RuntimeError("anna@example.com")

    change(monkeypatch, strange)
    [[first], [bad], [last]] = arrive(database, redeemed("a"), redeemed("bad"), redeemed("b"))
    assert [first.status, bad.status, last.status] == ["accepted", "quarantined", "accepted"]
    assert bad.reason.startswith("unexpected error: RuntimeError at ")
    assert bad.reason.rpartition(":")[2].isdigit()
    assert "anna" not in bad.reason


def test_an_event_that_the_database_refuses_is_isolated(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def limit(connection: Any, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 50_000)

    def refused(body: bytes) -> Arrival | None:
        # PostgreSQL stores no NUL in a text, and this SQLite no payload of that size.
        outgoing = Outgoing(SINK, "bad", os.urandom(100_000))
        return Arrival(Status.ACCEPTED, "Bad", customer="\x00", outgoing=(outgoing,)) if b"bad" in body else None

    event.listen(database.engine, "connect", limit)
    database.close()
    change(monkeypatch, refused)
    names = [*"abcdefg", "bad", *"hijklm"]
    kept = [found for [found] in arrive(database, *map(redeemed, names))]
    assert [found.status for found in kept] == ["quarantined" if name == "bad" else "accepted" for name in names]
    assert [found.reason for found in kept if found.status == "quarantined"] == [REFUSED]
    assert count(database, deliveries) == len(names) - 1
    assert count(database, rounds) == 0


def test_many_same_errors_in_a_row_are_a_problem_that_says_what_to_do(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strange(body: bytes) -> None:
        if b"bad" in body:
            raise RuntimeError

    change(monkeypatch, strange)
    ours = translator(database, WEBHOOKS)
    append(database, *(redeemed(f"bad-{number}") for number in range(SAME_FAULTS - 1)))
    ours.step()
    assert ours.problem == ""
    append(database, redeemed("bad again"))
    ours.step()
    assert ours.problem.startswith(f"the last {SAME_FAULTS} events raised at ")
    assert "bridge replay --status quarantined" in ours.problem
    append(database, redeemed("fine"))
    ours.step()
    assert ours.problem == ""


def test_a_wrong_mappings_file_stops_only_raw_events(database: Database) -> None:
    wrong = [True]

    def mappings() -> Mappings:
        if wrong:
            raise InvalidMappings([Problem("1", "path", "a reason")])
        return ()

    ours = {queue: translator(database, queue, rules=Rules(mappings, {})) for queue in (WEBHOOKS, CALLS, RAW_EVENTS)}
    append(database, redeemed(), called("anna"), batch([tracked("anna")]))
    assert {queue: one.step() for queue, one in ours.items()} == {WEBHOOKS: True, CALLS: True, RAW_EVENTS: False}
    assert [one.problem != "" for one in ours.values()] == [False, False, True]
    assert [row["queue"] for row in rows(database, pending)] == [RAW_EVENTS]
    wrong.clear()
    assert ours[RAW_EVENTS].step()
    assert ours[RAW_EVENTS].problem == ""
    assert count(database, pending) == 0


@pytest.mark.parametrize("after", [True, False], ids=["committed", "rolled back"])
@pytest.mark.parametrize("queue", [WEBHOOKS, CALLS])
def test_a_failed_transaction_is_gone_on_with_at_once(
    *, database: Database, monkeypatch: pytest.MonkeyPatch, queue: str, after: bool
) -> None:
    monkeypatch.setattr(module, "MOST_WRITTEN", 4)
    ids = append(
        database, *(redeemed(f"{number}") if queue == WEBHOOKS else called("anna", number) for number in range(6))
    )
    ours = translator(database, queue)
    failing = iter([True])
    genuine = ours._written

    def written(*arguments: Any) -> Any:
        with once(database, after=after) if next(failing, False) else nullcontext():
            return genuine(*arguments)

    monkeypatch.setattr(ours, "_written", written)
    with pytest.raises(StoreUnavailable):
        ours.step()
    while ours.step():
        pass
    assert statuses(database) == {"accepted": 6}
    assert [row["repeats"] for row in rows(database, events)] == [0] * 6
    assert count(database, deliveries) == 6
    assert count(database, repeats) == count(database, rounds) == 0
    assert [row["event_id"] for row in rows(database, deliveries)] == ids


# Others


def test_who_lost_its_round_writes_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = append(database, called("anna", 1), called("anna", 2))
    genuine = meaning._arrival
    other = translator(database, CALLS, Stand("other", dead=["slow"]))
    slept = iter([True])

    def slow(*arguments: Any) -> Any:
        if next(slept, False):
            assert other.step()
        return genuine(*arguments)

    monkeypatch.setattr(meaning, "_arrival", slow)
    with capture_logs() as logs:
        assert translator(database, CALLS, Stand("slow")).step()
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["round taken over", "round lost"]
    assert [row["id"] for row in rows(database, events)] == ids
    assert count(database, deliveries) == 2
    assert count(database, repeats) == 0


def test_messages_of_a_round_that_was_taken_over_are_written_one_at_a_time(database: Database) -> None:
    append(database, *(redeemed(name) for name in "abc"))
    assert Taker(database, WEBHOOKS).take("dead") is not None
    commits: list[object] = []
    event.listen(database.engine, "commit", commits.append)
    drain(database, WEBHOOKS, Stand(dead=["dead"]))
    assert statuses(database) == {"accepted": 3}
    assert len(commits) == 4  # the take-over, and three messages


def test_a_round_is_handed_back_at_a_stop(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WRITTEN", 2)
    append(database, *(called("anna", number) for number in range(4)))
    ours = translator(database, CALLS)
    ours._stop.set()
    ours.step()
    assert count(database, events) == 1
    assert [row["holder"] for row in rows(database, rounds)] == [""]
    drain(database, CALLS, Stand("other"))
    assert count(database, events) == 4
    assert count(database, rounds) == 0


def test_who_writes_the_same_event_first_makes_ours_a_duplicate(postgres_url: str, open_database: Open) -> None:
    ours, other = open_database(postgres_url), open_database(postgres_url)
    one = redeemed("same")
    append(ours, one)
    with ThreadPoolExecutor(1) as pool:
        with other.writing() as connection:
            arrival = translate(one.body, datetime(2031, 4, 9, tzinfo=UTC))
            [first] = keep_in(connection, [packed(one.body, arrival, 1_000.0)])
            step = pool.submit(drain, ours, WEBHOOKS)
            until(lambda: _blocked(other) == 1)
        assert step.result(30) == 1
    [[kept]] = became(ours, one.id)
    assert (kept.status, kept.id) == (Status.DUPLICATE, first.id)
    assert count(ours, deliveries) == 1


def _blocked(database: Database) -> int:
    """Return how many of the server's connections wait for another's lock."""
    with database.reading() as connection:
        statement = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        found: int = connection.execute(text(statement)).scalar_one()
    return found


WRITERS, EACH = 16, 8


@pytest.mark.timeout(240)
def test_many_writers_and_translators_on_two_hosts_lose_double_and_reorder_nothing(
    database: Database, database_url: str, open_database: Open, tmp_path: Path
) -> None:
    inboxes = [Inbox(open_database(database_url), Silent()) for _ in range(2)]
    done = threading.Event()

    def send(writer: int) -> list[str]:
        sent = []
        for number in range(EACH):
            for one in (called(f"customer-{writer}", number), redeemed(f"r-{(writer + number) % 20}")):
                inboxes[writer % 2].append(one)
                sent.append(one.id)
        return sent

    with _on_duty(tmp_path, database_url) as duties, ThreadPoolExecutor(WRITERS + len(duties)) as pool:
        working = [pool.submit(_work, open_database(database_url), duty, done) for duty in duties]
        with _held_open(database) as late:
            ids = [one for found in pool.map(send, range(WRITERS)) for one in found]
        done.set()
        for one in working:
            one.result(120)
    found = became(database, *ids, *late)
    assert {len(kept) for kept in found} == {1}
    assert Counter(kept.status for [kept] in found) == {
        "accepted": WRITERS * EACH + 20 + len(late),
        "duplicate": WRITERS * EACH - 20,
    }
    assert sum(row["repeats"] for row in rows(database, events)) == WRITERS * EACH - 20
    made = rows(database, deliveries)
    assert len(made) == WRITERS * EACH + 20 + len(late)
    for writer in range(WRITERS):
        lane = [row["key"] for row in made if row["lane"] == f"customer-{writer}"]
        assert lane == [f"add_custom_event:customer-{writer}-{number}" for number in range(EACH)]


@contextmanager
def _on_duty(folder: Path, url: str) -> Iterator[list[Duty]]:
    """Return two processes on each of two hosts."""
    hosts = [Host(folder / name, url) for name in ("one", "other")]
    duties = [Duty(host) for host in hosts for _ in range(2)]
    for host in hosts:
        host.folder.mkdir()
    with ExitStack() as stack:
        for duty in duties:
            duty.begin()
            stack.callback(duty.end)
        yield duties


def _work(database: Database, duty: Duty, done: threading.Event) -> None:
    """Translate until no message is pending and none arrives."""
    ours = [translator(database, queue, duty) for queue in (CALLS, WEBHOOKS)]
    while not (done.is_set() and count(database, pending) == count(database, rounds) == 0):
        for one in ours:
            with suppress(StoreUnavailable):
                one.step()


@contextmanager
def _held_open(database: Database) -> Iterator[list[str]]:
    """Append a message whose commit is later than its number, on PostgreSQL.

    It becomes visible after messages with higher numbers.
    """
    if database.engine.dialect.name == "sqlite":
        yield []
        return
    one = called("late")
    with database.writing() as connection:
        _store(connection, one)
        yield [one.id]


def _store(connection: Connection, one: Message) -> None:
    row = {
        "id": one.id,
        "queue": one.queue,
        "direction": one.direction,
        "door": one.door,
        "received_at": one.at,
        "request_id": "",
        "credential": b"",
        "body": pack(one.body),
    }
    connection.execute(insert(messages), row)
    connection.execute(insert(pending), {"queue": one.queue, "message_id": one.id, "size": len(row["body"])})  # type: ignore[arg-type] # bytes


def test_a_body_that_is_no_json_is_quarantined_with_its_reason(database: Database) -> None:
    [[kept]] = arrive(database, message(b"\xff"))
    assert kept.status is Status.QUARANTINED
    assert kept.reason
