"""Is it authentic, is it usable at all → one message in the inbox. Knows no Flask: bytes and header values in.

    VoucherifyWebhooks   what Voucherify posts              voucherify.py
    DestinationCalls     what Segment's destination calls   destination.py
    TrackingCalls        what Segment's libraries post      tracking.py
    EventWebhooks        what Segment's webhooks post       segment.py

Each proves who sent it, and appends its bytes. A request ends here: the worker translates.
"""

from bridge.intake.receiving import Received, Receiver
from bridge.intake.segment_destination import DestinationCalls, Given
from bridge.intake.segment_webhooks import SECRET, SIGNATURE, EventWebhooks, Presented
from bridge.intake.tracking_api import Keys, TrackingCalls
from bridge.intake.voucherify_webhooks import VoucherifyWebhooks

__all__ = [
    "SECRET",
    "SIGNATURE",
    "DestinationCalls",
    "EventWebhooks",
    "Given",
    "Keys",
    "Presented",
    "Received",
    "Receiver",
    "TrackingCalls",
    "VoucherifyWebhooks",
]
