"""A third sink, added as docs/adding.md says.

It needs a module, a row in each table, and one event that is delivered to it. The modules are written into a temporary
package. They replace the place that each names first.
"""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask

from bridge import bootstrap, directions, doors, messages, web
from bridge.operations.desk import pausable
from bridge.translation import meaning
from bridge.web import create_app
from bridge.web.console.view import wording
from tests.delivery.patience import until
from tests.test_settings import TO_SEGMENT

TOKEN = "a-token-of-the-console"
ASKED = {"Authorization": f"Bearer {TOKEN}"}

PACKAGE = {
    "sink.py": '''
"""bridge/sinks/warehouse.py: what is sent, and what happened."""

from bridge.delivery.rules.sink import Happened, Outcome

shelf = []


class WarehouseSink:
    name, knows_repeats, max_count, max_bytes, patience = "warehouse", True, 10, 1_000_000, 5.0

    def __init__(self, key):
        self._key = key

    def send(self, parcels):
        shelf.extend((self._key, parcel.payload) for parcel in parcels)
        return [Outcome(Happened.DELIVERED, 200) for _ in parcels]
''',
    "rows.py": '''
"""bridge/directions.py, bridge/messages.py (a queue), bridge/doors.py: a row each."""

from bridge.directions import Direction
from bridge.doors import Door

TO_WAREHOUSE, ORDERS, PATH, STEM = "to_warehouse", "orders", "webhooks/shop", "shop_webhooks"
DIRECTION = Direction(
    TO_WAREHOUSE,
    "Shop → Warehouse",
    sink="warehouse",
    service="Warehouse",
    needed={"WAREHOUSE_KEY": "the key of the warehouse"},
    sender_check="is SHOP_SECRET the shop's secret?",
    keys_check="WAREHOUSE_KEY",
)
DOOR = Door(TO_WAREHOUSE, ORDERS, STEM)
''',
    "settings.py": '''
"""bridge/settings.py: a class, a field of Settings, a row of READERS."""

from dataclasses import dataclass

from bridge.settings import Settings


@dataclass(frozen=True, slots=True)
class ToWarehouse:
    key: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreSettings(Settings):
    to_warehouse: ToWarehouse | None = None
''',
    "translation.py": '''
"""bridge/to_warehouse/: pure; bridge/translation/meaning.py: a row of TRANSLATIONS."""

from bridge.directions import DIRECTIONS
from bridge.messages import Arrival, Outgoing, Status

from warehouse.rows import TO_WAREHOUSE


def translate(source):
    outgoing = Outgoing(DIRECTIONS[TO_WAREHOUSE].sink, f"order-{source.event_id}", source.value.upper())
    return Arrival(Status.ACCEPTED, "Order Packed", customer="anna-1", outgoing=(outgoing,))
''',
    "door.py": '''
"""bridge/intake/shop_webhooks.py, bridge/web/doors/shop_webhooks.py."""

from flask import Blueprint, request

from bridge.errors import SignatureError
from bridge.intake import Received
from bridge.web.doors.body import json_body
from bridge.web.doors.waiting import answer
from bridge.web.request_log import request_id

from warehouse.rows import PATH, STEM


class ShopWebhooks:
    def __init__(self, secret, receiver):
        self._secret, self._receiver = secret, receiver

    def take(self, body, secret, request_id):
        if secret != self._secret:
            raise SignatureError("the secret is wrong")
        return Received(self._receiver.store(PATH, body, secret, request_id))


def blueprint(webhooks, waiting):
    door = Blueprint(STEM, __name__)
    take = lambda: answer(webhooks.take(json_body(), request.headers.get("X-Secret"), request_id()), waiting)
    door.post(f"/{PATH}", endpoint="take")(take)
    return door
''',
    "side.py": '''
"""bridge/bootstrap.py: a builder in SIDES."""

from bridge.bootstrap import Side

from warehouse.door import ShopWebhooks
from warehouse.rows import STEM
from warehouse.sink import WarehouseSink


def build(parts):
    settings = parts.settings.to_warehouse
    if settings is None:
        return None
    return Side({STEM: ShopWebhooks(settings.secret, parts.receiver)}, WarehouseSink(settings.key), "warehouse.example")
''',
}


