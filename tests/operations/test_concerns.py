from collections.abc import Sequence

import pytest
from sqlalchemy import insert

from bridge.delivery.counts.tallies import BUCKET_SECONDS, bucket
from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import sinks, tallies
from bridge.delivery.inbox.queues import states
from bridge.delivery.outbox import sink_states
from bridge.operations.monitoring.concerns import Concern, concerns

NOW = 1_900_000_000.0
USUAL = range(bucket(NOW - 6 * 3600), bucket(NOW) + 1, BUCKET_SECONDS)


@pytest.fixture(autouse=True)
def in_use(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(insert(sinks), {"name": "segment", "beat_at": NOW})


def count(database: Database, ats: Sequence[int], what: str = "accepted", number: int = 1) -> None:
    key = {"direction": "to_segment", "event": "", "what": what, "cause": "", "shard": 0, "count": number}
    with database.writing() as connection:
        connection.execute(insert(tallies), [{**key, "bucket": at} for at in ats])


def change(database: Database, statement: str) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql(statement)


def look(database: Database, now: float = NOW) -> list[Concern]:
    with database.reading() as connection:
        return list(concerns(connection, sink_states.states(connection, now), states(connection, now), now))


def test_when_all_is_well_there_is_none(database: Database) -> None:
    count(database, USUAL)
    count(database, USUAL[-1:], "refused", 100)
    assert look(database) == []


def test_a_webhook_that_was_switched_off_is_reported(database: Database) -> None:
    count(database, USUAL)
    ended = USUAL[-1] + BUCKET_SECONDS
    change(database, f"UPDATE sinks SET beat_at = {ended + 5400}")
    [concern] = look(database, ended + 5400.0)
    assert concern == Concern(
        "silent",
        "to_segment",
        "nothing has arrived for 1:30, longer than usual (up to 0:00): check that it is switched on at the sender",
        float(ended),
    )


def test_it_is_reported_as_long_as_it_is_off(database: Database) -> None:
    count(database, [0])
    [concern] = look(database)
    assert (concern.kind, concern.since) == ("silent", None)
    assert "over a week" in concern.text


def test_refused_requests_are_reported_with_what_to_check(database: Database) -> None:
    count(database, USUAL[:-4])
    count(database, USUAL[-2:], "refused", 2)
    [concern] = look(database)
    assert concern.kind == "refusing"
    assert concern.text == (
        "all of the last 4 requests were refused: is VOUCHERIFY_WEBHOOK_SECRET the project's webhook secret?"
    )


def test_a_few_refused_calls_may_be_anybodys(database: Database) -> None:
    count(database, USUAL[:-4])
    count(database, USUAL[-1:], "refused", 2)
    assert look(database) == []


def test_a_paused_sink_and_a_missing_worker_are_reported(database: Database) -> None:
    change(database, f"UPDATE sinks SET paused_until = {NOW + 60}, reason = 'forbidden (401)'")
    assert [(one.kind, one.text) for one in look(database)] == [
        ("paused", "deliveries to segment are paused: forbidden (401); check SEGMENT_WRITE_KEY")
    ]
    change(database, f"UPDATE sinks SET paused_until = 0, beat_at = {NOW - 60}")
    assert [(one.kind, one.since) for one in look(database)] == [("no worker", NOW - 60)]


def test_an_unused_direction_is_no_concern(database: Database) -> None:
    count(database, [0])
    change(database, f"UPDATE sinks SET beat_at = {NOW - 8 * 86_400}")
    assert look(database) == []
