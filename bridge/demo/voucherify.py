"""A stand-in for Voucherify's API, which records its calls.

Paths, bodies and responses are those of Voucherify's published OpenAPI files.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import formatdate
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from bridge.demo.limit import Limit
from bridge.demo.voucherify_project import BULK_BYTES, Json, Project, Refused, customer_id, iso, not_found


@dataclass(frozen=True, slots=True)
class Call:
    """A call, as received."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    at: float


Fault = Callable[[Call, Callable[[], Response]], Response]
"""Responds in place of the stand-in.

It takes the call and the function that does the work and returns the API's response. It may call the function before
its own response, or not at all, and it may be slow.
"""


@dataclass
class VoucherifyStandIn:
    """A stand-in, and the calls it has received.

    Attributes:
        app_id, secret_key: the only keys that are accepted. Any, if empty.
        project: its data.
        limit: its rate limit.
        fault: may respond in place of the stand-in. For tests.
        calls: every call, accepted or not, in the order of arrival.
    """

    app_id: str = ""
    secret_key: str = ""
    project: Project = field(default_factory=Project)
    limit: Limit = field(default_factory=Limit)
    fault: Fault | None = None
    clock: Callable[[], float] = time.time
    calls: list[Call] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def app(self) -> Flask:
        """Return the stand-in as a Flask application."""
        app = Flask("voucherify_stand_in", static_folder=None)
        for method, path, work in (
            ("GET", "/v1/customers", self._list_customers),
            ("POST", "/v1/customers", self._upsert),
            ("POST", "/v1/customers/bulk/async", self._bulk),
            ("GET", "/v1/customers/<path:source_id>/activity", self._activity),
            ("POST", "/v1/events", self._track),
            ("GET", "/v1/async-actions/<job_id>", self._job),
            ("GET", "/v1/metadata-schemas/<resource>", self._metadata_schema),
        ):
            app.add_url_rule(path, f"{method} {path}", self._view(work), methods=[method])
        app.register_error_handler(HTTPException, _http_error)
        app.after_request(self._add_limits)
        return app

    def _view(self, work: Callable[..., Response]) -> Callable[..., Response]:
        def view(**parts: str) -> Response:
            query, body = request.args.to_dict(), request.get_json(silent=True)
            call = Call(request.method, request.path, query, body, self.clock())
            with self._lock:
                self.calls.append(call)
            headers = request.headers

            def answer() -> Response:
                keys = (headers.get("X-App-Id"), headers.get("X-App-Token"))
                return self._answer(keys, lambda: work(call, **parts))

            return self.fault(call, answer) if self.fault else answer()

        return view

    def _answer(self, keys: Sequence[str | None], work: Callable[[], Response]) -> Response:
        with self._lock:
            try:
                self._admit(keys)
                return work()
            except Refused as refused:
                return error(refused)

    def _admit(self, keys: Sequence[str | None]) -> None:
        expected = (self.app_id or keys[0], self.secret_key or keys[1])
        if None in keys or expected != keys:
            raise Refused(401, "unauthorized", "Unauthorized", "Invalid X-App-Id or X-App-Token")
        if not self.limit.admits():
            raise Refused(429, "too_many_requests", "Too many requests", "The limit of calls is exceeded")

    def _add_limits(self, response: Response) -> Response:
        for name, value in self.limit.headers(response.status_code).items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Date", formatdate(self.clock(), usegmt=True))
        return response

    def _list_customers(self, call: Call) -> Response:
        limit = int(call.query.get("limit", "10"))
        page = [self._customer(source_id) for source_id in list(self.project.customers)[:limit]]
        total = len(self.project.customers)
        return answer({"object": "list", "data_ref": "customers", "customers": page, "total": total})

    def _upsert(self, call: Call) -> Response:
        body = _object(call.body)
        self.project.upsert(body)
        return answer(self._customer(body["source_id"]))

    def _bulk(self, call: Call) -> Response:
        if (request.content_length or 0) > BULK_BYTES:
            too_large = f"Payload content length greater than maximum allowed: {BULK_BYTES}"
            return answer({"statusCode": 413, "error": "Request Entity Too Large", "message": too_large}, 413)
        if not isinstance(call.body, list) or not all(isinstance(one, dict) for one in call.body):
            raise Refused(400, "invalid_payload", "Invalid payload", "an array of customers is required")
        return answer({"async_action_id": self.project.enqueue(call.body)}, 202)

    def _track(self, call: Call) -> Response:
        return answer(self.project.track(_object(call.body)))

    def _job(self, _: Call, job_id: str) -> Response:
        return answer({**self.project.look_at(job_id), "request_id": "v-0"})

    def _metadata_schema(self, _: Call, resource: str) -> Response:
        if resource not in self.project.schemas:
            raise not_found("metadata_schema", resource)
        return answer(self.project.schemas[resource])

    def _activity(self, call: Call, source_id: str) -> Response:
        if source_id not in self.project.customers:
            raise not_found("customer", source_id)
        query = call.query
        activities = [one for one in self.project.activities.get(source_id, []) if _matches(one, query)]
        if query.get("order", "-created_at") == "-created_at":
            activities.reverse()
        ids = [one["id"] for one in activities]
        begin = ids.index(query["starting_after_id"]) + 1 if "starting_after_id" in query else 0
        page = activities[begin : begin + int(query.get("limit", "10"))]
        more = begin + len(page) < len(activities)
        cursor = {"more_starting_after": page[-1]["id"]} if more else {}
        return answer({"object": "list", "data_ref": "data", "data": page, "has_more": more, **cursor})

    def _customer(self, source_id: str) -> Json:
        customer = self.project.customers[source_id]
        now = iso(self.clock())
        return {
            "metadata": {},
            **customer,
            "id": customer_id(source_id),
            "created_at": now,
            "updated_at": now,
            **_FRESH,
        }


_GIFT, _CARD = {"redeemed_amount": 0, "amount_to_go": 0}, {"redeemed_points": 0, "points_to_go": 0}
_COUNTS = ("redeemed", "failed", "succeeded", "rolled_back", "rollback_failed", "rollback_succeeded")
_REDEMPTIONS = {**{f"total_{count}": 0 for count in _COUNTS}, "gift": _GIFT, "loyalty_card": _CARD}
_ORDERS = {"total_amount": 0, "total_count": 0, "average_amount": 0, "last_order_amount": 0}
_FRESH: Mapping[str, Any] = {
    "summary": {"redemptions": _REDEMPTIONS, "orders": _ORDERS},
    "loyalty": {"points": 0, "referred_customers": 0, "campaigns": {}},
    "referrals": {"total": 0, "campaigns": []},
    "object": "customer",
}
"""The values of a customer without any activity."""


def answer(content: Json, code: int = 200) -> Response:
    """Make a response in JSON."""
    return Response(json.dumps(content), code, mimetype="application/json")


def error(refused: Refused) -> Response:
    """Make a response in the form of Voucherify's errors."""
    return answer({**refused.content, "request_id": "v-0"}, refused.code)


def _http_error(error_: HTTPException) -> Response:
    code = error_.code or 500
    return error(Refused(code, "not_found", error_.name, "The stand-in does not have this path"))


def _object(body: Any) -> Json:
    if not isinstance(body, dict):
        raise Refused(400, "invalid_payload", "Invalid payload", "an object is required")
    return body


def _matches(activity: Json, query: Mapping[str, str]) -> bool:
    since = query.get("start_date")
    if since and datetime.fromisoformat(activity["created_at"]) < datetime.fromisoformat(since):
        return False
    return query.get("type") in (None, activity["type"])
