"""Lanes: a customer's deliveries are sent in order, and delay no other customer."""

import threading
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter

import pytest

from bridge.delivery import lanes
from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import attempts, deliveries
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.worker import Worker
from bridge.delivery.rules.retry import FORBIDDEN_PAUSE_SECONDS
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.messages import Status
from tests.delivery.arrivals import SINK, keep, keep_in, keep_together, received, rows, run_again
from tests.delivery.contender import LANES, ROUNDS
from tests.delivery.contenders import contend
from tests.delivery.lanes import (
    DELIVERED,
    FAILED,
    LEASE,
    NOW,
    POLICY,
    REJECTED,
    UNCERTAIN,
    UNKNOWN,
    UNTRIED,
    call,
    claim,
    drain,
    names,
    queue,
    settle,
    standing,
)
from tests.delivery.patience import until
from tests.delivery.sinks import ScriptedSink

THROTTLED = Outcome(Happened.THROTTLED, 429, retry_after=5.0)
FORBIDDEN = Outcome(Happened.FORBIDDEN, 401)


def test_only_the_first_of_a_lane_can_be_claimed(database: Database) -> None:
    queue(database, "anna", "a1", "a2", "a3")
    assert standing(database) == {"a1": "waiting", "a2": "queued", "a3": "queued"}
    assert names(claim(database)) == ["a1"]
    assert claim(database) == []


def test_what_comes_while_the_first_is_in_hand_waits_behind_it(database: Database) -> None:
    queue(database, "anna", "a1")
    claimed = claim(database)
    queue(database, "anna", "a2")
    assert claim(database) == []
    settle(database, claimed)
    assert names(claim(database)) == ["a2"]


def test_lanes_do_not_wait_for_each_other(database: Database) -> None:
    queue(database, "anna", "a1", "a2")
    queue(database, "boris", "b1", "b2")
    assert names(claim(database)) == ["a1", "b1"]


def test_deliveries_without_a_lane_wait_for_no_other(database: Database) -> None:
    keep(database, call(None, "1"), call(None, "2"), call(None, "3"))
    claims = claim(database)
    assert names(claims) == ["1", "2", "3"]
    settle(database, claims, FAILED)
    assert set(standing(database).values()) == {"waiting"}


def test_a_lane_is_one_sinks_own(database: Database) -> None:
    keep(database, call("anna", "ours"), call("anna", "other's", sink="other"))
    assert standing(database) == {"ours": "waiting", "other's": "waiting"}
    settle(database, claim(database))
    assert standing(database) == {"ours": "delivered", "other's": "waiting"}


@pytest.mark.parametrize("lane", ["", "a b", "Ånna-名前", "x" * 2_000, "'; --"], ids=["empty", *"abcd"])
def test_any_name_is_a_lane(database: Database, lane: str) -> None:
    queue(database, lane, "1", "2", "3")
    assert drain(database) == ["1", "2", "3"]


def test_the_first_of_one_transaction_waits_and_the_others_queue(database: Database) -> None:
    keep_together(database, call("anna", "a1"), call("boris", "b1"), call("anna", "a2"), call("boris", "b2"))
    assert standing(database) == {"a1": "waiting", "b1": "waiting", "a2": "queued", "b2": "queued"}


def test_more_lanes_and_keys_than_one_statement_or_the_table_of_locks_can_hold(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.delivery.database.rows.MOST_VALUES", 2)
    monkeypatch.setattr(lanes, "MANY", 2)
    people = ("anna", "boris", "cleo", "dora", "emil")
    queue(database, "cleo", "c1")
    with database.writing() as connection:
        keep_in(connection, [call(lane, f"{lane[0]}2") for lane in people])
        again = keep_in(connection, [call(lane, f"{lane[0]}2") for lane in people])
    assert {one.status for one in again} == {Status.DUPLICATE}
    assert standing(database) == {"c1": "waiting"} | {f"{lane[0]}2": "waiting" for lane in people} | {"c2": "queued"}


def test_a_transaction_that_enters_many_lanes_excludes_others_from_each(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "MANY", 2)
    entered = threading.Event()

    def enter(*names_of: str) -> None:
        with database.writing() as connection:
            lanes.enter(connection, {(SINK, name) for name in names_of})
            entered.set()

    with ThreadPoolExecutor(1) as pool:
        with database.writing() as connection:
            lanes.enter(connection, {(SINK, name) for name in ("anna", "boris", "cleo")})
            other = pool.submit(enter, "dora")
            assert not entered.wait(0.2)
        other.result(30)
    assert entered.is_set()


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        pytest.param(DELIVERED, "delivered", id="delivered"),
        pytest.param(REJECTED, "dead", id="dead"),
        pytest.param(UNCERTAIN, "uncertain", id="uncertain"),
    ],
)
def test_the_next_follows_when_the_first_is_settled_for_good(database: Database, outcome: Outcome, status: str) -> None:
    queue(database, "anna", "a1", "a2", "a3")
    settle(database, claim(database), outcome)
    assert standing(database) == {"a1": status, "a2": "waiting", "a3": "queued"}
    assert rows(database, deliveries)[1]["due_at"] == NOW
    assert names(claim(database)) == ["a2"]


