"""What the log says of messages that were taken."""

from collections.abc import Sequence

import structlog

from bridge.arrival import Kept, Status
from bridge.web.request_id import request_id, seconds

_log = structlog.get_logger("bridge.web")

_NAME_LENGTH = 100


def tell(direction: str, kept: Sequence[Kept]) -> None:
    """One line an event; and a warning of a kind for all of one request of which nothing, or not all, can be delivered,
    with the first as an example.
    """
    took, of_request = seconds(), request_id()
    for one in kept:
        _log.info(
            "received",
            direction=direction,
            event_name=one.event[:_NAME_LENGTH],
            status=one.status,
            seconds=took,
            event_id=one.id,
            request_id=of_request,
        )
    for what, status in (("quarantined", Status.QUARANTINED), ("accepted in part", Status.ACCEPTED)):
        found = [one for one in kept if one.status is status and one.reason]
        if found:
            first = found[0]
            _log.warning(what, event_id=first.id, reason=first.reason, events=len(found), request_id=of_request)
