"""Door of Segment's tracking API."""

from functools import partial

from flask import Blueprint, Response, jsonify, request

from bridge.doors import TRACKING, TRACKING_API
from bridge.intake import MOST_UNKNOWN_BYTES, Sender, TrackingCalls
from bridge.web.client import client_address
from bridge.web.doors.body import JSON, json_body, unpacked
from bridge.web.doors.waiting import Waiting, applied
from bridge.web.request_log import request_id

TYPES = (JSON, "text/plain")
"""Accepted content types.

analytics.js sends JSON as text, which a browser may send without a preflight request.
"""

ALIASES = {
    "v1/batch": ("v1/b", "v1/import", "beacon/v1/batch"),
    **{f"v1/{kind}": (f"v1/{kind[0]}",) for kind in ("track", "identify", "page", "screen", "group", "alias")},
}
"""Paths that libraries use instead, by path.

analytics.js and the mobile libraries use the first letter, analytics-ruby uses ``import``. RudderStack's library for
browsers uses ``beacon`` when a page closes.
"""

ALLOWED = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    # The first is RudderStack's.
    "Access-Control-Allow-Headers": "AnonymousId, Authorization, Content-Type, X-Retry-Count",
    "Access-Control-Max-Age": "86400",
}
"""Headers that let a browser post from any site.

A request carries a write key and no cookies.
"""


def blueprint(calls: TrackingCalls, waiting: Waiting) -> Blueprint:
    """Serve ``POST /v1/…``: 200 when every event of the body is stored.

    Libraries read only the status, and retry only at 5xx and 429.
    """
    door = Blueprint(TRACKING_API, __name__)
    for path in TRACKING:
        for name in (path, *ALIASES[path]):
            door.post(f"/{name}", endpoint=name.replace("/", "-"))(partial(_take, calls, waiting, path))
    door.after_request(_allowed)
    return door


def _take(calls: TrackingCalls, waiting: Waiting, path: str) -> Response:
    sender = Sender(request.headers.get("Authorization"), request.args.get("writeKey"), client_address(request.environ))
    key = calls.key_beside(sender)
    body = unpacked(json_body(TYPES), None if key else MOST_UNKNOWN_BYTES)
    outcomes = waiting.outcome(calls.take(path, body, key, sender, request_id()))
    if outcomes is None:
        return jsonify(success=True)
    return applied(jsonify(success=True, results=[one.answer() for one in outcomes]))


def _allowed(response: Response) -> Response:
    response.headers.update(ALLOWED)
    return response
