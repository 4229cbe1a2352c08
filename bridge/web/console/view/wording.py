"""PURE: how things are called, and what an operator is told of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bridge.directions import DIRECTIONS, ending_at


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an event or a delivery can stand.

    Attributes:
        label: in a word or two.
        tone: good, busy, bad or calm: its colour.
        meaning: what that means for who looks at it at night.
    """

    label: str
    tone: str
    meaning: str


STANDINGS: Mapping[str, Standing] = {
    "waiting": Standing("waiting", "busy", "It will be sent as soon as it is due and its service can be called."),
    "pending": Standing("pending", "busy", "It is stored, and waits for translation."),
    "queued": Standing("queued", "busy", "It goes out when what came before it for the same customer is settled."),
    "sending": Standing("sending", "busy", "A worker is sending it at this moment."),
    "delivered": Standing("delivered", "good", "The service has taken it."),
    "dead": Standing(
        "dead letter", "bad", "It was given up, and nothing more happens by itself. Mend the cause, then replay it."
    ),
    "uncertain": Standing(
        "uncertain",
        "bad",
        "Nobody can tell whether it was taken. Look at the service whether it is there, then say so. Sent again"
        " although it was taken, a custom event counts twice, and may pay loyalty points twice.",
    ),
    "ignored": Standing("ignored", "calm", "There is nothing to deliver of it."),
    "quarantined": Standing(
        "quarantined",
        "bad",
        "It is authentic, but could not be translated. It is kept as it came: replay it when the bridge can read it.",
    ),
    "discarded": Standing("discarded", "calm", "Somebody has given it up. A replay brings it back."),
    "accepted": Standing("accepted", "calm", "It was taken in."),
}

REASONS: Mapping[str, str] = {
    "anonymous": "The customer has no source_id, so there is nobody at Segment to whom it could belong.",
}
"""Reasons that deserve more words than they have."""

OUTCOMES: Mapping[str, Standing] = {
    "delivered": Standing("delivered", "good", ""),
    "rejected": Standing("rejected", "bad", "The service refuses this very delivery for good."),
    "failed": Standing("failed", "bad", "Nothing was taken; another time it may be."),
    "throttled": Standing("throttled", "busy", "The service asks everybody to wait."),
    "forbidden": Standing("forbidden", "bad", "The service refuses the bridge's keys."),
    "untried": Standing("not tried", "calm", "It was not sent at all."),
    "unknown": Standing("unknown", "bad", "It may have been taken or not: it is looked up before it is sent again."),
    "uncertain": Standing("uncertain", "bad", "Nobody can tell whether it was taken."),
    "quarantined": STANDINGS["quarantined"],
    "dead": STANDINGS["dead"],
    "retried": Standing("tried again", "busy", ""),
}

STATES: Mapping[str, str] = {"running": "good", "paused": "bad", "no worker": "bad", "done": "good", "stopped": "calm"}
"""The tone of a sink's or a bulk replay's state."""


TENTHS_MATTER = 10.0
"""Seconds of a duration below which fractions are told."""

MINUTES = 2
"""The place of minutes among the units of a duration."""


def label(key: str) -> str:
    """A direction's label; its key, if it is in no row."""
    direction = DIRECTIONS.get(key)
    return direction.label if direction else key


def service(sink: str) -> str:
    """The name of a sink's service; the sink's, if it is in no row."""
    direction = ending_at(sink)
    return direction.service if direction else sink


def when(epoch: float | None) -> str:
    """To the second, in UTC."""
    return "" if epoch is None else f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M:%S}"


def iso(epoch: float) -> str:
    """For a machine."""
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%dT%H:%M:%SZ}"


def duration(seconds: float | None) -> str:
    """In the one or two units that matter: ``340 ms``, ``1.2 s``, ``12 s``, ``3 min``, ``2 h 5 min``, ``4 d 2 h``."""
    if seconds is None:
        return "none"
    if seconds < 1:
        return _together([(round(1000 * seconds), "ms")])
    if seconds < TENTHS_MATTER:
        return _together([(f"{seconds:.1f}", "s")])
    whole = timedelta(seconds=round(seconds))
    minutes, left = divmod(whole.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    units = [(whole.days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    first = next(place for place, (number, _) in enumerate(units) if number)
    # Beside minutes, seconds do not matter.
    return _together([one for one in units[first : first + 2 if first < MINUTES else first + 1] if one[0]])


def _together(parts: Sequence[tuple[object, str]]) -> str:
    """On one line."""
    return "\N{NO-BREAK SPACE}".join(f"{number}\N{NO-BREAK SPACE}{unit}" for number, unit in parts)


def count(number: int) -> str:
    """With thin spaces between thousands."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
