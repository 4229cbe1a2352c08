"""Bulk upserts: many customers in one ``POST /v1/customers/bulk/async``.

    post ──202──▶ PROCESSING, with the id of the async action ──look──▶ the outcome of each customer
                       ▲                                       │
                       └── not finished, or not readable ──────┘ after ``UNREAD_SECONDS`` UNKNOWN, and sent again

No call waits for the end of a bulk: the delivery remembers the async action, and each look is a ``send`` of its own.
Voucherify does the bulk updates of a project one after the other. An upsert may still be part of an unfinished bulk.
Then it is sent in the next bulk, never alone. Alone it could overtake the bulk, and an old value would follow a new
one.

A bulk is halved if Voucherify refuses it as a whole, or does not say which customer failed. So a wrong customer fails
alone.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.delivery.rules.sink import Happened, Job, Outcome
from bridge.sinks.voucherify.calls import Call
from bridge.sinks.voucherify.run import Run, noted
from bridge.voucherify_api.answers import Answer, Reach
from bridge.voucherify_api.endpoints import ASYNC_ACTION, UPSERT, UPSERT_MANY

WORTH_IT = 5
"""Upserts from which on a bulk costs fewer calls.

A bulk costs its post and one or two looks. For fewer customers it would only take longer.
"""

LARGEST_BYTES = 10_000_000
"""Bytes of one request: 10 MB, by either way of counting."""

FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.5, 30.0
"""Seconds until the first look, and between two looks at most.

Between them, a look comes when the age of the bulk has doubled.
"""

UNREAD_SECONDS, LONGEST_BULK_SECONDS = 300.0, 3_600.0
"""Age of a bulk from which on its end is not expected any more: if it cannot be read, and if it is in progress."""

SLOW_SECONDS, REST = 0.5, 9.0
"""Seconds of a slow look, after which no look begins for nine times its duration.

