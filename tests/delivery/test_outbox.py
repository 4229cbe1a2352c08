from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text

from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import unpack
from bridge.delivery.database.tables import attempts, deliveries, responses, sinks
from bridge.delivery.outbox.outbox import Claim, Outbox, Settlement
from bridge.delivery.rules.retry import Decision, Fate
from bridge.delivery.rules.sink import RESPONSE_LENGTH, Happened, Outcome
from tests.delivery.arrivals import SINK, keep, received, rows
from tests.delivery.sinks import ScriptedSink

NOW, LEASE = 2_000.0, 40.0

Open = Callable[[str], Database]


def fill(database: Database, *due: float, size: int = 10) -> None:
    """Add a delivery due at each of these times; its payload is the time."""
    for at in due:
        payload = f"{at:g}".encode().ljust(size)
        keep(database, received(f"{at:g}", at=at, payload=payload))


def payloads(claims: Sequence[Claim]) -> list[str]:
    return [claim.parcel.payload.decode().strip() for claim in claims]


def claim(database: Database, sink: ScriptedSink | None = None, now: float = NOW) -> list[Claim]:
    return Outbox(database).claim(sink or ScriptedSink(), now, LEASE)


def settle(database: Database, claims: Sequence[Claim], outcome: Outcome, decision: Decision) -> None:
    settled = [Settlement(one, outcome, decision) for one in claims]
    Outbox(database).settle(SINK, settled, NOW, NOW + 1)


DELIVERED = (Outcome(Happened.DELIVERED, 200, "ok"), Decision(Fate.DELIVERED, NOW, 1))


def paused(until: float, code: int | None = 429) -> tuple[Outcome, Decision]:
    return Outcome(Happened.THROTTLED, code), Decision(Fate.WAITING, NOW, 0, pause_until=until)


def test_what_is_due_is_claimed_and_what_is_not_waits(database: Database) -> None:
    fill(database, 1_990, 2_000, 2_001)
    assert payloads(claim(database)) == ["1990", "2000"]


def test_of_too_many_those_that_are_due_longest_are_claimed(database: Database) -> None:
    fill(database, 1_003, 1_001, 1_004, 1_002)
    assert sorted(payloads(claim(database, ScriptedSink(max_count=2)))) == ["1001", "1002"]
    assert sorted(payloads(claim(database, ScriptedSink(max_count=2)))) == ["1003", "1004"]


@pytest.mark.parametrize(("max_bytes", "fit"), [(100, 1), (299, 2), (300, 3), (301, 3)])
def test_no_more_bytes_are_claimed_than_the_sink_takes(database: Database, max_bytes: int, fit: int) -> None:
    fill(database, 1_001, 1_002, 1_003, 1_004, size=100)
    claimed = claim(database, ScriptedSink(max_bytes=max_bytes))
    assert payloads(claimed) == ["1001", "1002", "1003"][:fit]
    assert sum(len(one.parcel.payload) for one in claimed) <= max_bytes


def test_one_that_is_too_large_for_the_sink_does_not_hold_up_the_others(database: Database) -> None:
    keep(database, received("large", at=1_000.0, payload=b"L" * 500))
    fill(database, 1_001, size=100)
    claimed: list[Claim] = []
    for _ in range(2):
        claimed += claim(database, ScriptedSink(max_bytes=200))
    assert {len(one.parcel.payload) for one in claimed} >= {100}


def test_a_claim_says_all_that_a_worker_must_know(database: Database) -> None:
    [event_id] = keep(database, received("call", at=1_500.0, payload=b"payload"))
    [claimed] = claim(database)
    assert (claimed.number, claimed.event_id, claimed.parcel.payload) == (1, event_id, b"payload")
    assert (claimed.tried.attempts, claimed.tried.created_at) == (0, 1_500.0)


def test_a_claim_is_exclusive_until_the_lease_ends(database: Database) -> None:
    fill(database, 1_000)
    outbox = Outbox(database)
    assert outbox.is_due(SINK, NOW)
    [first] = claim(database)
    assert not outbox.is_due(SINK, NOW + LEASE - 1)
    assert claim(database, now=NOW + LEASE - 1) == []
    assert outbox.is_due(SINK, NOW + LEASE)
    [second] = claim(database, now=NOW + LEASE)
    assert (second.id, second.number) == (first.id, first.number + 1)


