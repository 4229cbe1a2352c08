"""State of the database, and pauses recorded there.

The check changes and creates nothing.
"""

import time
from collections.abc import Iterator
from contextlib import closing

from bridge.cli.checking.finding import Finding
from bridge.cli.printing import when
from bridge.delivery.database.engine import Database
from bridge.delivery.database.migrations import HEAD
from bridge.delivery.inbox import queues
from bridge.delivery.inbox.queues import TRANSLATION
from bridge.delivery.outbox import sink_states
from bridge.delivery.outbox.sink_states import SinkState, refused_since
from bridge.delivery.rules.presence import by_hand
from bridge.errors import StoreUnavailable
from bridge.settings import Settings

VOUCHERIFYS_KEYS = "Voucherify's keys"

_REFUSED = {
    "segment": (
        "SEGMENT_WRITE_KEY",
        "the write key",
        "compare SEGMENT_WRITE_KEY with the source's settings at Segment",
    ),
    "voucherify": (VOUCHERIFYS_KEYS, "the API keys", "compare the keys and their permissions at Voucherify"),
}
"""By sink: the subject of the finding, what is refused, and what to do."""

_PAUSED = "paused"
"""State of a paused sink."""


def database_finding(url: str) -> Finding:
    """Check whether the bridge can use the database now, or after its next start."""
    remedy = "check BRIDGE_DATABASE_URL, and that the database runs and its disk is not full"
    with closing(Database(url)) as database:
        if problem := database.problem():
            return Finding("database", "wrong", problem, "correct BRIDGE_DATABASE_URL, or change the permissions")
        if not database.exists():
            return Finding("database", "ok", f"{database.name} does not exist yet: the bridge creates it at its start")
        try:
            return _schema(database.look())
        except StoreUnavailable as error:
            return Finding("database", "wrong", str(error), remedy)


def _schema(revision: str | None) -> Finding:
    if revision == HEAD:
        return Finding("database", "ok", "can be written, and its schema is current")
    if revision is not None and revision > HEAD:
        return Finding("database", "wrong", f"it has the schema of a newer bridge ({revision})", "install that version")
    return Finding("database", "ok", "can be written; the bridge upgrades its schema at its start")


def standing_still(settings: Settings) -> Iterator[Finding]:
    """Yield pauses of deliveries and of the translation.

    Only for directions that are on, and only if the database is usable.
    """
    on = {"segment": settings.to_segment, "voucherify": settings.to_voucherify}
    now = time.time()
    with closing(Database(settings.database_url)) as database:
        if not database.exists() or database.look() != HEAD:
            return
        with database.looking() as connection:
            sinks = [one for one in sink_states.states(connection, now) if on.get(one.name)]
            since = {one.name: refused_since(connection, one.name) for one in sinks}
            is_paused = any(one.is_paused for one in queues.states(connection, now))
    yield from (finding for one in sinks if (finding := _of_sink(one, since[one.name])))
    if is_paused:
        yield Finding(TRANSLATION, "warning", f"paused {by_hand(TRANSLATION)}")


def _of_sink(sink: SinkState, refused: float | None) -> Finding | None:
    if refused is not None:
        what, credentials, remedy = _REFUSED[sink.name]
        detail = f"{sink.name.capitalize()} refuses {credentials} since {when(refused)} UTC"
        return Finding(what, "wrong", f"{detail}: {sink.reason}" if sink.reason else detail, remedy)
    if sink.state != _PAUSED:
        return None
    until = f" until {when(sink.paused_until)} UTC" if sink.paused_until else ""
    return Finding(f"deliveries to {sink.name}", "warning", f"paused{until}: {sink.reason}")
