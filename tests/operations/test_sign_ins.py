"""Limits of failed sign-ins, per source and in total, in every process."""

import pytest

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import sign_ins as table
from bridge.operations import sign_ins
from bridge.operations.sign_ins import MOST, MOST_OF_ALL, WINDOW
from tests.delivery.arrivals import count

NOW = 2_000.0


def fail(database: Database, source: str, times: int = 1, now: float = NOW) -> None:
    for _ in range(times):
        with database.writing() as connection:
            sign_ins.failed(connection, source, now)


def wait(database: Database, source: str, now: float = NOW) -> float:
    with database.reading() as connection:
        return sign_ins.wait(connection, source, now)


def test_a_few_mistakes_are_free(database: Database) -> None:
    fail(database, "ada", MOST - 1)
    assert wait(database, "ada") == 0.0


def test_after_many_one_has_to_wait_and_others_have_not(database: Database) -> None:
    fail(database, "eve", MOST)
    assert wait(database, "eve", NOW + 1) == WINDOW - 1
    assert wait(database, "ada", NOW + 1) == 0.0


def test_it_is_forgotten(database: Database) -> None:
    fail(database, "eve", MOST)
    assert wait(database, "eve", NOW + WINDOW) == 0.0
    fail(database, "eve", 1, NOW + WINDOW)
    assert wait(database, "eve", NOW + WINDOW) == 0.0
    assert count(database, table) == 1


@pytest.mark.parametrize("source", ["eve-0", "ada"])
def test_many_sources_together_make_all_wait(database: Database, source: str) -> None:
    for number in range(MOST_OF_ALL // 2):
        fail(database, f"eve-{number}", 2)
    assert wait(database, source, NOW + 10) == WINDOW - 10