So looks that hang take a tenth of the time at most.
"""

_ID = re.compile(r"[\w.-]{1,200}")
"""Id of an async action that fits into a path and a column."""

_Outcomes = dict[int, Outcome]
"""Outcomes by the place of a call."""


def is_worth_it(calls: Sequence[Call]) -> bool:
    """Return whether a bulk of these upserts costs fewer calls."""
    return len(calls) >= WORTH_IT or any(call.in_doubt_since is not None for call in calls)


def begin(run: Run, calls: Sequence[Call]) -> _Outcomes:
    """Post the upserts of all customers.

    What Voucherify accepts is ``PROCESSING``.
    """
    if not is_worth_it(calls):
        return {call.place: one(run, call) for call in calls}
    outcomes: _Outcomes = {}
    for chunk in _chunks(calls):
        outcomes |= _begin_chunk(run, chunk)
    return outcomes


def one(run: Run, call: Call) -> Outcome:
    """Upsert one customer."""
    return run.outcome(run.call(UPSERT.request(content=call.content)), repeatable=True, note=call.note)


def _chunks(calls: Iterable[Call]) -> Iterator[list[Call]]:
    chunk: list[Call] = []
    size = 0
    for call in calls:
        length = len(call.content) + len(", ")
        if chunk and size + length > LARGEST_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(call)
        size += length
    if chunk:
        yield chunk


def _begin_chunk(run: Run, calls: Sequence[Call]) -> _Outcomes:
    content = b"[" + b", ".join(call.content for call in calls) + b"]"
    answer = run.call(UPSERT_MANY.request(content=content))
    outcome = run.happened(answer, repeatable=False)
    if outcome is Happened.REJECTED and len(calls) > 1:
        return _halve(run, calls)
    if outcome is not Happened.DELIVERED:
        return {call.place: run.outcome(answer, repeatable=False, note=call.note) for call in calls}
    job_id = str(answer.json().get("async_action_id"))
    if not _ID.fullmatch(job_id):
        return {call.place: _unseen(call, Job("without an id", run.now), answer) for call in calls}
    job = Job(job_id, run.now)
    return {call.place: replace(under_way(job, run.now, call.note), pause=answer.pause) for call in calls}


def _halve(run: Run, calls: Sequence[Call]) -> _Outcomes:
    half = len(calls) // 2
    return begin(run, calls[:half]) | begin(run, calls[half:])


class Looks:
    """Looks at async actions, which must not take the time of other deliveries."""

    def __init__(self) -> None:
        self._rests_until = 0.0

    def outcomes(self, run: Run, job: Job, calls: Sequence[Call]) -> _Outcomes:
        """Look at an async action once, and return the outcomes of its customers."""
        answer = self._read(run, job)
        action = answer.json() if answer.is_success else {}
        if action.get("status") in ("DONE", "FAILED"):
            known = _judge(calls, action)
            unclear = [call for call in calls if call.place not in known]
            return known | (_halve(run, unclear) if unclear else {})
        if run.now - job.since < (LONGEST_BULK_SECONDS if action else UNREAD_SECONDS):
            waiting = {call.place: under_way(job, run.now, call.note) for call in calls}
            return {place: replace(one, code=answer.code, pause=answer.pause) for place, one in waiting.items()}
        return {call.place: _unseen(call, job, answer) for call in calls}

    def _read(self, run: Run, job: Job) -> Answer:
        began = run.now
        if began < self._rests_until:
            return Answer(Reach.HELD)
        answer = run.call(ASYNC_ACTION.request(job.id))
        if run.now - began > SLOW_SECONDS:
            self._rests_until = run.now + REST * (run.now - began)
        return answer


def under_way(job: Job, now: float, note: str) -> Outcome:
    """Return the outcome of an upsert in an unfinished bulk, with the time until the next look."""
    wait = max(FIRST_LOOK_SECONDS, min(now - job.since, LONGEST_LOOK_SECONDS))
    detail = noted(note, f"async action {job.id}: not finished")
    return Outcome(Happened.PROCESSING, detail=detail, retry_after=wait, note=note, job=job)


def _unseen(call: Call, job: Job, last: Answer) -> Outcome:
    note = noted(call.note, f"async action {job.id}: its end was not seen")
    return Outcome(Happened.UNKNOWN, last.code, noted(note, last.text), pause=last.pause)


def _judge(calls: Sequence[Call], job: Mapping[str, Any]) -> _Outcomes:
    """Return the outcomes that are known, by the failed customers of the action.

    The outcome of a single call is always known. Failed customers are in ``errors`` by the OpenAPI file, and in
    ``failed`` by the documentation of older jobs.
    """
    result = job.get("result")
    result = result if isinstance(result, dict) else {}
    named = {entry["source_id"]: entry for key in ("errors", "failed") for entry in _entries(result.get(key))}
    refused = {
        call.place: Outcome(Happened.REJECTED, detail=noted(call.note, json.dumps(named[call.source_id])))
        for call in calls
        if call.source_id in named
    }
    count = result.get("failed_count")
    # The calls may be a part of the action's customers.
    more_failed = isinstance(count, int) and count > len(named)
    if more_failed or "FAILED" in (job.get("status"), job.get("operation_status")):
        done = result.get("done_count")
        is_single = len(calls) == 1 and not (isinstance(done, int) and isinstance(count, int) and done + count > 1)
        if refused or not is_single:
            return refused
        happened = Happened.REJECTED if more_failed else Happened.FAILED
        return {calls[0].place: Outcome(happened, detail=noted(calls[0].note, json.dumps(job)))}
    done = f"async action {job.get('id')}: {job.get('status')}"
    return {call.place: Outcome(Happened.DELIVERED, detail=noted(call.note, done)) for call in calls} | refused


def _entries(value: Any) -> list[Mapping[str, Any]]:
    entries = value if isinstance(value, list) else []
    return [
        entry
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("source_id"), str) and entry["source_id"]
    ]
