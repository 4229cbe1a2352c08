"""The smallest delivery that was accepted lately."""

from typing import Any

import pytest
from sqlalchemy import update

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import deliveries
from bridge.delivery.outbox import samples
from bridge.delivery.outbox.samples import smallest_delivered
from tests.delivery.arrivals import SINK, keep, received

NOW, DAY = 2_000_000.0, 86_400.0


def sample(database: Database, sink: str = SINK) -> bytes | None:
    return smallest_delivered(database, sink, DAY, clock=lambda: NOW)


def settled(database: Database, name: str, payload: bytes, **values: Any) -> None:
    # Each a moment later than the last: ids of one millisecond are in no order.
    [event_id] = keep(database, received(name, at=NOW - DAY + len(payload), payload=payload))
    with database.writing() as connection:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.event_id == event_id)
            .values({"status": "delivered", "settled_at": NOW - 60} | values)
        )


def test_the_smallest_of_the_latest_deliveries_is_chosen(database: Database) -> None:
    settled(database, "large", b"x" * 50)
    settled(database, "small", b"small")
    settled(database, "old", b"old", settled_at=NOW - DAY - 1)
    settled(database, "dead", b"d", status="dead")
    settled(database, "waiting", b"w", status="waiting", settled_at=None)
    assert sample(database) == b"small"
    assert sample(database, "another") is None


def test_only_the_latest_are_looked_at(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "LATEST", 2)
    for name, payload in (("first", b"1"), ("second", b"22"), ("third", b"333")):
        settled(database, name, payload)
    assert sample(database) == b"22"


def test_without_a_database_it_is_not_known(tmp_path: Any) -> None:
    assert sample(Database(f"sqlite:///{tmp_path}/nowhere/bridge.db")) is None
