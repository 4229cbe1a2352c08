import pytest
from sqlalchemy import func, select

from bridge.delivery.counts.tallies import (
    BOUNDS,
    MOST_NAMES,
    OTHER,
    Tally,
    add,
    add_latencies,
    bucket,
)
from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import latencies, tallies
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.worker import Worker
from bridge.delivery.rules.retry import Policy
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.messages import Arrival, Status
from bridge.operations.replay import decide
from tests.delivery.arrivals import keep, packed, received, rows
from tests.delivery.sinks import ScriptedSink

NOW = 1_900_000_000.0
MINE = Tally(bucket(NOW), "to_segment", "Customer Rewarded", "accepted")


def total(database: Database, **wanted: str) -> int:
    columns = tallies.c
    statement = select(func.coalesce(func.sum(columns.count), 0)).where(
        *(columns[name] == value for name, value in wanted.items())
    )
    with database.reading() as connection:
        return int(connection.execute(statement).scalar_one())


def count(database: Database, tally: Tally, number: int = 1) -> None:
    with database.writing() as connection:
        add(connection, {tally: number})


def test_counts_of_one_interval_add_up(database: Database) -> None:
    count(database, MINE, 2)
    count(database, MINE, 3)
    [row] = rows(database, tallies)
    assert (row["bucket"], row["what"], row["cause"], row["count"]) == (bucket(NOW), "accepted", "", 5)


def test_a_rolled_back_transaction_counts_nothing(database: Database) -> None:
    def fail_halfway() -> None:
        with database.writing() as connection:
            add(connection, {MINE: 1})
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        fail_halfway()
    assert total(database) == 0


def test_a_repeat_counts_when_it_comes(database: Database) -> None:
    keep(database, received("a", at=NOW), received("a", at=NOW + 400))
    assert [(row["bucket"], row["what"]) for row in rows(database, tallies)] == [
        (bucket(NOW), "accepted"),
        (bucket(NOW + 400), "duplicate"),
    ]


def test_any_number_of_names_takes_a_bounded_number_of_rows(database: Database) -> None:
    names = [f"Event {number}" for number in range(MOST_NAMES + 50)]
    keep(database, *(packed(b"{}", Arrival(Status.IGNORED, name, "a reason"), NOW) for name in names))
    assert total(database) == len(names)
    assert total(database, event=OTHER) == 50
    keep(database, packed(b"{}", Arrival(Status.IGNORED, names[0], "a reason"), NOW))
    assert total(database, event=names[0]) == 2


def test_the_bound_holds_for_the_next_process_too(database: Database) -> None:
    names = [f"Event {number}" for number in range(MOST_NAMES)]
    with database.writing() as connection:
        add(connection, {MINE._replace(event=name): 1 for name in names})
    restarted = Database(database.engine.url.render_as_string(hide_password=False))
    count(restarted, MINE._replace(event="One more"))
    restarted.close()
    assert total(database, event=OTHER) == 1


def test_a_claim_that_was_lost_meanwhile_counts_nothing(database: Database) -> None:
    keep(database, *(received(name, at=NOW) for name in "ab"))
    outbox = Outbox(database)

    def lose_the_first() -> None:
        with database.writing() as connection:
            connection.exec_driver_sql("UPDATE deliveries SET claims = claims + 1 WHERE key = 'a'")

    Worker(outbox, ScriptedSink(meanwhile=lose_the_first), Policy(max_age=9.0), clock=lambda: NOW + 1).step()
    assert total(database, what="delivered") == 1


def test_latencies_are_counted_by_their_bound(database: Database) -> None:
    with database.writing() as connection:
        add_latencies(connection, "segment", [(NOW, 0.1), (NOW, 0.11), (NOW, 0.2), (NOW, 1e9), (NOW, -5.0)])
    with database.writing() as connection:
        add_latencies(connection, "segment", [(NOW, 0.3)])
    found = sorted((row["up_to"], row["count"], row["seconds"]) for row in rows(database, latencies))
    assert found == [
        (0.1, 2, pytest.approx(0.1)),
        (0.25, 2, pytest.approx(0.31)),
        (0.5, 1, pytest.approx(0.3)),
        (float("inf"), 1, 1e9),
    ]
    assert sorted(BOUNDS) == list(BOUNDS)


def test_what_an_operator_says_was_delivered_counts_then(database: Database) -> None:
    [event_id] = keep(database, received("a", at=NOW))
    sink = ScriptedSink(lambda _: Outcome(Happened.UNCERTAIN))
    Worker(Outbox(database), sink, Policy(max_age=9.0), clock=lambda: NOW + 1).step()
    assert (total(database, what="uncertain"), total(database, what="delivered")) == (1, 0)
    with database.writing() as connection:
        decide(connection, event_id, again=False, now=NOW + 400)
    assert total(database, what="delivered") == 1
