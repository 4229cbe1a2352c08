"""What the log says of messages that were taken, and of which nothing can be delivered."""

from collections.abc import Sequence

import structlog

from bridge.arrival import Kept, Status

_log = structlog.get_logger("bridge.web")


def tell(kept: Sequence[Kept]) -> None:
    """One line for all that came in one request, with the first as an example."""
    found = [one for one in kept if one.status is Status.QUARANTINED]
    if found:
        _log.warning("quarantined", event_id=found[0].id, reason=found[0].reason, events=len(found))
