"""Voucherify's webhook URL."""

import structlog
from flask import Blueprint, Response, jsonify, request

from bridge.arrival import Status
from bridge.intake import VoucherifyWebhooks
from bridge.signature import HEADER
from bridge.web.body import json_body

_log = structlog.get_logger("bridge.web")


def blueprint(webhooks: VoucherifyWebhooks) -> Blueprint:
    """``POST /webhooks/voucherify``: 202 once an authentic webhook is stored, whatever is in it.

    Voucherify switches a webhook off after twelve answers that are not 2xx.
    """
    door = Blueprint("voucherify", __name__)

    @door.post("/webhooks/voucherify")
    def receive() -> tuple[Response, int]:
        kept = webhooks.take(json_body(), request.headers.get(HEADER))
        if kept.status is Status.QUARANTINED:
            _log.warning("quarantined", event_id=kept.id, event_name=kept.event, reason=kept.reason)
        return jsonify(kept.answer()), 202

    return door
