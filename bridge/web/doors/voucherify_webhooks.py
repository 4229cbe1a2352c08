"""Door of Voucherify's webhooks."""

from flask import Blueprint, Response, request

from bridge.doors import VOUCHERIFY, VOUCHERIFY_WEBHOOKS
from bridge.intake import VoucherifyWebhooks
from bridge.signature import HEADER
from bridge.web.doors.body import whole_body
from bridge.web.doors.waiting import Waiting, answer
from bridge.web.request_log import request_id


def blueprint(webhooks: VoucherifyWebhooks, waiting: Waiting) -> Blueprint:
    """Serve ``POST /webhooks/voucherify``: 202 when the webhook is stored.

    Any content and type is accepted. Voucherify switches a webhook off after twelve answers that are not 2xx.
    """
    door = Blueprint(VOUCHERIFY_WEBHOOKS, __name__)

    @door.post(f"/{VOUCHERIFY}")
    def receive() -> tuple[Response, int]:
        received = webhooks.take(whole_body(), request.headers.get(HEADER), request_id())
        return answer(received, waiting), 202

    return door
