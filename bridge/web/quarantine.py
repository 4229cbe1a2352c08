"""What the log says of messages that were taken although nothing, or not all, can be delivered of them."""

from collections.abc import Sequence

import structlog

from bridge.arrival import Kept, Status

_log = structlog.get_logger("bridge.web")


def tell(kept: Sequence[Kept]) -> None:
    """One line of a kind for all that came in one request, with the first as an example."""
    for what, status in (("quarantined", Status.QUARANTINED), ("accepted in part", Status.ACCEPTED)):
        found = [one for one in kept if one.status is status and one.reason]
        if found:
            _log.warning(what, event_id=found[0].id, reason=found[0].reason, events=len(found))
