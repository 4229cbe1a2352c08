"""Times as operators type them.

Examples: ``2026-07-01``, ``2026-07-01T14:30``, or an age: ``90m``, ``24h``, ``7d``.
"""

import re
import time
from datetime import UTC, datetime

import click

_SECONDS = {"m": 60.0, "h": 3600.0, "d": 86_400.0}
_AGO = re.compile(r"(\d{1,6})([mhd])")


def moment(typed: str) -> float:
    """Return a typed time in epoch seconds; without an offset it is in UTC.

    Raises:
        click.BadParameter: it is not a time.
    """
    if ago := _AGO.fullmatch(typed):
        return time.time() - int(ago[1]) * _SECONDS[ago[2]]
    try:
        at = datetime.fromisoformat(typed)
    except ValueError:
        raise click.BadParameter("give a time like 2026-07-01 or 2026-07-01T14:30, or 90m, 24h, 7d ago") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
