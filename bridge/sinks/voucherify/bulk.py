"""Bulk upserts: many customers in one ``POST /v1/customers/bulk/async``.

The outcome of each is read from the async action of the bulk. Voucherify does the bulk updates of a project one after
the other. An upsert may still be part of an unfinished bulk. Then it is sent in the next bulk, never alone. Alone it
could overtake the bulk, and an old value would follow a new one.

A bulk is halved if Voucherify refuses it as a whole, or does not say which customer failed. So a wrong customer fails
alone.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from bridge.delivery.rules.sink import Happened, Outcome
from bridge.sinks.voucherify.calls import Call
from bridge.sinks.voucherify.run import Run, noted
from bridge.voucherify_api.answers import Answer, Reach
from bridge.voucherify_api.endpoints import ASYNC_ACTION, UPSERT, UPSERT_MANY

WORTH_IT = 5
"""Upserts from which on a bulk costs fewer calls.

A bulk costs its post and one or two polls. For fewer customers it would only take longer.
"""

LARGEST_BYTES = 10_000_000
"""Bytes of one request: 10 MB, by either way of counting."""

FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.5, 5.0
"""Seconds until the first poll, and between two polls at most.

Each pause doubles.
"""

_Outcomes = dict[int, Outcome]
"""Outcomes by the place of a call."""


def is_worth_it(calls: Sequence[Call]) -> bool:
    """Return whether a bulk of these upserts costs fewer calls."""
    return len(calls) >= WORTH_IT or any(call.in_doubt_since is not None for call in calls)


def deliver(run: Run, calls: Sequence[Call], until: float) -> _Outcomes:
    """Upsert all customers.

    Args:
        until: end of the polling. What is not known then is ``UNKNOWN``.
    """
    if not is_worth_it(calls):
        return {call.place: one(run, call) for call in calls}
    outcomes: _Outcomes = {}
    for chunk in _chunks(calls):
        known = _deliver_chunk(run, chunk, until)
        outcomes |= known
        unclear = [call for call in chunk if call.place not in known]
        for part in (unclear[: len(unclear) // 2], unclear[len(unclear) // 2 :]):
            outcomes |= deliver(run, part, until)
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


def _deliver_chunk(run: Run, calls: Sequence[Call], until: float) -> _Outcomes:
    """Return the outcome of each call that is known.

    The outcome of a single call is always known.
    """
    content = b"[" + b", ".join(call.content for call in calls) + b"]"
    answer = run.call(UPSERT_MANY.request(content=content))
    outcome = run.happened(answer, repeatable=False)
    if outcome is Happened.REJECTED and len(calls) > 1:
        return {}
    if outcome is not Happened.DELIVERED:
        return {call.place: run.outcome(answer, repeatable=False, note=call.note) for call in calls}
    job_id = answer.json().get("async_action_id")
    job, last = _finished(run, str(job_id), until) if job_id else ({}, answer)
    if not job:
        return {call.place: _unknown(call, job_id, last) for call in calls}
    return _judge(calls, job)


def _finished(run: Run, job_id: str, until: float) -> tuple[Mapping[str, Any], Answer]:
    """Poll the async action until it has ended.

    Returns the action, empty if it has not ended in time, and the last response.
    """
    pause = FIRST_POLL_SECONDS
    while True:
        run.sleep(pause)
        answer = run.call(ASYNC_ACTION.request(quote(job_id, safe="")))
        job = answer.json() if answer.code == HTTPStatus.OK else {}
        if job.get("status") in ("DONE", "FAILED"):
            return job, answer
        if answer.reach in (Reach.HELD, Reach.NEVER) or answer.pause is not None or run.now + pause > until:
            return {}, answer
        pause = min(2 * pause, LONGEST_POLL_SECONDS)


def _unknown(call: Call, job_id: Any, last: Answer) -> Outcome:
    note = noted(call.note, f"async action {job_id}: its end was not seen")
    return Outcome(Happened.UNKNOWN, last.code, noted(note, last.text), pause=last.pause)


def _judge(calls: Sequence[Call], job: Mapping[str, Any]) -> _Outcomes:
    """Return the outcomes by the failed customers of the action.

    They are in ``errors`` by the OpenAPI file, and in ``failed`` by the documentation of older jobs.
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
    more_failed = isinstance(count, int) and count > len(refused)
    if more_failed or "FAILED" in (job.get("status"), job.get("operation_status")):
        if refused or len(calls) > 1:
            return refused
        happened = Happened.REJECTED if more_failed else Happened.FAILED
        return {calls[0].place: Outcome(happened, detail=noted(calls[0].note, json.dumps(job)))}
    done = f"async action {job.get('id')}: {job.get('status')}"
    return {call.place: Outcome(Happened.DELIVERED, detail=noted(call.note, done)) for call in calls} | refused


def _entries(value: Any) -> list[Mapping[str, Any]]:
    entries = value if isinstance(value, list) else []
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("source_id"), str)]
