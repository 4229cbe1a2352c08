"""Sink for Segment: posts batches as Segment's own library does.

The library's client built the messages when they were translated. The sink joins their stored bytes to a batch, without
parsing. This saves a sixth of the processor time of an event.

Source: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

import gzip
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import msgspec
import requests
from requests.auth import HTTPBasicAuth
from segment.analytics.version import VERSION

from bridge.delivery.rules.sink import RESPONSE_LENGTH, Happened, Outcome, Parcel, never
from bridge.http import BoundedAdapter, carries_error, is_html, retry_after, said_in
from bridge.json_text import write
from bridge.to_segment import SINK
from bridge.to_segment.fit import LIMIT as EVENT_BYTES

BATCH_BYTES, BATCH_COUNT = 500_000, 2_500
ENVELOPE_BYTES = 6_000
"""Bytes of a batch beside its events.

They are the write key, the time, brackets, and commas between events.
"""

MESSAGE_ID_LENGTH = 100

SUCCESS = 2
"""Class of successful statuses."""

HAPPENED = {
    400: Happened.REJECTED,
    413: Happened.REJECTED,
    401: Happened.FORBIDDEN,
    403: Happened.REJECTED,
    429: Happened.THROTTLED,
}
"""Outcome by status of a response that is not 2xx.

A delivery with any other status is retried. ``_Sending`` decides what 403 means.
"""

DEDUPLICATED_SECONDS = 23 * 3_600.0
"""Seconds for which Segment counts a repeated event once.

Segment says 24 h, and clocks differ.
"""

MOST_SUSPECTS = 8
"""Events that are posted alone while Segment answers 403 and accepts nothing.

Further events wait.
"""

STRANGER = "this is not Segment's answer: see SEGMENT_HOST"

POST_SECONDS, SPLIT_SECONDS = 10.0, 20.0
"""Seconds of one post, and seconds for halving a refused batch.

