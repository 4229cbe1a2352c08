"""Budget of a service: its calls are spaced over all workers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import sinks
from bridge.delivery.outbox.outbox import Outbox
from tests.delivery.arrivals import SINK, rows
from tests.delivery.contender import CALLS, INTERVAL, MOMENT
from tests.delivery.contenders import contend

NOW = 2_000.0

Open = Callable[[str], Database]


def reserve(database: Database, now: float = NOW, sink: str = SINK, interval: float = 5.0) -> float:
    return Outbox(database).reserve(sink, interval, now)


def test_calls_that_come_at_once_are_spaced(database: Database) -> None:
    assert [reserve(database) for _ in range(4)] == [0.0, 5.0, 10.0, 15.0]


def test_waiting_already_done_counts(database: Database) -> None:
    assert [reserve(database, NOW + after) for after in (0, 2, 5, 9)] == [0.0, 3.0, 5.0, 6.0]


def test_idle_time_is_not_saved_up(database: Database) -> None:
    reserve(database)
    assert [reserve(database, NOW + 3_600) for _ in range(3)] == [0.0, 5.0, 10.0]


def test_each_service_has_its_own(database: Database) -> None:
    assert [reserve(database), reserve(database, sink="other"), reserve(database)] == [0.0, 0.0, 5.0]


def test_a_budget_and_a_pause_do_not_overwrite_each_other(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(sinks.insert().values(name=SINK, paused_until=NOW + 99, reason="throttled (429)"))
    assert [reserve(database) for _ in range(2)] == [0.0, 5.0]
    [sink] = rows(database, sinks)
    assert (sink["paused_until"], sink["reason"]) == (NOW + 99, "throttled (429)")


def test_threads_share_it(database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        waits = sorted(pool.map(lambda _: reserve(database), range(20)))
    assert waits == pytest.approx([5.0 * place for place in range(20)])


def test_processes_share_it(database: Database, database_url: str) -> None:
    waits = sorted(wait for found in contend("reserve", database_url, processes=2) for wait in found)
    assert waits == pytest.approx([INTERVAL * place for place in range(2 * CALLS)])
    assert rows(database, sinks)[0]["next_call_at"] == pytest.approx(MOMENT + INTERVAL * 2 * CALLS)


def test_whenever_calls_come_no_two_are_closer_than_the_interval(sqlite_url: str, open_database: Open) -> None:
    outbox, begun = Outbox(open_database(sqlite_url)), [0]

    @given(st.lists(st.floats(0, 20), min_size=1, max_size=12))
    def spaced(pauses: list[float]) -> None:
        begun[0] += 1  # another budget for each example
        now, made = NOW, []
        for pause in pauses:
            now += pause
            wait = outbox.reserve(f"sink-{begun[0]}", 5.0, now)
            assert wait >= 0
            made.append(now + wait)
        assert made[0] == NOW + pauses[0]
        assert all(second - first > 4.999 for first, second in pairwise(made))

    spaced()
