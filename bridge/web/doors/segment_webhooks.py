"""Door of Segment's webhooks, Webhooks (Actions) or classic."""

from flask import Blueprint, Response, request

from bridge.doors import SEGMENT, SEGMENT_WEBHOOKS
from bridge.intake import SECRET, SIGNATURE, EventWebhooks, Presented
from bridge.web.doors.body import json_body
from bridge.web.doors.waiting import Waiting, answer
from bridge.web.request_log import request_id


def blueprint(webhooks: EventWebhooks, waiting: Waiting) -> Blueprint:
    """Serve ``POST /webhooks/segment``: 200 when every event is stored."""
    door = Blueprint(SEGMENT_WEBHOOKS, __name__)

    @door.post(f"/{SEGMENT}")
    def receive() -> Response:
        given = Presented(*(request.headers.get(name) for name in (SIGNATURE, "Authorization", SECRET)))
        return answer(webhooks.take(json_body(), given, request_id()), waiting)

    return door
