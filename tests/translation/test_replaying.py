"""Replay with today's code: only what was not delivered is sent."""

from typing import Any

import pytest

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import deliveries, events
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.worker import Worker
from bridge.delivery.rules.retry import Policy
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.messages import WEBHOOKS, Arrival, Identity, Outgoing, Status
from bridge.operations.replay import ask, decide, outcome
from bridge.translation.deciding import CONTRADICTION
from bridge.translation.replaying import GONE, TO_BE_SENT
from tests.delivery import pending
from tests.delivery.arrivals import SINK, count, keep, keep_together, packed, received, rows, run_again
from tests.delivery.lanes import call, claim, drain, settle, standing
from tests.delivery.sinks import DELIVERED, ScriptedSink
from tests.webhooks import encode, redemption, webhook

NOW = 1_900_000_000.0
IDENTITY = Identity(b"i" * 32, b"d" * 32)


def accepted(*keys: str, identity: Identity | None = None, payload: bytes = b"today's") -> Arrival:
    outgoing = tuple(Outgoing(SINK, key, payload) for key in keys)
    return Arrival(Status.ACCEPTED, "Customer Rewarded", "", "anna-1", identity, outgoing)


def again(database: Database, event_id: str, arrival: Arrival) -> str:
    return run_again(database, event_id, arrival, NOW)


def deliver(database: Database, outcome: Outcome = DELIVERED) -> list[bytes]:
    sink = ScriptedSink(lambda _: outcome)
    Worker(Outbox(database), sink, Policy(max_age=86_400.0), clock=lambda: NOW + 1).step()
    return sink.sent


def test_what_was_quarantined_is_delivered_once_the_code_understands_it(database: Database) -> None:
    [event_id] = keep(database, received(None, status=Status.QUARANTINED))
    assert again(database, event_id, accepted("key", identity=IDENTITY)) == TO_BE_SENT
    [event] = rows(database, events)
    assert (event["status"], event["reason"], event["customer"]) == ("accepted", "", "anna-1")
    assert deliver(database) == [b"today's"]


def test_what_was_replayed_is_a_duplicate_when_it_comes_again(database: Database) -> None:
    [event_id] = keep(database, received(None, status=Status.QUARANTINED))
    again(database, event_id, accepted("key", identity=IDENTITY))
    [kept] = keep_together(database, packed(b"", accepted("key", identity=IDENTITY), NOW))
    assert (kept.id, kept.status) == (event_id, Status.DUPLICATE)


def test_replaying_twice_is_harmless(database: Database) -> None:
    [event_id] = keep(database, received("key"))
    assert [again(database, event_id, accepted("key")) for _ in range(2)] == ["waiting"] * 2
    assert count(database, deliveries) == 1
    deliver(database)
    assert again(database, event_id, accepted("key")) == "delivered"
    assert rows(database, deliveries)[0]["status"] == "delivered"
    assert deliver(database) == []


def test_a_dead_letter_is_delivered_as_todays_code_would(database: Database) -> None:
    [event_id] = keep(database, received("key"))
    deliver(database, Outcome(Happened.REJECTED, 400))
    assert again(database, event_id, accepted("key")) == TO_BE_SENT
    [delivery] = rows(database, deliveries)
    assert (delivery["status"], delivery["attempts"], delivery["settled_at"]) == ("waiting", 0, None)
    assert (delivery["due_at"], delivery["created_at"]) == (NOW, NOW)
    assert deliver(database) == [b"today's"]


def test_a_second_life_does_not_let_an_old_claim_settle(database: Database) -> None:
    [event_id] = keep(database, received("key"))
    deliver(database, Outcome(Happened.REJECTED, 400))
    again(database, event_id, accepted("key"))
    assert rows(database, deliveries)[0]["claims"] == 1
    deliver(database)
    assert rows(database, deliveries)[0]["claims"] == 2


def test_what_another_event_delivers_already_is_ignored(database: Database) -> None:
    [first, second] = keep(database, received("key"), received(None, status=Status.QUARANTINED))
    assert again(database, second, accepted("key")) == Status.IGNORED
    assert rows(database, events)[1]["reason"] == f"the same as {first}"
    assert count(database, deliveries) == 1


def test_of_several_deliveries_only_the_missing_one_is_made(database: Database) -> None:
    [_, second] = keep(database, received("one", "a"), received(None, status=Status.QUARANTINED))
    assert again(database, second, accepted("a", "b")) == TO_BE_SENT
    assert sorted(row["key"] for row in rows(database, deliveries)) == ["a", "b"]


def test_what_contradicts_an_earlier_event_stays_quarantined(database: Database) -> None:
    [first, second] = keep(database, received("call"), received("call", content="other"))
    contradiction = received("call", content="other").arrival
    assert again(database, second, contradiction) == Status.QUARANTINED
    assert rows(database, events)[1]["reason"] == f"{CONTRADICTION}, as {first}"
    assert count(database, deliveries) == 1


