"""Voucherify's webhook URL."""

from flask import Blueprint, Response, jsonify, request

from bridge import to_segment
from bridge.intake import VoucherifyWebhooks
from bridge.signature import HEADER
from bridge.web.body import json_body
from bridge.web.lines import tell


def blueprint(webhooks: VoucherifyWebhooks) -> Blueprint:
    """``POST /webhooks/voucherify``: 202 once an authentic webhook is stored, whatever is in it.

    Voucherify switches a webhook off after twelve answers that are not 2xx.
    """
    door = Blueprint("voucherify", __name__)

    @door.post("/webhooks/voucherify")
    def receive() -> tuple[Response, int]:
        kept = webhooks.take(json_body(), request.headers.get(HEADER))
        tell(to_segment.DIRECTION, [kept])
        return jsonify(kept.answer()), 202

    return door
