"""Events of a message: whatever it holds, each has an outcome of its own."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.doors import DOORS
from bridge.json_text import write
from bridge.messages import EVENT_TYPES, RAW_EVENTS, Message, Status
from bridge.to_voucherify.raw_events.presets import PRESETS
from bridge.translation import meaning
from tests.delivery.pending import message
from tests.to_voucherify.test_events import JSON

BATCH = "v1/batch"
FIELDS = ("type", "userId", "anonymousId", "messageId", "event", "name", "groupId", "context", "traits", "integrations")
EVENTS = st.one_of(JSON, st.dictionaries(st.sampled_from(FIELDS), st.one_of(JSON, st.sampled_from(EVENT_TYPES))))
TYPES = st.sets(st.sampled_from(EVENT_TYPES))


@given(st.lists(EVENTS, max_size=5), st.dictionaries(st.sampled_from(("context", "integrations")), JSON), TYPES)
@example([{"type": [], "userId": "anna-1"}, {"type": {}, "event": "E"}], {}, set())
def test_every_event_of_a_batch_has_an_outcome(items: list[Any], shared: dict[str, Any], types: set[str]) -> None:
    body = message(write({"batch": items, **shared}), BATCH)
    found = list(meaning.events(body, PRESETS, types=types))
    assert [one.id[26:] for one in found] == [f"{place:04d}" for place in range(len(items))]
    assert not any(one.fault for one in found), "no error of the code"
    allowed = [one for one in found if one.arrival.status is Status.ACCEPTED]
    sent = [items[int(one.id[26:])]["type"] for one in allowed]
    assert set(sent) <= types
    assert [meaning.again(body, one.id, PRESETS, types) for one in found] == [
        meaning.Event(one.id, one.arrival) for one in found
    ]


@pytest.mark.parametrize("door", [path for path, row in DOORS.items() if row.queue == RAW_EVENTS])
def test_an_error_of_the_code_is_that_events_alone(monkeypatch: pytest.MonkeyPatch, door: str) -> None:
    def fail(*_: object) -> bool:
        raise TypeError("of the test")

    monkeypatch.setattr(meaning, "_forbidden", fail)
    [event] = meaning.events(_one(door), PRESETS)
    assert event.arrival.status is Status.QUARANTINED
    assert event.arrival.reason.startswith("unexpected error: TypeError at ")
    assert event.fault


def _one(door: str) -> Message:
    value = {"type": "track", "event": "E", "userId": "anna-1"}
    return message(write({"batch": [value]} if door == BATCH else value), door)
