"""The statements that erase a customer: they leave nothing of that customer, and all of the others."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text

from bridge.delivery.database.engine import Database
from bridge.delivery.database.packing import unpack
from bridge.delivery.database.tables import attempts, deliveries, events, messages, repeats
from bridge.demo.samples import webhook
from bridge.signature import HEADER, sign
from bridge.to_segment.catalogue import EVENTS
from bridge.web import create_app
from tests.docs.documents import blocks, page
from tests.translating import translate

ERASED, OTHER = b"ada-1815", b"grace-1906"


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> Iterator[Flask]:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "SEGMENT_WRITE_KEY": "write-key",
        "VOUCHERIFY_WEBHOOK_SECRET": "secret",
        "VOUCHERIFY_APP_ID": "app-id",
        "VOUCHERIFY_SECRET_KEY": "secret-key",
        "BRIDGE_WRITE_KEYS": "a-write-key",
        "BRIDGE_DATABASE_URL": database_url,
        "BRIDGE_WORKER": "external",
    }.items():
        monkeypatch.setenv(name, value)
    app = create_app()
    yield app
    app.extensions["bridge"].close()


def fill(app: Flask) -> None:
    """Store webhooks of two customers, the first of them twice, and a batch of both."""
    client = app.test_client()
    for number, customer in enumerate((ERASED, ERASED, OTHER)):
        body = webhook(EVENTS[0], str(number)).replace(ERASED, customer)
        for _ in range(2 if number == 0 else 1):
            headers = {HEADER: sign(body, "secret"), "Content-Type": "application/json"}
            assert client.post("/webhooks/voucherify", data=body, headers=headers).status_code == 202
    batch = {"batch": [{"type": "track", "event": "Seen", "userId": one.decode()} for one in (ERASED, OTHER)]}
    assert client.post("/v1/batch", json=batch, auth=("a-write-key", "")).status_code == 200
    translate(app.extensions["bridge"])


def test_nothing_is_left_of_the_customer(app: Flask) -> None:
    fill(app)
    database: Database = app.extensions["bridge"].database
    with database.writing() as connection:
        ids = connection.execute(select(deliveries.c.id)).scalars().all()
        row = {"claim": 1, "at": 1.0, "seconds": 1.0, "outcome": "failed", "detail": ""}
        connection.execute(attempts.insert(), [{"delivery_id": one, **row} for one in ids])
    [statements] = blocks(page("operations"), "sql")
    with database.writing() as connection:
        for statement in statements.split(";"):
            if statement.strip():
                connection.execute(text(statement))
    with database.reading() as connection:
        assert set(connection.execute(select(events.c.customer)).scalars()) == {OTHER.decode()}
        payloads = [unpack(one) for one in connection.execute(select(deliveries.c.payload)).scalars()]
        assert len(payloads) == 2
        assert not any(ERASED in one for one in payloads)
        assert len(connection.execute(select(attempts)).all()) == 2
        assert connection.execute(select(repeats)).all() == []
        bodies = [unpack(one) for one in connection.execute(select(messages.c.body)).scalars()]
        # The batch stays with the event of the other customer.
        assert sorted(ERASED in one for one in bodies) == [False, True]
        assert all(OTHER in one for one in bodies)