@pytest.mark.parametrize(
    ("outcome", "wait"),
    [
        pytest.param(FAILED, 2.0, id="failed"),
        pytest.param(UNKNOWN, 2.0, id="unknown"),
        pytest.param(THROTTLED, 5.0, id="throttled"),
        pytest.param(FORBIDDEN, FORBIDDEN_PAUSE_SECONDS, id="forbidden"),
        pytest.param(UNTRIED, 0.0, id="untried"),
    ],
)
def test_a_retried_delivery_remains_first_in_its_lane(database: Database, outcome: Outcome, wait: float) -> None:
    queue(database, "anna", "a1", "a2")
    settle(database, claim(database), outcome)
    assert standing(database) == {"a1": "waiting", "a2": "queued"}
    if wait:
        assert claim(database, NOW + wait - 0.5) == []
    assert drain(database, NOW + wait) == ["a1", "a2"]


def test_one_customers_trouble_delays_no_other(database: Database) -> None:
    queue(database, "anna", "a1", "a2")
    queue(database, "boris", "b1", "b2")
    anna, boris = claim(database)
    settle(database, [anna], Outcome(Happened.FAILED, 403))
    settle(database, [boris])
    assert drain(database) == ["b2"]
    assert standing(database)["a2"] == "queued"


def test_a_lane_that_has_run_empty_is_free_again(database: Database) -> None:
    queue(database, "anna", "a1")
    assert drain(database) == ["a1"]
    queue(database, "anna", "a2")
    assert standing(database) == {"a1": "delivered", "a2": "waiting"}


def test_when_a_lease_ends_the_same_one_is_claimed_again_and_not_the_next(database: Database) -> None:
    queue(database, "anna", "a1", "a2")
    claim(database)
    assert names(claim(database, NOW + LEASE)) == ["a1"]


def test_a_lost_claim_advances_nothing(database: Database) -> None:
    queue(database, "anna", "a1", "a2", "a3")
    slept = claim(database)
    again = claim(database, NOW + LEASE)
    settle(database, slept)
    assert standing(database) == {"a1": "sending", "a2": "queued", "a3": "queued"}
    settle(database, again)
    assert standing(database) == {"a1": "delivered", "a2": "waiting", "a3": "queued"}
    # Its attempt is recorded nevertheless, once.
    assert [(row["claim"], row["outcome"]) for row in rows(database, attempts)] == [(1, "delivered")]


def test_who_slept_until_another_had_settled_it_advances_nothing(database: Database) -> None:
    queue(database, "anna", "a1", "a2", "a3")
    slept = claim(database)
    settle(database, claim(database, NOW + LEASE))
    settle(database, slept, REJECTED)
    assert standing(database) == {"a1": "delivered", "a2": "waiting", "a3": "queued"}


def test_a_batch_of_which_one_claim_was_lost_settles_the_others(database: Database) -> None:
    queue(database, "anna", "a1", "a2")
    slept = claim(database)
    claim(database, NOW + LEASE)
    queue(database, "boris", "b1", "b2")
    settle(database, [*slept, *claim(database, NOW + LEASE)], now=NOW + LEASE)
    assert standing(database) == {"a1": "sending", "a2": "queued", "b1": "delivered", "b2": "waiting"}


def test_a_hot_customer_costs_the_others_a_look_at_one(database: Database) -> None:
    keep_together(database, *(call("hot", f"h{number}", at=1_000.0) for number in range(500)))
    keep_together(database, *(call(f"calm-{number}", f"c{number}", at=1_001.0) for number in range(5)))
    assert names(claim(database, sink=ScriptedSink(max_count=6))) == ["h0", "c0", "c1", "c2", "c3", "c4"]


