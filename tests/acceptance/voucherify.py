"""Voucherify's side: the stand-in on a socket, with scripted faults, an account of what came when, and of every
customer's story; calls and answers are held against the published OpenAPI files.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from flask import Response

from bridge.demo.limit import Limit
from bridge.demo.serving import Served
from bridge.demo.voucherify import Call, VoucherifyStandIn
from bridge.demo.voucherify_project import Project
from tests.acceptance.process import APP_ID, SECRET_KEY
from tests.acceptance.server import free_port
from tests.acceptance.waiting import until
from tests.demo.contract import Contract

Work = Callable[[], Response]
Script = Callable[[Call, Work], Response]

EVENTS, CUSTOMERS, BULK = "/v1/events", "/v1/customers", "/v1/customers/bulk/async"


def answer(status: int, **headers: str) -> Response:
    said = {"code": status, "key": "scripted", "message": "Scripted", "details": f"a {status} by the test"}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(json.dumps({**said, "request_id": "v-0"}), status, given, mimetype="application/json")


class Voucherify:
    """Down until it is opened.

    Attributes:
        script: may answer in the stand-in's place.
    """

    def __init__(self, contract: Contract) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.script: Script | None = None
        # Werkzeug reads headers as Latin-1, as WSGI wants it.
        secret_key = SECRET_KEY.encode().decode("latin-1")
        self.stand_in = VoucherifyStandIn(APP_ID, secret_key, Project(polls=0), fault=self._called)
        self._contract = contract
        self._open = ExitStack()

    @property
    def project(self) -> Project:
        """What arrived."""
        return self.stand_in.project

    @project.setter
    def project(self, project: Project) -> None:
        self.stand_in.project = project

    def open(self) -> None:
        self._open.enter_context(Served(self._contract.watch(self.stand_in.app()), self.port))

    def close(self) -> None:
        self._open.close()

    def limit(self, calls: int, seconds: float) -> None:
        self.stand_in.limit = Limit(calls, seconds)

    def calls(self, *paths: str) -> list[Call]:
        """What was called, of these paths only if there are any."""
        return [call for call in list(self.stand_in.calls) if not paths or call.path in paths]

    def wait_for_events(self, count: int) -> None:
        until(lambda: len(self.project.events) >= count, f"{count} custom events arrive")

    def events(self) -> Counter[tuple[str, str]]:
        """How often each event of each customer was recorded."""
        return Counter((event["customer"]["source_id"], event["event"]) for event in self.project.events)

    def story(self, user: str) -> Iterator[tuple[str | None, dict[str, Any], dict[str, Any]]]:
        """What happened to a customer, oldest first: the custom event or None, its metadata, the customer's by then."""
        for activity in self.project.activities.get(user, []):
            told = activity["data"]["data"]
            event = told.get("event", {})
            yield event.get("type"), event.get("metadata", {}), told["customer"]["metadata"]

    def _called(self, call: Call, work: Work) -> Response:
        return self.script(call, work) if self.script else work()


def a_moment(seconds: float) -> dict[str, str]:
    """Headers of an answer that asks everybody to wait so long."""
    return {"Retry_After": f"{seconds:.0f}", "X_Rate_Limit_Retry": f"{time.time() + seconds:.0f}"}
