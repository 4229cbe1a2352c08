"""Attempts and responses: bounded, however long an outage lasts."""

from typing import Any

import pytest
from sqlalchemy import text

from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import unpack
from bridge.delivery.database.tables import attempts, deliveries, responses
from bridge.delivery.outbox import records
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.worker import Worker
from bridge.delivery.rules.retry import Policy
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.operations.history import story
from bridge.operations.upkeep.retention import sweep_events, sweep_responses
from tests.delivery.arrivals import keep, received, rows
from tests.delivery.sinks import ScriptedSink

NOW, HOUR, DAY = 1_900_000_000.0, 3_600.0, 86_400.0

PAGE = "<html><body>Bad Gateway</body></html>" + "<!-- padding -->" * 1_150
"""A page of 18 KB."""


class Outage:
    """A sink that fails, a clock, and a worker."""

    def __init__(self, database: Database, *pages: str, code: int | None = 502) -> None:
        self.database, self.pages, self.now, self.calls = database, list(pages), NOW, 0
        self.outcome = Outcome(Happened.FAILED, code)
        sink = ScriptedSink(self._fail, max_count=100)
        self._worker = Worker(Outbox(database), sink, Policy(max_age=99 * DAY), lambda: self.now, lambda: 0.5)

    def last(self, tries: int) -> None:
        for _ in range(tries):
            self._worker.step()
            self.now += 600.0

    def _fail(self, _: bytes) -> Outcome:
        self.calls += 1
        page = self.pages[self.calls % len(self.pages)]
        return Outcome(self.outcome.happened, self.outcome.code, page)


def size(database: Database) -> int:
    """Return the bytes of all attempts and responses."""
    queries = (
        "SELECT coalesce(sum(length(detail) + 64), 0) FROM attempts",
        "SELECT coalesce(sum(length(body) + 64), 0) FROM responses",
    )
    with database.reading() as connection:
        return sum(connection.execute(text(query)).scalar() or 0 for query in queries)


def fill(database: Database, count: int) -> list[str]:
    return keep(database, *(received(f"{number}", at=NOW) for number in range(count)))


def test_an_outage_writes_a_bounded_number_of_bytes(database: Database) -> None:
    fill(database, 50)
    outage = Outage(database, PAGE)
    outage.last(20)
    assert outage.calls == 50 * 20
    assert len(rows(database, responses)) == 1
    assert len(rows(database, attempts)) == 50 * (records.FIRST + records.LAST)
    assert size(database) < 40_000, "not 18 MB"
    outage.last(20)
    assert size(database) < 40_000


def test_pages_that_differ_in_ids_and_times_are_one(database: Database) -> None:
    fill(database, 10)
    Outage(database, *(f"{PAGE} request {number:08} at 2026-11-{number:02}" for number in range(1, 20))).last(8)
    assert len(rows(database, responses)) == 1


def test_of_responses_without_end_an_hours_worth_is_stored(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "RESPONSES_PER_HOUR", 5)
    fill(database, 40)
    pages = [f"{'abcdefghij'[number % 10]}{'klmnopqrst'[number // 10]} {PAGE}" for number in range(97)]
    Outage(database, *pages).last(3)
    assert len(rows(database, responses)) <= 3 * 5
    kept = [row["detail"] for row in rows(database, attempts) if row["response"] is None]
    assert {len(detail) for detail in kept} == {records.SHORT}


def test_the_first_attempt_and_the_last_ones_are_kept(database: Database) -> None:
    [event_id] = fill(database, 1)
    Outage(database, PAGE).last(12)
    with database.reading() as connection:
        [delivery] = story(connection, event_id).deliveries
    assert delivery.attempts_between == 12 - len(delivery.attempts) == 7
    assert [one.at for one in delivery.attempts] == [NOW + 600.0 * number for number in (0, 8, 9, 10, 11)]
    assert {one.detail for one in delivery.attempts} == {PAGE}


def test_many_attempts_of_an_older_version_are_cut_with_the_next(database: Database) -> None:
    [event_id] = fill(database, 1)
    old = {"delivery_id": 1, "at": NOW, "seconds": 1.0, "outcome": "failed", "code": 502, "detail": "an old page"}
    with database.writing() as connection:
        connection.execute(attempts.insert(), [{**old, "claim": number} for number in range(1, 31)])
        connection.execute(deliveries.update().values(claims=30, attempts=30))
    Outage(database, PAGE).last(1)
    with database.reading() as connection:
        [delivery] = story(connection, event_id).deliveries
    assert [one.detail for one in delivery.attempts] == ["an old page"] * 4 + [PAGE]
    assert delivery.attempts_between == 26


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(Outcome(Happened.REJECTED, 400, f'{{"message": "{"no " * 2_000} 4711"}}'), id="rejected"),
        pytest.param(Outcome(Happened.UNCERTAIN, 200, "which? " * 2_000), id="uncertain"),
    ],
)
def test_the_last_response_is_kept_as_it_is(database: Database, outcome: Outcome) -> None:
    [event_id] = fill(database, 1)
    outage = Outage(database, outcome.detail)
    outage.outcome = outcome
    outage.last(1)
    [response] = rows(database, responses)
    assert unpack(response["body"]).decode() == outcome.detail
    with database.reading() as connection:
        [delivery] = story(connection, event_id).deliveries
    assert [one.detail for one in delivery.attempts] == [outcome.detail]


def test_the_last_response_is_in_its_attempt_if_it_is_short(database: Database) -> None:
    fill(database, 3)
    outage = Outage(database, *(f"{number} {'refused ' * 100}" for number in range(3)))
    outage.outcome = Outcome(Happened.REJECTED, 400)
    outage.last(1)
    assert rows(database, responses) == []
    assert {len(row["detail"]) for row in rows(database, attempts)} == {802}


def test_what_was_not_tried_has_no_row(database: Database) -> None:
    fill(database, 5)
    outage = Outage(database, "", code=None)
    outage.outcome = Outcome(Happened.UNTRIED)
    outage.last(3)
    assert rows(database, attempts) == []


def sweep(database: Database, sweeping: Any, before: float) -> None:
    with database.writing() as connection:
        assert sweeping(connection, "", before) == ""


def test_responses_go_with_the_last_attempt_that_refers_to_them(database: Database) -> None:
    fill(database, 2)
    outage = Outage(database, PAGE, code=400)
    outage.outcome = Outcome(Happened.REJECTED, 400)
    outage.last(1)
    sweep(database, sweep_responses, NOW + DAY)
    assert len(rows(database, responses)) == 1
    sweep(database, sweep_events, NOW + DAY)
    sweep(database, sweep_responses, NOW - 1)
    assert len(rows(database, responses)) == 1, "it may be in use"
    sweep(database, sweep_responses, NOW + DAY)
    assert rows(database, responses) == []
