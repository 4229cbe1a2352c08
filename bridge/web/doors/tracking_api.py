"""Segment's tracking API, as its libraries call it."""

from functools import partial

from flask import Blueprint, Response, jsonify, request

from bridge.doors import TRACKING, TRACKING_API
from bridge.intake import Keys, TrackingCalls
from bridge.web.doors.body import JSON, json_body, unpacked
from bridge.web.doors.waiting import Waiting, applied
from bridge.web.request_log import request_id

TYPES = (JSON, "text/plain")
"""analytics.js sends its JSON as text, which a browser may do without asking first."""

ALIASES = {
    "v1/batch": ("v1/b", "v1/import", "beacon/v1/batch"),
    **{f"v1/{kind}": (f"v1/{kind[0]}",) for kind in ("track", "identify", "page", "screen", "group", "alias")},
}
"""By path, what libraries call instead: analytics.js and the mobile ones the first letter, analytics-ruby import,
RudderStack's for browsers ``beacon`` when a page is left."""

ALLOWED = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    # The first is RudderStack's.
    "Access-Control-Allow-Headers": "AnonymousId, Authorization, Content-Type, X-Retry-Count",
    "Access-Control-Max-Age": "86400",
}
"""What a browser must be told before analytics.js may post from any site: it carries a write key and no cookies."""


def blueprint(calls: TrackingCalls, waiting: Waiting) -> Blueprint:
    """``POST /v1/…``: 200 once an event, or every event of a batch, is stored. Libraries read no more than the status,
    and try again at 5xx and 429 only.
    """
    door = Blueprint(TRACKING_API, __name__)
    for path in TRACKING:
        for name in (path, *ALIASES[path]):
            door.post(f"/{name}", endpoint=name.replace("/", "-"))(partial(_take, calls, waiting, path))
    door.after_request(_allowed)
    return door


def _take(calls: TrackingCalls, waiting: Waiting, path: str) -> Response:
    body = unpacked(json_body(TYPES))
    given = Keys(request.headers.get("Authorization"), request.args.get("writeKey"))
    found = waiting.outcome(calls.take(path, body, given, request_id()))
    if found is None:
        return jsonify(success=True)
    return applied(jsonify(success=True, results=[one.answer() for one in found]))


def _allowed(response: Response) -> Response:
    response.headers.update(ALLOWED)
    return response
