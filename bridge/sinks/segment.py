"""Segment, by its own library: messages that its client built are posted with its ``post``.

Source: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

import logging
import time
from collections.abc import Sequence
from typing import Any

import requests
from segment.analytics import request as sdk

from bridge.delivery.sink import Happened, Outcome, Parcel
from bridge.sinks.http import BoundedAdapter, retry_after
from bridge.to_segment import SINK
from bridge.to_segment.fit import LIMIT as EVENT_BYTES
from bridge.wire import read

BATCH_BYTES, BATCH_COUNT = 500_000, 2_500
ENVELOPE_BYTES = 6_000
"""What a batch is beside its events: write key, time, brackets, and two bytes between one event and the next."""

MESSAGE_ID_LENGTH = 100

HAPPENED = {
    400: Happened.REJECTED,
    413: Happened.REJECTED,
    401: Happened.FORBIDDEN,
    403: Happened.FORBIDDEN,
    429: Happened.THROTTLED,
}
"""By status of an answer that is not 2xx; any other may succeed another time."""

POST_SECONDS, SPLIT_SECONDS = 10.0, 20.0
"""One post's deadline; and how long a refused batch is halved before the rest is left for another time."""

# What the library logs at lower levels are whole messages, with people's data; what goes wrong it raises as well.
logging.getLogger("segment").setLevel(logging.CRITICAL + 1)


class SegmentSink:
    """Posts batches to ``{host}/v1/batch``.

    Args:
        write_key: the source's.
        host: of Segment, or of anything that speaks its protocol.
        gzip: compress what is posted.
    """

    name = SINK
    knows_repeats = True  # by the messageId
    max_count = BATCH_COUNT
    max_bytes = BATCH_BYTES - ENVELOPE_BYTES
    patience = SPLIT_SECONDS + POST_SECONDS

    def __init__(self, write_key: str, host: str, *, gzip: bool = False, deadline: float = POST_SECONDS) -> None:
        self._write_key = write_key
        self._host = host
        self._gzip = gzip
        self._deadline = deadline
        sdk._session.mount(host, BoundedAdapter(deadline))  # noqa: SLF001 - the library's only door to its connections

    def send(self, parcels: Sequence[Parcel]) -> Sequence[Outcome]:
        """Post them as one batch; what Segment would take and throw away is rejected here."""
        messages = [read(parcel.payload) for parcel in parcels]
        refused = [_refused(message, len(one.payload)) for message, one in zip(messages, parcels, strict=True)]
        good = [message for message, reason in zip(messages, refused, strict=True) if not reason]
        outcomes = iter(self._post(good, time.monotonic() + SPLIT_SECONDS))
        return [Outcome(Happened.REJECTED, detail=reason) if reason else next(outcomes) for reason in refused]

    def _post(self, messages: list[Any], until: float) -> list[Outcome]:
        """Post; when something in the batch is refused, halve it until that is alone."""
        if not messages or time.monotonic() > until:
            return [Outcome(Happened.UNTRIED)] * len(messages)
        outcome = self._post_once(messages)
        if outcome.happened is not Happened.REJECTED or len(messages) == 1:
            return [outcome] * len(messages)
        half = len(messages) // 2
        first = self._post(messages[:half], until)
        if first[-1].happened not in (Happened.DELIVERED, Happened.REJECTED):
            return first + [Outcome(Happened.UNTRIED)] * (len(messages) - half)
        return first + self._post(messages[half:], until)

    def _post_once(self, messages: list[Any]) -> Outcome:
        try:
            response = sdk.post(self._write_key, self._host, gzip=self._gzip, timeout=self._deadline, batch=messages)
        except sdk.APIError as error:
            happened = HAPPENED.get(error.status, Happened.FAILED)
            return Outcome(happened, error.status, error.response.text, retry_after(error.response))
        except requests.RequestException as error:
            return Outcome(Happened.FAILED, detail=type(error).__name__)
        return Outcome(Happened.DELIVERED, response.status_code, response.text)


def _refused(message: Any, size: int) -> str:
    """Why Segment would answer 200 to this message and throw it away, or not take it; "" if it would keep it."""
    for refused, reason in (
        (not message.get("userId"), "no userId"),
        (not message.get("event"), "no event name"),
        (len(message.get("messageId", "")) > MESSAGE_ID_LENGTH, "a messageId over 100 characters"),
        (size > EVENT_BYTES, "over 32 KB"),
    ):
        if refused:
            return f"not sent, Segment would discard it: {reason}"
    return ""
