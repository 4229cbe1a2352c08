"""Door of Segment's Voucherify (Actions) destination."""

from functools import partial

from flask import Blueprint, Response, jsonify, request

from bridge.doors import ACTIONS, SEGMENT_DESTINATION
from bridge.intake import DestinationCalls, Given
from bridge.web.doors.body import json_body
from bridge.web.doors.waiting import Waiting, answer
from bridge.web.request_log import request_id


def blueprint(calls: DestinationCalls, waiting: Waiting) -> Blueprint:
    """Serve ``/segmentio/…``: 200 when a call is stored.

    400 names the wrong fields, and Segment shows that to its user. Segment counts any 2xx as a success, and follows a
    redirect as a GET without a body. So the door never redirects.
    """
    door = Blueprint(SEGMENT_DESTINATION, __name__, url_prefix="/segmentio")

    @door.get("/test-authentication")
    def test_authentication() -> Response:
        calls.test(_given())
        return jsonify(status="accepted", id=None, event=None, reason=None)

    for path in ACTIONS:
        process = partial(_process, calls, waiting, path)
        door.post(path.removeprefix("segmentio"), endpoint=path.rpartition("/")[2])(process)

    return door


def _process(calls: DestinationCalls, waiting: Waiting, path: str) -> Response:
    return answer(calls.take(path, json_body(), _given(), request_id()), waiting)


def _given() -> Given:
    return Given(request.headers.get("Authorization"), request.headers.get("Secret-Key"))
