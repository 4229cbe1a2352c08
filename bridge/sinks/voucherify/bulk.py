"""Many upserts in one request: ``POST /v1/customers/bulk/async``, and what became of each, read from its async action.

Voucherify does the bulk updates of a project one after the other. So an upsert that may still be in an unfinished one
goes into the next one, never alone: alone it could overtake, and an old value would come after a new one.

A bulk that is refused as a whole, or that does not say who failed, is halved until it does: one customer's trouble
stays one customer's.
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
"""Upserts from which on a bulk is made: with its post and a poll or two it costs fewer calls than they do alone, and
for fewer customers it would only take longer."""

LARGEST = 10_000_000
"""Bytes of one request: 10 MB, whichever way they are counted."""

FIRST_POLL, LONGEST_POLL = 0.5, 5.0
"""Seconds until the async action is first looked at, and the longest between two looks; each pause doubles."""

_Outcomes = dict[int, Outcome]
"""By a call's place."""


def is_worth_it(calls: Sequence[Call]) -> bool:
    """Whether these upserts go in bulk."""
    return len(calls) >= WORTH_IT or any(call.in_doubt_since is not None for call in calls)


def deliver(run: Run, calls: Sequence[Call], until: float) -> _Outcomes:
    """Upsert them all.

    Args:
        until: when polling ends; what is not known then is ``UNKNOWN``.
    """
    if not is_worth_it(calls):
        return {call.place: one(run, call) for call in calls}
    outcomes: _Outcomes = {}
    for chunk in _chunks(calls):
        told = _deliver_chunk(run, chunk, until)
        outcomes |= told
        unclear = [call for call in chunk if call.place not in told]
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
        if chunk and size + length > LARGEST:
            yield chunk
            chunk, size = [], 0
        chunk.append(call)
        size += length
    if chunk:
        yield chunk


def _deliver_chunk(run: Run, calls: Sequence[Call], until: float) -> _Outcomes:
    """What became of each call; those of which nobody can say it yet are missing, though never a single one."""
    content = b"[" + b", ".join(call.content for call in calls) + b"]"
    answer = run.call(UPSERT_MANY.request(content=content))
    found = run.happened(answer, repeatable=False)
    if found is Happened.REJECTED and len(calls) > 1:
        return {}
    if found is not Happened.DELIVERED:
        return {call.place: run.outcome(answer, repeatable=False, note=call.note) for call in calls}
    job_id = answer.json().get("async_action_id")
    job, last = _finished(run, str(job_id), until) if job_id else ({}, answer)
    if not job:
        return {call.place: _unknown(call, job_id, last) for call in calls}
    return _judge(calls, job)


def _finished(run: Run, job_id: str, until: float) -> tuple[Mapping[str, Any], Answer]:
    """The async action when it has ended, or nothing if that is not seen in time; and the last answer."""
    pause = FIRST_POLL
    while True:
        run.sleep(pause)
        answer = run.call(ASYNC_ACTION.request(quote(job_id, safe="")))
        job = answer.json() if answer.code == HTTPStatus.OK else {}
        if job.get("status") in ("DONE", "FAILED"):
            return job, answer
        if answer.reach in (Reach.HELD, Reach.NEVER) or answer.pause is not None or run.now + pause > until:
            return {}, answer
        pause = min(2 * pause, LONGEST_POLL)


def _unknown(call: Call, job_id: Any, last: Answer) -> Outcome:
    note = noted(call.note, f"async action {job_id}: its end was not seen")
    return Outcome(Happened.UNKNOWN, last.code, noted(note, last.text), pause=last.pause)


def _judge(calls: Sequence[Call], job: Mapping[str, Any]) -> _Outcomes:
    """Who failed is in ``errors`` by the OpenAPI file, in ``failed`` by the documentation of older jobs."""
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
        found = Happened.REJECTED if more_failed else Happened.FAILED
        return {calls[0].place: Outcome(found, detail=noted(calls[0].note, json.dumps(job)))}
    done = f"async action {job.get('id')}: {job.get('status')}"
    return {call.place: Outcome(Happened.DELIVERED, detail=noted(call.note, done)) for call in calls} | refused


def _entries(told: Any) -> list[Mapping[str, Any]]:
    entries = told if isinstance(told, list) else []
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("source_id"), str)]
