"""Intake: verifies a sender, checks a body, and appends one message.

It knows no Flask: its input is bytes and header values.

    voucherify_webhooks  VoucherifyWebhooks   Voucherify's webhooks
    segment_destination  DestinationCalls     calls of Segment's destination
    tracking_api         TrackingCalls        events of Segment's libraries
    segment_webhooks     EventWebhooks        events of Segment's webhooks
    receiving            Receiver             appends a verified body to the inbox

Each intake verifies the sender, checks whether the body may be stored, and appends its bytes. The checks are functions
of ``to_voucherify``, which the worker calls again when it translates. A request ends here.
"""

from bridge.intake.receiving import Received, Receiver
from bridge.intake.segment_destination import DestinationCalls, Given, is_elsewhere
from bridge.intake.segment_webhooks import SECRET, SIGNATURE, EventWebhooks, Presented
from bridge.intake.tracking_api import MOST_UNKNOWN_BYTES, Sender, TrackingCalls
from bridge.intake.voucherify_webhooks import VoucherifyWebhooks

__all__ = [
    "MOST_UNKNOWN_BYTES",
    "SECRET",
    "SIGNATURE",
    "DestinationCalls",
    "EventWebhooks",
    "Given",
    "Presented",
    "Received",
    "Receiver",
    "Sender",
    "TrackingCalls",
    "VoucherifyWebhooks",
    "is_elsewhere",
]