The rest of the batch waits for another time.
"""

HEADERS = {"Content-Type": "application/json", "User-Agent": f"analytics-python/{VERSION}"}
"""Headers of a post, as the library sends them."""


class SegmentSink:
    """Posts batches to ``{host}/v1/batch``.

    Args:
        write_key: that of the source.
        host: address of Segment, or of a service with the same protocol.
        gzip: whether to compress the body.
        recently_delivered: returns the smallest event that Segment accepted within ``DEDUPLICATED_SECONDS``, or None.
            For a process that has delivered nothing yet.
    """

    name = SINK
    knows_repeats = True  # by the messageId
    max_count = BATCH_COUNT
    max_bytes = BATCH_BYTES - ENVELOPE_BYTES
    patience = SPLIT_SECONDS + POST_SECONDS

    def __init__(
        self,
        write_key: str,
        host: str,
        *,
        gzip: bool = False,
        deadline: float = POST_SECONDS,
        recently_delivered: Callable[[], bytes | None] = lambda: None,
    ) -> None:
        self._url = f"{host}/v1/batch"
        self._write_key = write_key
        self._gzip = gzip
        self._deadline = deadline
        self._recently_delivered = recently_delivered
        self._smallest: _Delivered | None = None
        self.is_ending: Callable[[], bool] = never
        self._session = requests.Session()
        self._session.auth = HTTPBasicAuth(write_key.encode(), b"")
        self._session.headers.update(HEADERS | ({"Content-Encoding": "gzip"} if gzip else {}))
        self._session.mount(host, BoundedAdapter(deadline))

    def send(self, parcels: Sequence[Parcel]) -> Sequence[Outcome]:
        """Post the parcels as one batch.

        The sink itself rejects events that Segment would accept and drop.
        """
        refused = [_refused(one.payload) for one in parcels]
        good = [one for one, reason in zip(parcels, refused, strict=True) if not reason]
        sending = _Sending(self._post, self._sample, time.monotonic() + SPLIT_SECONDS, self.is_ending)
        sent = sending.outcomes([one.payload for one in good])
        self._remember(one for one, outcome in zip(good, sent, strict=True) if outcome.happened is Happened.DELIVERED)
        outcomes = iter(sent)
        return [Outcome(Happened.REJECTED, detail=reason) if reason else next(outcomes) for reason in refused]

    def _post(self, messages: Sequence[bytes]) -> Outcome:
        about = write({"sentAt": datetime.now(UTC).isoformat(), "writeKey": self._write_key})
        body = b'{"batch":[%b],%b' % (b",".join(messages), about[1:])
        try:
            data = gzip.compress(body) if self._gzip else body
            response = self._session.post(self._url, data=data, timeout=self._deadline)
        except requests.RequestException as error:
            return Outcome(Happened.FAILED, detail=type(error).__name__)
        text = response.content.decode(errors="replace")[:RESPONSE_LENGTH]
        if response.status_code // 100 != SUCCESS:
            happened = HAPPENED.get(response.status_code, Happened.FAILED)
            return Outcome(happened, response.status_code, text, retry_after(response))
        if is_html(response, text) or carries_error(said_in(text)):
            return Outcome(Happened.FAILED, response.status_code, f"{STRANGER}\n{text}")
        return Outcome(Happened.DELIVERED, response.status_code, text)

    def _remember(self, delivered: Iterable[Parcel]) -> None:
        smallest = min((one.payload for one in delivered), key=len, default=None)
        known, now = self._smallest, time.time()
        if smallest and (known is None or len(smallest) <= len(known.payload) or known.is_aging(now)):
            self._smallest = _Delivered(smallest, now)

    def _sample(self) -> bytes | None:
        """Return the smallest event that can be posted again, or None.

        Segment counts it once.
        """
        known = self._smallest
        return known.payload if known and known.can_be_repeated(time.time()) else self._recently_delivered()


@dataclass(frozen=True, slots=True)
class _Delivered:
    """An event that Segment accepted, and the time."""

    payload: bytes
    at: float

    def can_be_repeated(self, now: float) -> bool:
        """Return whether Segment still knows its ``messageId``."""
        return now - self.at < DEDUPLICATED_SECONDS

    def is_aging(self, now: float) -> bool:
        """Return whether a newer, larger event is the better sample."""
        return now - self.at > DEDUPLICATED_SECONDS / 2


class _Sending:
    """One ``send``: halves a refused batch until the refused event is alone.

    400 and 413 are about the events. 403 is about an event if Segment accepts another one. That is another event of
    this ``send``, or the sample: an event that Segment has accepted before. If Segment refuses the sample too, 403 is
    about the credentials. Without a sample the cause is unknown. Then an event that is refused alone is retried later,
    and the others are sent.

    Args:
        post: posts a batch.
        sample: returns an event that may be posted again, or None.
        until: on the monotonic clock, the end of the posts.
        is_ending: whether the process ends; then no further post is made.
    """

    def __init__(
        self,
        post: Callable[[Sequence[bytes]], Outcome],
        sample: Callable[[], bytes | None],
        until: float,
        is_ending: Callable[[], bool],
    ) -> None:
        self._post = post
        self._sample = sample
        self._until = until
        self._is_ending = is_ending
        self._accepts: bool | None = None
        self._suspects = 0

    def outcomes(self, messages: Sequence[bytes]) -> list[Outcome]:
        """Post all messages, and return their outcomes."""
        outcomes = self._send(messages)
        if self._accepts:
            return outcomes
        return [replace(one, happened=Happened.FAILED) if _is_suspect(one) else one for one in outcomes]

    def _send(self, messages: Sequence[bytes]) -> list[Outcome]:
        if not messages or self._is_over():
            return [Outcome(Happened.UNTRIED)] * len(messages)
        outcome = self._judged(self._post(messages))
        if outcome.happened is not Happened.REJECTED:
            return [outcome] * len(messages)
        if len(messages) == 1:
            self._suspects += _is_suspect(outcome) and not self._accepts
            return [outcome]
        if _is_suspect(outcome) and not self._accepts and self._suspects >= MOST_SUSPECTS:
            return [replace(outcome, happened=Happened.FAILED)] * len(messages)
        half = len(messages) // 2
        first = self._send(messages[:half])
        if _ends(first[-1]):
            return first + [Outcome(Happened.UNTRIED)] * (len(messages) - half)
        return first + self._send(messages[half:])

    def _is_over(self) -> bool:
        return time.monotonic() > self._until or self._is_ending()

    def _judged(self, outcome: Outcome) -> Outcome:
        """Return the outcome of a batch after finding the cause of a 403."""
        if outcome.happened is Happened.DELIVERED:
            self._accepts = True
        if not _is_suspect(outcome) or self._accepts is not None or self._is_over():
            return outcome
        self._accepts = False
        if (sample := self._sample()) is None:
            return outcome
        probe = self._post([sample])
        if _is_suspect(probe):
            return replace(outcome, happened=Happened.FORBIDDEN)
        self._accepts = probe.happened is Happened.DELIVERED
        return outcome if probe.happened in _SETTLED else probe


_SETTLED = (Happened.DELIVERED, Happened.REJECTED)


def _ends(outcome: Outcome) -> bool:
    """Return whether further posts are useless."""
    is_left_for_later = outcome.happened is Happened.FAILED and outcome.code == HTTPStatus.FORBIDDEN
    return outcome.happened not in _SETTLED and not is_left_for_later


def _is_suspect(outcome: Outcome) -> bool:
    return outcome.happened is Happened.REJECTED and outcome.code == HTTPStatus.FORBIDDEN


class _Needed(msgspec.Struct):
    """Fields of an event that Segment requires; other fields are skipped."""

    userId: Any = None  # noqa: N815 - Segment's name
    event: Any = None
    messageId: str = ""  # noqa: N815 - Segment's name


_NEEDED = msgspec.json.Decoder(_Needed)


def _refused(payload: bytes) -> str:
    """Say why Segment would drop or refuse this event; "" if it stores it.

    Segment answers 200 to some events that it drops.
    """
    message = _NEEDED.decode(payload)
    for refused, reason in (
        (not message.userId, "no userId"),
        (not message.event, "no event name"),
        (len(message.messageId) > MESSAGE_ID_LENGTH, "a messageId over 100 characters"),
        (len(payload) > EVENT_BYTES, "over 32 KB"),
    ):
        if refused:
            return f"not sent, Segment would discard it: {reason}"
    return ""
