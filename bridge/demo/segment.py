"""A stand-in for Segment's tracking API, which records the batches it accepts.

Like Segment, it answers 200 to events that it drops. It records both kinds apart.
Source: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

import gzip
import json
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, jsonify, request

EVENT_BYTES, BATCH_BYTES, BATCH_COUNT = 32 * 1024, 500 * 1024, 2_500

Event = Mapping[str, Any]
Fault = Callable[[Sequence[Event]], Response | None]
"""Returns a response in place of the stand-in's, or None to accept the batch."""


@dataclass
class SegmentStandIn:
    """A stand-in, and the calls it has received.

    Attributes:
        write_key: the only write key that is accepted. Any, if empty.
        batches: every batch that was accepted.
        discarded: events that were answered 200 and dropped.
        fault: may respond in place of the stand-in. For tests.
        calls: the number of calls, accepted or not.
    """

    write_key: str = ""
    batches: list[list[Event]] = field(default_factory=list)
    discarded: list[Event] = field(default_factory=list)
    fault: Fault | None = None
    calls: int = 0

    @property
    def events(self) -> list[Event]:
        """Every accepted event, in the order of arrival, repeats included."""
        return [event for batch in self.batches for event in batch]

    def app(self) -> Flask:
        """Return the stand-in as a Flask application."""
        app = Flask("segment_stand_in", static_folder=None)
        app.post("/v1/batch")(self._batch)
        return app

    def _batch(self) -> tuple[Response, int] | Response:
        self.calls += 1
        body = request.get_data()
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        batch = json.loads(body)["batch"]
        response = self.fault(batch) if self.fault else None
        if response is not None:
            return response
        if self.write_key and _write_key(request.headers.get("Authorization", "")) != self.write_key:
            return jsonify(code="unauthorized", message="invalid write key"), 401
        sizes = [len(json.dumps(event)) for event in batch]
        if len(body) > BATCH_BYTES or len(batch) > BATCH_COUNT or any(size > EVENT_BYTES for size in sizes):
            return jsonify(code="invalid_request", message="Exceeded payload limit"), 400
        accepted = [event for event in batch if event.get("userId") and event.get("event")]
        self.discarded += [event for event in batch if event not in accepted]
        self.batches.append(accepted)
        return jsonify(success=True), 200


def _write_key(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    return b64decode(credentials).decode().partition(":")[0] if scheme == "Basic" else ""