def test_who_slept_past_its_lease_settles_nothing(database: Database) -> None:
    fill(database, 1_000)
    slept = claim(database)
    again = claim(database, now=NOW + LEASE)
    settle(database, slept, *DELIVERED)
    [delivery] = rows(database, deliveries)
    assert (delivery["status"], delivery["lease_expires_at"]) == ("sending", NOW + 2 * LEASE)
    settle(database, again, Outcome(Happened.FAILED), Decision(Fate.WAITING, NOW + 500, 1))
    settle(database, slept[:0] or [_older(slept[0])], *DELIVERED)
    [delivery] = rows(database, deliveries)
    assert (delivery["status"], delivery["due_at"], delivery["attempts"]) == ("waiting", NOW + 500, 1)
    # Its attempt is recorded nevertheless, since Segment may have accepted it.
    assert {(one["claim"], one["outcome"]) for one in rows(database, attempts)} == {
        (0, "delivered"),
        (1, "delivered"),
        (2, "failed"),
    }


def test_what_is_settled_for_good_is_never_claimed_again(database: Database) -> None:
    fill(database, 1_000, 1_001)
    [one, other] = claim(database)
    settle(database, [one], *DELIVERED)
    settle(database, [other], Outcome(Happened.REJECTED, 400, "no"), Decision(Fate.DEAD, NOW, 1))
    assert claim(database, now=NOW * 2) == []
    assert [(row["status"], row["settled_at"]) for row in rows(database, deliveries)] == [
        ("delivered", NOW + 1),
        ("dead", NOW + 1),
    ]


def test_what_waits_is_due_again_when_it_was_decided(database: Database) -> None:
    fill(database, 1_000)
    settle(database, claim(database), Outcome(Happened.FAILED, 500), Decision(Fate.WAITING, NOW + 7, 1))
    assert claim(database, now=NOW + 6) == []
    [again] = claim(database, now=NOW + 7)
    assert again.tried.attempts == 1
    assert rows(database, deliveries)[0]["settled_at"] is None


def test_every_attempt_is_recorded_and_its_answer_bounded(database: Database) -> None:
    fill(database, 1_000)
    outcome = Outcome(Happened.FAILED, 503, "x" * (RESPONSE_LENGTH + 1))
    settle(database, claim(database), outcome, Decision(Fate.WAITING, NOW, 1))
    [attempt] = rows(database, attempts)
    assert (attempt["claim"], attempt["outcome"], attempt["code"]) == (1, "failed", 503)
    assert (attempt["at"], attempt["seconds"]) == (NOW, 1.0)
    assert attempt["detail"] == ""
    [response] = rows(database, responses)
    assert (response["digest"], unpack(response["body"])) == (attempt["response"], b"x" * RESPONSE_LENGTH)


def test_a_nul_in_an_answer_harms_no_settlement(database: Database) -> None:
    # PostgreSQL stores no NUL in a text. A response with one must not prevent the settlement.
    fill(database, 1_000)
    settle(database, claim(database), Outcome(Happened.DELIVERED, 200, "o\x00k \ud800"), DELIVERED[1])
    assert rows(database, deliveries)[0]["status"] == "delivered"


def test_a_pause_holds_for_all_workers_until_it_ends(database: Database) -> None:
    fill(database, 1_000, 1_001)
    settle(database, claim(database, ScriptedSink(max_count=1)), *paused(NOW + 60))
    outbox = Outbox(database)
    assert not outbox.is_due(SINK, NOW + 59)
    assert claim(database, now=NOW + 59) == []
    assert outbox.is_due(SINK, NOW + 60)
    assert len(claim(database, now=NOW + 60)) == 1, "a careful call"
    assert not outbox.is_due(SINK, NOW + 61)


def test_a_pause_of_one_sink_is_none_of_another(database: Database) -> None:
    fill(database, 1_000)
    with database.writing() as connection:
        connection.execute(sinks.insert().values(name="other", paused_until=NOW * 2, reason="throttled"))
    assert Outbox(database).is_due(SINK, NOW)


@pytest.mark.parametrize(("first", "second", "longest"), [(60, 90, 90), (90, 60, 90)], ids=["longer", "shorter"])
def test_the_longest_pause_counts(database: Database, first: float, second: float, longest: float) -> None:
    fill(database, 1_000)
    claimed = claim(database)
    settle(database, claimed, *paused(NOW + first))
    settle(database, [_older(claimed[0])], *paused(NOW + second, code=None))
    [sink] = rows(database, sinks)
    assert (sink["name"], sink["paused_until"]) == (SINK, NOW + longest)
    assert sink["reason"] == ("throttled" if longest == second else "throttled (429)")


