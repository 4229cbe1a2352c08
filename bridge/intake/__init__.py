"""verify → translate → store. Knows no Flask: bytes and header values in, what was kept out.

    VoucherifyWebhooks   what Voucherify posts              voucherify.py
    DestinationCalls     what Segment's destination calls   destination.py
    TrackingCalls        what Segment's libraries post      tracking.py
    EventWebhooks        what Segment's webhooks post       segment.py

Each proves who sent it, and hands on; ``doors.py`` says what a message means at the door that it came in by.
"""

from bridge.intake.destination import CALLS, DestinationCalls, Given
from bridge.intake.doors import DOORS, TRACKING, WEBHOOKS, Door, again, run_again
from bridge.intake.segment import SECRET, SIGNATURE, EventWebhooks
from bridge.intake.tracking import TrackingCalls
from bridge.intake.voucherify import VoucherifyWebhooks

__all__ = [
    "CALLS",
    "DOORS",
    "SECRET",
    "SIGNATURE",
    "TRACKING",
    "WEBHOOKS",
    "DestinationCalls",
    "Door",
    "EventWebhooks",
    "Given",
    "TrackingCalls",
    "VoucherifyWebhooks",
    "again",
    "run_again",
]
