from collections import Counter

from sqlalchemy import insert

from bridge.delivery.counts.folding import fold
from bridge.delivery.counts.tallies import BUCKET_SECONDS, TOTAL_AFTER_SECONDS, bucket
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