def test_the_next_of_a_lane_is_looked_for_at_once(database: Database) -> None:
    queue(database, "anna", "first", "second", "third")
    sink = ScriptedSink()
    worker = Worker(Outbox(database), sink, POLICY, clock=lambda: NOW)
    assert [worker.step() for _ in range(4)] == [True, True, True, False]
    assert sink.sent == [b"first", b"second", b"third"]


def test_a_repeat_of_a_call_takes_no_place(database: Database) -> None:
    kept = [keep_together(database, call("anna", "a1")) for _ in range(2)]
    assert [one.status for [one] in kept] == ["accepted", "duplicate"]
    assert len(rows(database, deliveries)) == 1
    assert rows(database, deliveries)[0]["sink"] == SINK


def test_a_replayed_dead_letter_takes_its_place_in_the_lane(database: Database) -> None:
    [first, *_] = queue(database, "anna", "a1", "a2", "a3")
    settle(database, claim(database), REJECTED)
    again(database, first, "a1")
    # The present first remains first, since it may be in progress. The oldest one follows.
    assert standing(database) == {"a1": "queued", "a2": "waiting", "a3": "queued"}
    assert drain(database) == ["a2", "a1", "a3"]


def test_a_dead_letter_that_is_replayed_into_an_empty_lane_is_due_at_once(database: Database) -> None:
    [first] = queue(database, "anna", "a1")
    settle(database, claim(database), REJECTED)
    again(database, first, "a1")
    queue(database, "anna", "a2")
    assert standing(database) == {"a1": "waiting", "a2": "queued"}
    assert drain(database) == ["a1", "a2"]


def test_what_is_replayed_into_a_lane_for_the_first_time_queues_behind_the_others(database: Database) -> None:
    [event_id] = keep(database, received(None, status=Status.QUARANTINED))
    queue(database, "anna", "a1", "a2")
    again(database, event_id, "replayed")
    assert drain(database) == ["a1", "a2", "replayed"]


# By several at once


def test_threads_that_add_and_deliver_at_once_never_stick_and_keep_the_order(database: Database) -> None:
    outbox, sink = Outbox(database), ScriptedSink(max_count=3)
    done = threading.Event()

    def add(lane: str) -> None:
        for number in range(25):
            keep(database, call(lane, f"{lane} {number:02}", mergeable=number % 4 > 1))

    def deliver() -> None:
        while not done.is_set():
            claims = outbox.claim(sink, NOW, 10_000.0)
            sink.send([one.parcel for one in claims])
            if claims:
                settle(database, claims)

    with ThreadPoolExecutor(7) as pool:
        workers = [pool.submit(deliver) for _ in range(3)]
        try:
            for adding in [pool.submit(add, lane) for lane in ("anna", "boris", "carla", "dora")]:
                adding.result(timeout=60)
            until(lambda: set(standing(database).values()) == {"delivered"})
        finally:
            done.set()
        for worker in workers:
            worker.result(timeout=60)
    sent = [one.decode() for parcel in sink.parcels for one in (parcel.payload, *parcel.followers)]
    assert len(sent) == 100
    for lane in ("anna", "boris", "carla", "dora"):
        assert [name for name in sent if name.startswith(lane)] == [f"{lane} {number:02}" for number in range(25)]


def test_processes_that_add_and_deliver_at_once_never_stick_and_keep_the_order(
    database: Database, database_url: str
) -> None:
    assert contend("lanes", database_url, processes=2) == [0, 0]
    assert set(standing(database).values()) == {"delivered"}
    assert {row["claims"] > 0 for row in rows(database, deliveries)} == {True}
    order: dict[str, list[tuple[float, int]]] = {}
    settled = rows(database, deliveries)
    assert len(settled) == 2 * LANES * ROUNDS
    for row in settled:
        order.setdefault(row["lane"], []).append((row["settled_at"], row["id"]))
    for tries in order.values():
        assert sorted(tries) == sorted(tries, key=itemgetter(1)), "whatever came later was sent later"


def again(database: Database, event_id: str, name: str) -> None:
    """Replay the event, with the call of that name as its translation."""
    run_again(database, event_id, call("anna", name).arrival, NOW)