@pytest.mark.parametrize(
    ("before", "reason"),
    [(60.0, "forbidden (401)"), (0.5, "the rate limit is reached")],
    ids=["a pause is in force", "it has ended"],
)
def test_what_was_not_even_called_does_not_rename_a_pause(database: Database, before: float, reason: str) -> None:
    fill(database, 1_000)
    claimed = claim(database)
    forbidden = Outcome(Happened.FORBIDDEN, 401), Decision(Fate.WAITING, NOW, 0, pause_until=NOW + before)
    held = Outcome(Happened.UNTRIED), Decision(Fate.WAITING, NOW, 0, pause_until=NOW + 61)
    settle(database, claimed, *forbidden)
    settle(database, [_older(claimed[0])], *held)
    [sink] = rows(database, sinks)
    assert (sink["paused_until"], sink["reason"]) == (NOW + 61, reason)


def test_of_several_pauses_in_one_batch_the_longest_counts(database: Database) -> None:
    fill(database, 1_000, 1_001, 1_002)
    settled = [Settlement(one, *paused(NOW + wait)) for one, wait in zip(claim(database), (5, 50, 20), strict=True)]
    Outbox(database).settle(SINK, settled, NOW, NOW)
    assert rows(database, sinks)[0]["paused_until"] == NOW + 50


def test_a_429_that_repeats_pauses_ever_longer_in_every_process(database_url: str, open_database: Open) -> None:
    first = open_database(database_url)
    fill(first, *range(1_000, 1_010))
    now, pauses = NOW, []
    for database in (first, open_database(database_url), first):
        [one] = claim(database, ScriptedSink(max_count=1), now)
        throttled = Settlement(one, Outcome(Happened.THROTTLED, 429), Decision(Fate.WAITING, now, 0, now + 10))
        Outbox(database).settle(SINK, [throttled], now, now)
        pauses.append(Outbox(first).pause(SINK, now))
        now += pauses[-1]
    assert pauses == [10.0, 20.0, 40.0]


def test_those_who_are_throttled_at_the_same_moment_are_one_repetition(database: Database) -> None:
    fill(database, 1_000, 1_001)
    for one in claim(database):
        settle(database, [one], *paused(NOW + 10))
    assert Outbox(database).pause(SINK, NOW + 1) == 9.0


def test_what_is_accepted_ends_a_row_of_429s(database: Database) -> None:
    fill(database, 1_000, 1_001, 1_002)
    outbox = Outbox(database)
    first, second, third = claim(database)
    outbox.settle(SINK, [Settlement(first, *paused(NOW + 10))], NOW, NOW)
    Outbox(database).settle(SINK, [Settlement(second, *DELIVERED)], NOW, NOW + 11)  # by another process
    outbox.settle(SINK, [Settlement(third, *paused(NOW + 22))], NOW, NOW + 12)
    assert outbox.pause(SINK, NOW + 12) == 10.0


def test_another_sinks_deliveries_are_none_of_ours(database: Database) -> None:
    fill(database, 1_000)
    other = ScriptedSink()
    other.name = "other"
    assert not Outbox(database).is_due("other", NOW)
    assert claim(database, other) == []


def test_workers_that_claim_at_the_same_moment_never_claim_the_same(database: Database) -> None:
    fill(database, *range(1_000, 1_060))
    sink = ScriptedSink(max_count=5)

    def work(_: int) -> list[Claim]:
        found: list[Claim] = []
        while Outbox(database).is_due(SINK, NOW):
            found += claim(database, sink)
        return found

    with ThreadPoolExecutor(4) as pool:
        claimed = [one for found in pool.map(work, range(4)) for one in found]
    assert sorted(one.id for one in claimed) == sorted({row["id"] for row in rows(database, deliveries)})
    assert {one.number for one in claimed} == {1}


def test_a_worker_passes_over_what_another_has_in_hand(postgres_url: str, open_database: Open) -> None:
    ours, other = open_database(postgres_url), open_database(postgres_url)
    fill(ours, 1_000, 1_001, 1_002)
    with other.writing() as connection:
        connection.execute(text("SELECT id FROM deliveries WHERE due_at = 1001 FOR UPDATE"))
        assert payloads(claim(ours)) == ["1000", "1002"]
    assert payloads(claim(ours)) == ["1001"]


def test_looking_for_work_in_a_long_history_takes_an_index(sqlite_url: str, open_database: Open) -> None:
    database = open_database(sqlite_url)
    fill(database, 1_000)
    with database.reading() as connection:
        asked: list[str] = []
        connection.connection.dbapi_connection.set_trace_callback(asked.append)  # type: ignore[union-attr] # sqlite3's
    Outbox(database).is_due(SINK, NOW)
    claim(database)
    plans = []
    with database.reading() as connection:
        for statement in asked:
            if "deliveries" in statement:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
                plans += [row[3] for row in plan]
    assert any("deliveries_due" in step for step in plans)
    assert not [step for step in plans if step.startswith("SCAN deliveries")]


def _older(claim: Claim) -> Claim:
    return replace(claim, number=claim.number - 1)
