import time
from collections import Counter

import pytest
from sqlalchemy import insert

from bridge.delivery.counts.folding import fold
from bridge.delivery.counts.tallies import (
    BUCKET_SECONDS,
    MOST_NAMES,
    OTHER,
    READ_SECONDS,
    TOTAL_AFTER_SECONDS,
    Tally,
    add,
    bucket,
    expect,
)
from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import latencies, tallies
from bridge.operations.monitoring.measures import measures
from tests.delivery.arrivals import rows

NOW = 1_900_000_000.0
DAY = 86_400


def write(database: Database, *ats: int, shards: int = 3) -> None:
    key = {"direction": "to_segment", "event": "Customer Rewarded", "what": "dead", "cause": "failed 500"}
    with database.writing() as connection:
        for at in ats:
            for shard in range(shards):
                connection.execute(insert(tallies), {**key, "bucket": at, "shard": shard, "count": 1})
                timed = {"bucket": at, "sink": "segment", "up_to": 1.0, "shard": shard, "count": 1, "seconds": 0.5}
                connection.execute(insert(latencies), timed)


def run(database: Database, now: float = NOW) -> None:
    with database.writing() as connection:
        fold(connection, now)


def buckets(database: Database) -> Counter[int]:
    assert all(row["shard"] == 0 for row in rows(database, tallies))
    counted = {row["bucket"]: row["count"] for row in rows(database, tallies)}
    assert {row["bucket"]: (row["count"], row["seconds"]) for row in rows(database, latencies)} == {
        at: (count, count / 2) for at, count in counted.items()
    }
    return Counter(counted)


def test_what_is_recent_stays_as_fine_as_it_is(database: Database) -> None:
    ats = range(bucket(NOW - 3600), bucket(NOW) + 1, BUCKET_SECONDS)
    write(database, *ats)
    run(database)
    assert len(rows(database, tallies)) == 3 * len(ats)


def test_what_is_older_is_held_by_longer_intervals(database: Database) -> None:
    half_hour = bucket(NOW - 5 * 3600) // 1800 * 1800
    quarter_day = bucket(NOW - 3 * DAY) // 10_800 * 10_800
    write(
        database,
        *range(half_hour, half_hour + 1800, BUCKET_SECONDS),
        *range(quarter_day, quarter_day + 10_800, BUCKET_SECONDS),
    )
    run(database)
    assert buckets(database) == {half_hour: 18, quarter_day: 108}


def test_what_is_old_is_one_total(database: Database) -> None:
    write(database, *range(bucket(NOW - TOTAL_AFTER_SECONDS - DAY), bucket(NOW - TOTAL_AFTER_SECONDS - DAY / 2), 3600))
    run(database)
    assert buckets(database) == {0: 36}
    write(database, bucket(NOW - TOTAL_AFTER_SECONDS - DAY))
    run(database)
    assert buckets(database) == {0: 39}


def test_folding_again_and_later_loses_nothing(database: Database) -> None:
    write(database, *range(bucket(NOW - DAY), bucket(NOW) + 1, BUCKET_SECONDS))
    with database.reading() as connection:
        before = measures(connection, NOW)
    for hours in (0, 0, 1, 5, 24, 30, 100, 190, 200, 400):
        run(database, NOW + hours * 3600)
        with database.reading() as connection:
            after = measures(connection, NOW)
        assert after.totals == before.totals
        assert after.latencies == before.latencies
    assert set(buckets(database)) == {0}


def names(database: Database) -> Counter[str]:
    counted: Counter[str] = Counter()
    for row in rows(database, tallies):
        counted[row["event"]] += row["count"]
    return counted


def tally(event: str, age: float = 0.0) -> Tally:
    return Tally(bucket(NOW - age), "to_segment", event, "ignored")


def test_absent_names_free_their_places(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    junk = [tally(f"junk {number}", 2 * DAY) for number in range(MOST_NAMES - 2)]
    with database.writing() as connection:
        expect(database.engine, ["Expected"])
        add(connection, dict.fromkeys([*junk, tally("rare", 2 * DAY), tally("Expected", 2 * DAY)], 1))
        add(connection, dict.fromkeys([tally("rare"), tally("junk 0"), tally("late"), tally("later")], 1))
    assert names(database)[OTHER] == 1  # the place of none was left
    run(database)
    kept = {"rare": 2, "Expected": 1, "junk 0": 2, "late": 1, OTHER: MOST_NAMES - 2}
    assert names(database) == kept
    monkeypatch.setattr(time, "monotonic", lambda: READ_SECONDS * 1e6)
    with database.writing() as connection:
        add(connection, {tally("later"): 1})
    assert names(database) == kept | {"later": 1}


def test_expected_names_need_no_place(database: Database) -> None:
    with database.writing() as connection:
        expect(database.engine, ["Expected"])
        add(connection, {tally(f"junk {number}"): 1 for number in range(2 * MOST_NAMES)})
        add(connection, {tally("Expected"): 1})
    assert names(database)["Expected"] == 1
    assert len(names(database)) == MOST_NAMES + 2


def test_absent_names_stay_while_there_are_places(database: Database) -> None:
    with database.writing() as connection:
        add(connection, {tally("once", 300 * DAY): 1})
    run(database)
    assert names(database) == {"once": 1}
