"""Look-up of a custom event in doubt, in its customer's activity.

    an event with its identification ────────────────────▶ delivered
    a similar event without an identification ───────────▶ uncertain
    neither, long enough after ──────────────────────────▶ None: it was not recorded, and is sent

An event without an identification may be the bridge's. Voucherify stores what the event's schema defines, and the
bridge cannot read that schema.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from bridge.delivery.rules.sink import Happened, Outcome
from bridge.sinks.voucherify.calls import IDENTIFICATION, Call
from bridge.sinks.voucherify.run import Run
from bridge.voucherify_api.answers import Answer
from bridge.voucherify_api.endpoints import ACTIVITY

MARGIN_SECONDS = 300.0
"""Seconds before the doubt from which on the search begins.

The clocks of both sides may differ.
"""

PAGE, PAGES = 100, 50
"""Activities per page, the most that Voucherify returns, and pages of a search."""


def look_up(run: Run, call: Call, since: float) -> Outcome | None:
    """Return the outcome of a custom event in doubt.

    None if it was not recorded, and may be sent.

    Args:
        since: start of the doubt, in epoch seconds.
    """
    suspects = 0
    for page in _pages(run, call.source_id, since):
        if isinstance(page, Outcome):
            return page
        for name, metadata in _custom_events(page):
            if metadata.get(IDENTIFICATION) == call.identification:
                return Outcome(Happened.DELIVERED, detail="it was in doubt, and is in the customer's activity")
            suspects += name == call.body["event"] and _may_be(metadata, call.body["metadata"])
    if suspects:
        return _uncertain(f"{suspects} like it in the customer's activity, without {IDENTIFICATION}")
    wait = run.settled_at(since) - run.now
    if wait > 0:
        return Outcome(Happened.FAILED, detail="in doubt, and not in the customer's activity yet", retry_after=wait)
    return None


def _pages(run: Run, source_id: str, since: float) -> Iterator[list[Any] | Outcome]:
    """Yield the customer's activities, and at the end why there are no more."""
    if source_id in (".", ".."):  # it would be another path
        yield _uncertain("the customer's activity has no address")
        return
    query = _query(since)
    for _ in range(PAGES):
        answer = run.call(ACTIVITY.request(quote(source_id, safe=""), query=query))
        if answer.code == HTTPStatus.NOT_FOUND and _is_unknown(source_id, answer.json()):
            return
        if not answer.is_success:
            yield _unread(run, answer)
            return
        page = answer.json()
        activities = page["data"]
        yield activities
        if not page.get("has_more"):
            return
        last = _object(activities[-1]).get("id") if activities else ""
        query |= {"starting_after_id": str(page.get("more_starting_after") or last)}
    yield _uncertain(f"not found among {PAGE * PAGES} activities, and there are more")


def _is_unknown(source_id: str, error: Mapping[str, Any]) -> bool:
    """Return whether a 404 says that the customer does not exist.

    The 404 of a proxy, or of another path, does not say so.
    """
    is_named = error.get("resource_id") == source_id or str(error.get("details")).endswith(f" {source_id}")
    return error.get("key") == "not_found" and is_named


def _unread(run: Run, answer: Answer) -> Outcome:
    if run.happened(answer, repeatable=True) is Happened.REJECTED:
        return _uncertain(f"the look-up was answered {answer.code}: {answer.text}")
    return run.outcome(answer, repeatable=True, note="in doubt, and cannot be looked up now")


def _query(since: float) -> dict[str, str]:
    start = datetime.fromtimestamp(since - MARGIN_SECONDS, UTC).isoformat(timespec="milliseconds")
    return {
        "type": "customer.custom_event",
        "start_date": start.replace("+00:00", "Z"),
        "order": "created_at",
        "limit": str(PAGE),
    }


def _custom_events(activities: list[Any]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Return name and metadata of each custom event.

    By the OpenAPI file they are in ``data.data.event``. Older activities have them elsewhere.
    """
    for activity in activities:
        outer = _object(_object(activity).get("data"))
        inner = _object(outer.get("data")) or outer
        event = _object(inner.get("event") or inner.get("custom_event"))
        yield event.get("type"), _object(event.get("metadata"))


def _may_be(metadata: Mapping[str, Any], ours: Mapping[str, Any]) -> bool:
    """Return whether the metadata may be this event's.

    Voucherify may have stored a part of it. Another identification excludes it.
    """
    return all(key in ours and ours[key] == value for key, value in metadata.items())


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _uncertain(why: str) -> Outcome:
    return Outcome(Happened.UNCERTAIN, detail=f"in doubt: {why}")