def test_what_is_still_unusable_stays_quarantined_with_todays_reason(database: Database) -> None:
    [event_id] = keep(database, received("call", status=Status.QUARANTINED))
    assert again(database, event_id, Arrival(Status.QUARANTINED, "", "today's reason")) == Status.QUARANTINED
    assert rows(database, events)[0]["reason"] == "today's reason"


def test_what_is_not_there_cannot_be_replayed(database: Database) -> None:
    assert again(database, "NOTHING", accepted("key")) == GONE


@pytest.mark.parametrize(
    ("message", "status", "became"),
    [
        (webhook("redemption.succeeded", redemption()), "accepted", "waiting"),
        (webhook("redemption.succeeded", redemption(order="text")), "quarantined", "quarantined"),
        (webhook("something.new", {}), "ignored", "ignored"),
    ],
    ids=["accepted", "quarantined", "ignored"],
)
def test_a_webhook_replayed_is_what_it_was(
    database: Database, message: dict[str, Any], status: str, became: str
) -> None:
    [[kept]] = pending.arrive(database, pending.message(encode(message), at=NOW))
    before = rows(database, events), rows(database, deliveries)
    assert kept.status == status
    with database.writing() as connection:
        audit_id = ask(connection, kept.id, "Ada", NOW + 5)
    pending.drain(database, WEBHOOKS)
    with database.reading() as connection:
        assert outcome(connection, audit_id) == became
    assert (rows(database, events), rows(database, deliveries)) == before


# What is uncertain


def settle_all(database: Database, outcome: Outcome, *lanes_of: str) -> list[str]:
    """Add calls of these lanes in order, and settle the first of each lane."""
    ids = keep(database, *(call(lane, f"{lane}{number}") for number, lane in enumerate(lanes_of)))
    settle(database, claim(database), outcome)
    return ids


def say(database: Database, event_id: str, *, again: bool, now: float = NOW) -> int:
    with database.writing() as connection:
        return decide(connection, event_id, again=again, now=now)


UNCERTAIN = Outcome(Happened.UNCERTAIN, detail="in doubt")


def test_an_operator_decides_that_it_was_delivered(database: Database) -> None:
    [event_id] = settle_all(database, UNCERTAIN, "anna")
    assert standing(database) == {"anna0": "uncertain"}
    assert say(database, event_id, again=False) == 1
    [delivery] = rows(database, deliveries)
    assert (delivery["status"], delivery["settled_at"]) == ("delivered", NOW)
    assert claim(database, NOW) == []


def test_an_operator_decides_that_it_is_sent_again_without_a_look_up(database: Database) -> None:
    [event_id] = settle_all(database, UNCERTAIN, "anna")
    assert say(database, event_id, again=True) == 1
    [delivery] = rows(database, deliveries)
    assert (delivery["status"], delivery["settled_at"], delivery["due_at"]) == ("waiting", None, NOW)
    [claimed] = claim(database, NOW)
    assert (claimed.parcel.in_doubt_since, claimed.tried.created_at, claimed.number) == (None, NOW, 2)
    settle(database, [claimed], now=NOW)
    assert standing(database) == {"anna0": "delivered"}


def test_what_is_sent_again_waits_for_its_turn_in_the_lane(database: Database) -> None:
    [event_id, *_] = settle_all(database, UNCERTAIN, "anna", "anna", "anna")
    in_hand = claim(database)
    say(database, event_id, again=True)
    assert standing(database) == {"anna0": "queued", "anna1": "sending", "anna2": "queued"}
    settle(database, in_hand)
    assert drain(database, NOW) == ["anna0", "anna2"]


def test_a_decided_delivery_changes_no_other_in_its_lane(database: Database) -> None:
    [event_id, *_] = settle_all(database, UNCERTAIN, "anna", "anna", "anna")
    say(database, event_id, again=False)
    assert standing(database) == {"anna0": "delivered", "anna1": "waiting", "anna2": "queued"}


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize(
    ("outcome", "status"),
    [(DELIVERED, "delivered"), (Outcome(Happened.REJECTED), "dead"), (Outcome(Happened.FAILED), "waiting")],
)
def test_only_what_is_uncertain_can_be_decided(
    *, database: Database, outcome: Outcome, status: str, again: bool
) -> None:
    [event_id] = settle_all(database, outcome, "anna")
    assert say(database, event_id, again=again) == 0
    assert standing(database) == {"anna0": status}


def test_deciding_twice_is_harmless(database: Database) -> None:
    [event_id] = settle_all(database, UNCERTAIN, "anna")
    assert [say(database, event_id, again=True) for _ in range(2)] == [1, 0]
    settle(database, claim(database, NOW), now=NOW)
    assert say(database, event_id, again=True) == 0
    assert standing(database) == {"anna0": "delivered"}


def test_of_an_event_that_is_not_there_nothing_is_uncertain(database: Database) -> None:
    assert say(database, "NOTHING", again=True) == 0


def test_replaying_leaves_what_is_uncertain_to_the_operator(database: Database) -> None:
    [event_id] = settle_all(database, UNCERTAIN, "anna")
    assert again(database, event_id, call("anna", "anna0").arrival) == "uncertain"
    assert standing(database) == {"anna0": "uncertain"}
    assert claim(database, NOW) == []
