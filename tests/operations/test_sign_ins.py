"""Limits of sign-ins, per source, in every process."""

from concurrent.futures import ThreadPoolExecutor

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import sign_ins as table
from bridge.operations import sign_ins
from bridge.operations.sign_ins import MOST, WINDOW
from tests.delivery.arrivals import count

NOW = 2_000.0


def attempt(database: Database, source: str, times: int = 1, now: float = NOW, *, is_right: bool = False) -> float:
    """Return what the last attempt has to wait."""
    waits = []
    for _ in range(times):
        with database.writing() as connection:
            waits.append(sign_ins.attempt(connection, source, now))
            if is_right and not waits[-1]:
                sign_ins.take_back(connection, source)
    return waits[-1]


def test_a_few_mistakes_are_free(database: Database) -> None:
    assert attempt(database, "ada", MOST) == 0.0


def test_after_many_one_has_to_wait_and_others_have_not(database: Database) -> None:
    attempt(database, "eve", MOST)
    assert attempt(database, "eve", 3, NOW + 1) == WINDOW - 1
    assert attempt(database, "ada", now=NOW + 1) == 0.0


def test_it_is_forgotten(database: Database) -> None:
    attempt(database, "eve", MOST + 5)
    assert attempt(database, "eve", MOST, NOW + WINDOW) == 0.0
    assert attempt(database, "eve", 1, NOW + WINDOW) == WINDOW
    attempt(database, "ada", 1, NOW + 2 * WINDOW)
    assert count(database, table) == 1


def test_a_right_token_costs_nothing_and_forgives_nothing(database: Database) -> None:
    assert attempt(database, "ada", 3 * MOST, is_right=True) == 0.0
    assert count(database, table) == 0
    attempt(database, "eve", MOST - 1)
    attempt(database, "eve", MOST, is_right=True)
    assert attempt(database, "eve") == 0.0
    assert attempt(database, "eve") > 0


def test_no_number_of_sources_locks_another_out(database: Database) -> None:
    for number in range(150):
        attempt(database, f"eve-{number}", 2)
    assert attempt(database, "ada") == 0.0


def test_attempts_at_the_same_time_do_not_pass_together(database: Database) -> None:
    with ThreadPoolExecutor(16) as threads:
        waits = list(threads.map(lambda _: attempt(database, "eve"), range(40)))
    assert waits.count(0.0) == MOST
