"""Data of an older schema works after each migration."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import pack
from bridge.delivery.database.tables import deliveries, messages
from bridge.delivery.outbox.outbox import Outbox
from bridge.delivery.outbox.settling import Settlement
from bridge.delivery.rules.retry import Decision, Fate
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.messages import QUEUES, RAW_EVENTS
from bridge.operations.bulk_replay import BulkReplayer, State, one
from bridge.operations.history import Filter, entries, story
from bridge.operations.replay import ask, outcome
from tests.delivery.arrivals import rows
from tests.delivery.lanes import names
from tests.delivery.pending import arrive, called, drain, redeemed, tracked
from tests.delivery.sinks import ScriptedSink

EVENT = (
    "INSERT INTO events (id, door, direction, status, event, reason, customer, received_at, body) VALUES "
    "('01KA3GTTB7AVXGHDJ3HXY4QRJ1', 'webhooks/voucherify', 'to_segment', 'accepted', 'Customer Rewarded', '', 'anna', "
    "1.0, :body)"
)
DELIVERY = (
    "INSERT INTO deliveries (id, event_id, sink, key, mergeable, status, due_at, created_at, size, payload) VALUES "
    "(1, '01KA3GTTB7AVXGHDJ3HXY4QRJ1', 'segment', 'a', false, 'dead', 1.0, 1.0, 1, :body)"
)
ATTEMPT = (
    "INSERT INTO attempts (delivery_id, claim, at, seconds, outcome, code, detail) VALUES "
    "(1, {}, 1.0, 1.0, '{}', {}, '')"
)


def upgrade(database: Database, to: str, *statements: tuple[str, dict[str, Any]]) -> None:
    config = Config()
    config.set_main_option("script_location", "bridge.delivery.database:migrations")
    config.set_main_option("path_separator", "os")
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        for statement, values in statements:
            connection.execute(text(statement), values)


def test_failures_from_before_there_were_causes_have_one(database_url: str) -> None:
    database = Database(database_url)
    attempts: list[tuple[str, dict[str, Any]]] = [
        (ATTEMPT.format(*one), {}) for one in ((1, "failed", 503), (2, "rejected", 400))
    ]
    upgrade(database, "0001", (EVENT, {"body": pack(b"")}), (DELIVERY, {"body": b""}), *attempts)
    database.migrate()
    with database.reading() as connection:
        [entry] = entries(connection, Filter(error="Rejected 400"), 10)
        assert (entry.status, entry.reason) == ("dead", "rejected 400")
        assert connection.execute(text("SELECT event FROM deliveries")).scalar() == "Customer Rewarded"
    database.close()


# 0005: the inbox

NOW = 2_000.0


class Before:
    """Rows of revision 0004."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, dict[str, Any]]] = []
        self.ids: dict[str, str] = {}
        self._deliveries = 0

    def event(
        self, name: str, status: str = "accepted", *, body: bytes = b"{}", door: str = "webhooks/voucherify"
    ) -> str:
        event_id = f"01KA3GTTB7AVXGHDJ3HX{len(self.ids):06}"
        self.ids[name] = event_id
        direction = "to_segment" if door == "webhooks/voucherify" else "to_voucherify"
        self._insert(
            "events",
            id=event_id,
            door=door,
            direction=direction,
            status=status,
            event=name,
            reason="" if status == "accepted" else "a reason",
            customer="anna",
            received_at=1_000.0,
            body=pack(body),
        )
        return event_id

    def delivery(self, name: str, status: str, *claims: str, **columns: Any) -> None:
        """Return a delivery of its own event, with one attempt per claim.

        An attempt without an outcome is "".
        """
        event_id = self.event(name, body=name.encode())
        self._deliveries += 1
        settled = 1_500.0 if status in ("delivered", "dead", "uncertain", "discarded") else None
        row = {"sink": "segment", "key": name, "mergeable": False, "due_at": 1_000.0, "created_at": 1_000.0, "size": 9}
        self._insert(
            "deliveries",
            id=self._deliveries,
            event_id=event_id,
            event=name,
            status=status,
            claims=len(claims),
            settled_at=settled,
            payload=pack(name.encode()),
            **{**row, **columns},
        )
        for number, happened in enumerate(claims, 1):
            if happened:
                attempt = {"at": 1_400.0, "seconds": 0.5, "outcome": happened, "code": 200, "detail": "said"}
                self._insert("attempts", delivery_id=self._deliveries, claim=number, **attempt)

    def bulk_replay(self, **columns: Any) -> None:
        self._insert("bulk_replays", **columns)

    def _insert(self, table: str, **columns: Any) -> None:
        marks = ", ".join(f":{name}" for name in columns)
        self.statements.append((f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", columns))


@pytest.fixture
def upgraded(database_url: str, open_database: Callable[[str], Database]) -> Callable[[Before], Database]:
    def run(before: Before) -> Database:
        database = open_database(database_url)
        upgrade(database, "0004", *before.statements)
        database.migrate()
        return database

    return run


def claimed(database: Database, now: float = NOW) -> list[str]:
    return sorted(names(Outbox(database).claim(ScriptedSink(), now, 40.0)))


def test_each_delivery_has_the_same_status(upgraded: Callable[[Before], Database]) -> None:
    before = Before()
    for status in ("delivered", "dead", "uncertain", "discarded"):
        before.delivery(status, status, "failed", "delivered")
    before.delivery("fresh", "waiting")
    before.delivery("retry", "waiting", "failed", due_at=NOW + 50)
    before.delivery("unsent", "waiting", "", due_at=NOW + 10)
    before.delivery("in doubt", "waiting", "unknown", "", due_at=NOW + 20, doubt_since=1_990.0)
    before.delivery("first", "waiting", "", lane="anna", due_at=NOW + 10)
    before.delivery("second", "queued", lane="anna")
    database = upgraded(before)
    found = {row["key"]: row for row in rows(database, deliveries)}
    assert {key: row["status"] for key, row in found.items()} == {
        "delivered": "delivered",
        "dead": "dead",
        "uncertain": "uncertain",
        "discarded": "discarded",
        "fresh": "waiting",
        "retry": "waiting",
        "unsent": "sending",
        "in doubt": "sending",
        "first": "sending",
        "second": "queued",
    }
    # Another worker claims it when its lease ends, and it is in doubt as before.
    assert claimed(database) == ["fresh"]
    assert claimed(database, NOW + 15) == ["first", "unsent"]
    [again] = Outbox(database).claim(ScriptedSink(), NOW + 25, 40.0)
    assert (again.parcel.payload, again.parcel.in_doubt_since, again.number) == (b"in doubt", 1_990.0, 3)
    assert claimed(database, NOW + 51) == ["fresh", "retry"]


def test_an_event_is_shown_as_before(upgraded: Callable[[Before], Database]) -> None:
    before = Before()
    before.delivery("delivered", "delivered", "failed", "delivered")
    database = upgraded(before)
    with database.reading() as connection:
        told = story(connection, before.ids["delivered"])
    assert told.body == b"delivered"
    assert [one.outcome for one in told.deliveries[0].attempts] == ["failed", "delivered"]


def again(database: Database, event_id: str) -> str | None:
    with database.writing() as connection:
        audit_id = ask(connection, event_id, "Ada", NOW)
    for queue in QUEUES:
        drain(database, queue)
    with database.reading() as connection:
        return outcome(connection, audit_id)


def test_events_are_replayed_by_their_queue(upgraded: Callable[[Before], Database]) -> None:
    before = Before()
    before.event("webhook", "quarantined", body=redeemed().body)
    before.event("call", "quarantined", body=called("anna").body, door="segmentio/event-processing")
    before.event("nothing", "ignored", body=b"{}")
    # An older bridge stored the events of a batch one by one, completed.
    alone = json.dumps(tracked("cara")).encode()
    before.event("of a batch", "quarantined", body=alone, door="v1/batch")
    before.event("of an array", "quarantined", body=json.dumps(tracked("ben")).encode(), door="webhooks/segment")
    database = upgraded(before)
    became = {name: again(database, event_id) for name, event_id in before.ids.items()}
    assert became == {
        "webhook": "to be sent",
        "call": "to be sent",
        "nothing": "quarantined",
        "of a batch": "to be sent",
        "of an array": "to be sent",
    }
    assert {row["id"]: row["queue"] for row in rows(database, messages)}[before.ids["of a batch"]] == RAW_EVENTS
    with database.reading() as connection:
        assert story(connection, before.ids["of a batch"]).entry.status == "waiting"


def test_what_came_before_and_comes_again_is_a_duplicate(upgraded: Callable[[Before], Database]) -> None:
    before = Before()
    before.event("webhook", "quarantined", body=redeemed().body)
    database = upgraded(before)
    again(database, before.ids["webhook"])
    [[kept]] = arrive(database, redeemed())
    assert (kept.status, kept.id) == ("duplicate", before.ids["webhook"])


def test_a_running_bulk_replay_continues_where_it_was(upgraded: Callable[[Before], Database]) -> None:
    before = Before()
    ids = [before.event(f"{number}", "quarantined", body=redeemed(f"{number}").body) for number in range(4)]
    before.bulk_replay(
        id="BULK",
        who="Ada",
        at=1_000.0,
        wanted='{"status": "quarantined"}',
        total=4,
        state="running",
        mark=ids[1],
        up_to=ids[3],
        done=2,
        became='{"quarantined": 2}',
        claims=1,
        leased_until=NOW + 60,
    )
    database = upgraded(before)
    replayer = BulkReplayer(database, lambda: NOW)
    while replayer.step():
        drain(database, "webhooks")
    with database.reading() as connection:
        found = one(connection, "BULK")
    assert (found.state, found.done, found.became) == (State.DONE, 4, {"quarantined": 2, "to be sent": 2})
    assert sorted(row["event_id"] for row in rows(database, deliveries)) == ids[2:]


def test_a_merged_run_continues_as_it_was(upgraded: Callable[[Before], Database]) -> None:
    before = Before()
    lane = {"sink": "voucherify", "lane": "v-anna", "mergeable": True}
    before.delivery("merged", "waiting", "failed", run_end=2, **lane)
    before.delivery("follower", "queued", **lane)
    before.delivery("alone", "waiting", "rejected", run_end=3, **{**lane, "lane": "v-bert"})
    found = {row["event"]: (row["merged_through"], row["never_merge"]) for row in rows(upgraded(before), deliveries)}
    assert found == {"merged": (2, False), "follower": (None, False), "alone": (None, True)}


# 0006: outages

PAGE = "<html>Bad Gateway</html>" * 100

SETTLE_AS_BEFORE = (
    "UPDATE deliveries SET status = 'waiting', lease_expires_at = NULL, due_at = 3000.0, attempts = 3 WHERE id = 1"
)
"""A process of the version before settles, and names only the columns that it knows."""


def test_attempts_with_their_responses_are_shown_as_before(upgraded: Callable[[Before], Database]) -> None:
    before = Before()
    before.delivery("retry", "waiting", *["failed"] * 9)
    before.statements.append(("UPDATE attempts SET detail = :page", {"page": PAGE}))
    database = upgraded(before)
    with database.reading() as connection:
        [delivery] = story(connection, before.ids["retry"]).deliveries
    assert [one.detail for one in delivery.attempts] == [PAGE] * 9
    assert delivery.attempts_between == 0


def test_old_and_new_processes_settle_in_turn(upgraded: Callable[[Before], Database]) -> None:
    before = Before()
    before.delivery("retry", "waiting", "failed")
    database = upgraded(before)
    outbox = Outbox(database)
    [claim] = outbox.claim(ScriptedSink(), NOW, 40.0)
    down = Settlement(claim, Outcome(Happened.FAILED, 503, PAGE), Decision(Fate.WAITING, NOW + 9, 2, held_up=True))
    outbox.settle("segment", [down], NOW, NOW)
    assert claimed(database, NOW + 10) == ["retry"]
    with database.writing() as connection:
        connection.execute(text(SETTLE_AS_BEFORE))
        connection.execute(text(ATTEMPT.format(3, "failed", 503)))
    assert claimed(database, 2_999.0) == []
    assert claimed(database, 3_000.0) == ["retry"]
    with database.reading() as connection:
        [delivery] = story(connection, before.ids["retry"]).deliveries
    assert [one.detail for one in delivery.attempts] == ["said", PAGE, ""]
