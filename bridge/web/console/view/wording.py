"""Declare the texts of the console, and format times and numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bridge.directions import DIRECTIONS, ending_at


@dataclass(frozen=True, slots=True)
class StatusText:
    """The text of a status or an outcome.

    Attributes:
        label: a word or two.
        tone: good, busy, bad or calm. It selects the colour.
        meaning: what the status means, and what to do.
    """

    label: str
    tone: str
    meaning: str = ""


STATUS_TEXTS: Mapping[str, StatusText] = {
    "waiting": StatusText("waiting", "busy", "It will be sent when it is due and the service can be called."),
    "pending": StatusText("pending", "busy", "It is stored, and waits for translation."),
    "queued": StatusText("queued", "busy", "It will be sent after an earlier delivery of the same customer."),
    "sending": StatusText("sending", "busy", "A worker is sending it."),
    "delivered": StatusText("delivered", "good", "The service has accepted it."),
    "dead": StatusText(
        "dead letter", "bad", "Rejected permanently; it will not be retried. Fix the cause, then replay it."
    ),
    "uncertain": StatusText(
        "uncertain",
        "bad",
        "The outcome is unknown. Check whether the service has it, then mark it as delivered or send it again."
        " A custom event that is sent twice counts twice, and may earn loyalty points twice.",
    ),
    "ignored": StatusText("ignored", "calm", "There is nothing to deliver."),
    "quarantined": StatusText(
        "quarantined",
        "bad",
        "It is authentic, and could not be translated. It is stored as received. Fix the cause, then replay it.",
    ),
    "discarded": StatusText("discarded", "calm", "An operator discarded it. A replay restores it."),
    "accepted": StatusText("accepted", "calm", "It was translated, and its deliveries are in the outbox."),
}
"""By status of an event or a delivery."""

REASON_TEXTS: Mapping[str, str] = {
    "anonymous": "The customer has no source_id, so Segment has no user for the event.",
}
"""Explanations of short reasons."""

OUTCOME_TEXTS: Mapping[str, StatusText] = {
    "delivered": StatusText("delivered", "good"),
    "rejected": StatusText("rejected", "bad"),
    "failed": StatusText("failed", "bad"),
    "throttled": StatusText("throttled", "busy"),
    "forbidden": StatusText("forbidden", "bad"),
    "untried": StatusText("not sent", "calm"),
    "processing": StatusText("processing", "busy"),
    "unknown": StatusText("unknown", "bad"),
    "uncertain": StatusText("uncertain", "bad"),
    "quarantined": STATUS_TEXTS["quarantined"],
    "dead": STATUS_TEXTS["dead"],
    "retried": StatusText("retried", "busy"),
}
"""By outcome of an attempt, or of the events of an error."""

STATE_TONES: Mapping[str, str] = {
    "running": "good",
    "paused": "bad",
    "no worker": "bad",
    "done": "good",
    "stopped": "calm",
}
"""By the state of a sink or a bulk replay: its tone."""


TENTHS_BELOW_SECONDS = 10.0
"""Durations below have a decimal."""

_MINUTES_PLACE = 2
"""The place of minutes among the units of a duration."""


def label(key: str) -> str:
    """Return a direction's label, or its key if it is in no row."""
    direction = DIRECTIONS.get(key)
    return direction.label if direction else key


def service(sink: str) -> str:
    """Return the name of a sink's service, or the sink's name if it is in no row."""
    direction = ending_at(sink)
    return direction.service if direction else sink


def when(epoch: float | None) -> str:
    """Format a time to the second, in UTC."""
    return "" if epoch is None else f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M:%S}"


def iso(epoch: float) -> str:
    """Format a time in ISO 8601."""
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%dT%H:%M:%SZ}"


def duration(seconds: float | None) -> str:
    """Format a duration in one or two units: ``340 ms``, ``12 s``, ``2 h 5 min``."""
    if seconds is None:
        return "none"
    if seconds < 1:
        return _join([(round(1000 * seconds), "ms")])
    if seconds < TENTHS_BELOW_SECONDS:
        return _join([(f"{seconds:.1f}", "s")])
    whole = timedelta(seconds=round(seconds))
    minutes, left = divmod(whole.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    units = [(whole.days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    first = next(place for place, (number, _) in enumerate(units) if number)
    # Minutes and longer units are shown without seconds.
    return _join([one for one in units[first : first + 2 if first < _MINUTES_PLACE else first + 1] if one[0]])


def _join(parts: Sequence[tuple[object, str]]) -> str:
    """Join numbers and units with spaces that do not break."""
    return "\N{NO-BREAK SPACE}".join(f"{number}\N{NO-BREAK SPACE}{unit}" for number, unit in parts)


def count(number: int) -> str:
    """Format a number with thin spaces between thousands."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
