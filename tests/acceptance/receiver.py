"""Segment's side: the stand-in on a socket, with scripted faults, and an account of what came when."""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from flask import Response

from bridge.demo.segment import Event, SegmentStandIn
from bridge.demo.serving import Served
from tests.acceptance.server import WRITE_KEY, free_port
from tests.acceptance.waiting import until

Script = Callable[[Sequence[Event]], Response | None]


def answer(status: int, **headers: str) -> Response:
    return Response(json.dumps({"code": "scripted"}), status, headers, mimetype="application/json")


class Receiver:
    """Down until it is opened.

    Attributes:
        calls: when a call came in, on the monotonic clock, and with which batch.
        script: may answer in the stand-in's place.
        stand_in: what was taken.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.calls: list[tuple[float, Sequence[Event]]] = []
        self.script: Script | None = None
        self.stand_in = SegmentStandIn(write_key=WRITE_KEY, fault=self._called)
        self._open = ExitStack()

    def open(self) -> None:
        self._open.enter_context(Served(self.stand_in.app(), self.port))

    def close(self) -> None:
        self._open.close()

    def users(self) -> Counter[str]:
        """How often an event of each user arrived."""
        return Counter(event["userId"] for event in self.stand_in.events)

    def event_of(self, user: str) -> dict[str, Any]:
        [event] = [event for event in self.stand_in.events if event["userId"] == user]
        return dict(event)

    def wait_for(self, users: Sequence[str]) -> None:
        until(lambda: set(users) <= set(self.users()), f"{len(users)} events arrive")

    def assert_once(self, users: Sequence[str]) -> None:
        """Every user's event arrived, none twice, nothing else, and under ids of their own."""
        assert self.users() == Counter(users)
        assert len({event["messageId"] for event in self.stand_in.events}) == len(users)
        assert not self.stand_in.discarded

    def _called(self, batch: Sequence[Event]) -> Response | None:
        self.calls.append((time.monotonic(), batch))
        return self.script(batch) if self.script else None
