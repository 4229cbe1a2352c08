"""A sink and its stand-in, on one clock that only a sleep moves."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Self

from flask import Response

from bridge.delivery.rules.sink import Happened, Outcome, Parcel
from bridge.demo.serving import Served
from bridge.demo.voucherify import Call, Fault, VoucherifyStandIn
from bridge.demo.voucherify_project import Project
from bridge.sinks.voucherify import VoucherifySink
from bridge.voucherify_api.client import Timing
from tests.demo.contract import Contract

APP_ID, SECRET_KEY = "app-id", "secret-key"
BEGIN = 1_900_000_000.0

Work = Callable[[], Response]


class Clock:
    """A clock that only a sleep moves."""

    def __init__(self) -> None:
        self.at = BEGIN
        self.slept: list[float] = []

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


class Stage:
    """The served stand-in; ``sink`` returns sinks for it."""

    def __init__(self, contract: Contract) -> None:
        self.clock = Clock()
        self.project = Project(clock=self.clock.now)
        self.stand_in = VoucherifyStandIn(APP_ID, SECRET_KEY, self.project, clock=self.clock.now)
        self.stand_in.limit.clock = self.clock.now
        self.released = threading.Event()
        self._contract = contract
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._open.__enter__()
        self.url = self._open.enter_context(Served(self._contract.watch(self.stand_in.app()))).url
        self._open.callback(self.released.set)
        return self

    def __exit__(self, *exc: object) -> None:
        self._open.close()

    def sink(self, *, call: float = 10.0, allow: Callable[[], float] = lambda: 0.0, url: str = "") -> VoucherifySink:
        timing = Timing(self.clock.now, self.clock.sleep, call_seconds=call)
        return VoucherifySink(APP_ID, SECRET_KEY, url or self.url, allow=allow, timing=timing)

    def send(self, *parcels: Parcel, **how: Any) -> Sequence[Outcome]:
        """Send parcels, and look at their bulks when that is due, until every outcome is known."""
        return self.finish(self.sink(**how), parcels)

    def finish(self, sink: VoucherifySink, parcels: Sequence[Parcel]) -> Sequence[Outcome]:
        """Do as the worker does: send, and send again what is ``PROCESSING``."""
        outcomes = list(sink.send(parcels))
        while places := [place for place, one in enumerate(outcomes) if one.happened is Happened.PROCESSING]:
            waits = [max(outcomes[place].retry_after or 0.0, outcomes[place].pause or 0.0) for place in places]
            self.clock.sleep(min(waits))
            again = [replace(parcels[place], job=outcomes[place].job, in_doubt_since=BEGIN) for place in places]
            for place, outcome in zip(places, sink.send(again), strict=True):
                outcomes[place] = outcome
        return outcomes

    def fail(self, path: str, answer: Fault) -> None:
        """Script the response of one path; a method may precede it.

        Other calls get the stand-in's own responses.
        """

        def fault(call: Call, work: Work) -> Response:
            return answer(call, work) if f"{call.method} {call.path}".endswith(path) else work()

        self.stand_in.fault = fault

    def never(self, _: Call, __: Work) -> Response:
        """Send no response as long as the stage is up."""
        self.released.wait()
        return Response('{"code": 500, "message": "too late"}', 500, mimetype="application/json")

    def on_jobs(self, answer: Fault) -> None:
        """Script the responses of polls of async actions."""
        self.stand_in.fault = lambda call, work: answer(call, work) if "async-actions" in call.path else work()

    def recorded(self, source_id: str = "anna", at: float = BEGIN, name: str = "Paid", **metadata: Any) -> None:
        """Add an event that another client recorded at ``at``."""
        now, self.clock.at = self.clock.at, at
        self.project.track({"event": name, "customer": {"source_id": source_id}, "metadata": metadata})
        self.clock.at = now

    def asked(self, path: str = "") -> list[str]:
        """Return the calls, without reads of metadata schemas."""
        calls = [f"{call.method} {call.path}" for call in self.stand_in.calls]
        return [call for call in calls if path in call and "metadata-schemas" not in call]


def says(status: int, said: Any = None, **headers: str) -> Fault:
    """Return a response in place of the stand-in's."""
    body = said or {"code": status, "key": "scripted", "message": "Scripted", "details": "by the test"}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda *_: Response(json.dumps(body), status, given, mimetype="application/json")


def adds(**headers: str) -> Fault:
    """Return the stand-in's response with other headers."""

    def fault(_: Call, work: Work) -> Response:
        answer = work()
        answer.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return answer

    return fault


def changes(change: Callable[[dict[str, Any]], None]) -> Fault:
    """Return the stand-in's response with changed fields."""

    def fault(_: Call, work: Work) -> Response:
        answer = work()
        said = answer.get_json()
        change(said)
        return Response(json.dumps(said), answer.status_code, mimetype="application/json")

    return fault


def after_the_work(answer: Fault) -> Fault:
    def fault(call: Call, work: Work) -> Response:
        work()
        return answer(call, work)

    return fault


def upsert(source_id: str = "anna", *followers: dict[str, Any], since: float | None = None, **body: Any) -> Parcel:
    bodies = [{"source_id": source_id, **one} for one in (body, *followers)]
    first, *rest = [_payload("upsert_customer", "/v1/customers", one) for one in bodies]
    return Parcel(first, f"key-{source_id}", source_id, since, tuple(rest))


def upserts(count: int) -> list[Parcel]:
    return [upsert(f"customer-{number}", name=f"Customer {number}") for number in range(count)]


def event(source_id: str = "anna", name: str = "Paid", *, since: float | None = None, **metadata: Any) -> Parcel:
    body = {"event": name, "customer": {"source_id": source_id}, "metadata": metadata}
    return Parcel(_payload("add_custom_event", "/v1/events", body), f"key-{source_id}-{name}", source_id, since)


def identification(parcel: Parcel) -> str:
    """Return the identification of a parcel's custom event."""
    return hashlib.sha256(parcel.key.encode()).hexdigest()[:32]


def happened(outcomes: Iterable[Outcome]) -> list[Happened]:
    return [outcome.happened for outcome in outcomes]


def _payload(action: str, path: str, body: dict[str, Any]) -> bytes:
    return json.dumps({"action": action, "path": path, "body": body}).encode()
