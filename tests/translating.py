"""Translators of a bridge that work when a test says so; no worker delivers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bridge.bootstrap import Bridge
from bridge.delivery.database.engine import Database
from bridge.delivery.process.crew import Stage
from bridge.operations.history import story
from bridge.translation import Translator


def translators(bridge: Bridge) -> list[Translator]:
    """Return one translator per queue."""
    return [one for one in bridge.crew.givers if isinstance(one, Translator)]


def translate(bridge: Bridge) -> None:
    """Translate all pending messages; their deliveries wait."""
    bridge.crew._duty.begin()
    try:
        for one in translators(bridge):
            while one.step():
                pass
    finally:
        bridge.crew._duty.end()


@contextmanager
def translating(bridge: Bridge) -> Iterator[None]:
    """Translate and replay on threads, as a worker does, without deliveries."""
    stage = Stage()
    bridge.crew._duty.begin()
    stage.start([bridge.crew._duty, *bridge.crew.givers])
    try:
        yield
    finally:
        stage.end()
        bridge.crew._duty.end()


def shown(database: Database, event_id: str) -> Any:
    """Return an event's own bytes, as operators see them."""
    with database.reading() as connection:
        return json.loads(story(connection, event_id).body)
