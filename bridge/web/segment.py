"""Where Segment's webhooks, Webhooks (Actions) or classic, post the events of a source."""

from flask import Blueprint, Response, jsonify, request

from bridge import to_voucherify
from bridge.intake import SECRET, SIGNATURE, EventWebhooks
from bridge.web.body import json_body
from bridge.web.lines import tell


def blueprint(webhooks: EventWebhooks) -> Blueprint:
    """``POST /webhooks/segment``: 200 once an event is stored, or an array of them, with what became of each."""
    door = Blueprint("segment", __name__)

    @door.post("/webhooks/segment")
    def receive() -> Response:
        kept = webhooks.take(
            json_body(),
            signature=request.headers.get(SIGNATURE),
            authorization=request.headers.get("Authorization"),
            secret=request.headers.get(SECRET),
        )
        several = kept if isinstance(kept, list) else [kept]
        tell(to_voucherify.DIRECTION, several)
        answers = [one.answer() for one in several]
        return jsonify(answers if isinstance(kept, list) else answers[0])

    return door