def load(name: str) -> ModuleType:
    return importlib.import_module(f"warehouse.{name}")


@pytest.fixture
def addition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write the package, and add its rows to the tables of the bridge."""
    folder = tmp_path / "package" / "warehouse"
    folder.mkdir(parents=True)
    for name, content in {"__init__.py": "", **PACKAGE}.items():
        (folder / name).write_text(content)
    monkeypatch.syspath_prepend(folder.parent)
    for name in [name for name in sys.modules if name.partition(".")[0] == "warehouse"]:
        monkeypatch.delitem(sys.modules, name)  # another test's
    rows = load("rows")
    monkeypatch.setitem(directions.DIRECTIONS, rows.TO_WAREHOUSE, rows.DIRECTION)
    monkeypatch.setitem(messages.QUEUES, rows.ORDERS, False)  # noqa: FBT003 - as QUEUES says: in no strict order
    monkeypatch.setitem(doors.DOORS, rows.PATH, rows.DOOR)
    monkeypatch.setitem(meaning.TRANSLATIONS, rows.ORDERS, load("translation").translate)
    monkeypatch.setitem(bootstrap.SIDES, rows.TO_WAREHOUSE, load("side").build)
    monkeypatch.setitem(web.BLUEPRINTS, rows.STEM, load("door").blueprint)
    return load("settings")


@pytest.fixture
def app(addition: Any, sqlite_url: str) -> Iterator[Flask]:
    settings = addition.MoreSettings(
        to_segment=TO_SEGMENT,
        to_voucherify=None,
        to_warehouse=addition.ToWarehouse("the-key", "the-secret"),
        voucherify_url="http://127.0.0.1:9",
        database_url=sqlite_url,
        embedded_worker=True,
        max_body_bytes=10_000,
        max_age=86_400.0,
        admin_token=TOKEN,
    )
    app = create_app(settings)
    yield app
    app.extensions["bridge"].close()


def delivery(app: Flask, event_id: str) -> Any:
    return app.test_client().get(f"/console/api/events/{event_id}", headers=ASKED).get_json()["deliveries"][0]


def test_an_event_reaches_the_third_sink_by_the_real_worker(app: Flask) -> None:
    headers = {"X-Secret": "the-secret", "Prefer": "wait=10"}
    answer = app.test_client().post("/webhooks/shop", json={"order": 1}, headers=headers).get_json()
    assert answer == {"status": "accepted", "id": answer["id"], "event": "Order Packed", "reason": None}
    shelf = load("sink").shelf
    until(lambda: shelf)
    [(key, payload)] = shelf
    assert (key, payload.replace(b" ", b"")) == ("the-key", b'{"ORDER":1}')

    until(lambda: delivery(app, answer["id"])["status"] == "delivered")
    assert delivery(app, answer["id"])["sink"] == "warehouse"


def test_console_metrics_and_desk_know_the_third_direction(app: Flask) -> None:
    client = app.test_client()
    assert client.post("/webhooks/shop", json={}, headers={"X-Secret": "wrong"}).status_code == 401
    assert app.extensions["bridge"].refusals.take() == {"to_warehouse": 1}
    assert 'bridge_signature_failures_total{direction="to_warehouse"}' in client.get("/metrics").text
    assert pausable() == ("segment", "voucherify", "warehouse", "translation")

    overview = client.get("/console/api/overview", headers=ASKED).get_json()
    assert [flow["direction"] for flow in overview["flows"]] == ["to_segment", "to_voucherify", "to_warehouse"]
    assert client.post("/console/api/pause/warehouse", headers=ASKED).get_json()["state"] == "paused"
    assert (wording.label("to_warehouse"), wording.service("warehouse")) == ("Shop → Warehouse", "Warehouse")
