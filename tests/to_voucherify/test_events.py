"""Raw events: limits, completion, cleaning, and the problems of invalid events."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.doors import BATCH
from bridge.errors import Invalid
from bridge.messages import EVENT_TYPES as TYPES
from bridge.to_voucherify.raw_events.events import completed, problems, size
from bridge.to_voucherify.raw_events.posted import BATCH_BYTES, BATCH_EVENTS, EVENT_BYTES, WEBHOOK_EVENTS, posted

AT = 1_900_000_000.25
TRACK = {"type": "track", "userId": "anna-1", "event": "Order Completed"}

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def of_size(wanted: int) -> dict[str, Any]:
    padding = wanted - size({**TRACK, "properties": {"x": ""}})
    return {**TRACK, "properties": {"x": "x" * padding}}


def single(value: Any, kind: str = "") -> Any:
    """The one event of a body, checked as its door does."""
    one = posted(value, kind, size(value))
    one.check()
    return one.event(0)


def several(value: Any, kind: str = BATCH, length: int = 100) -> list[Any]:
    """The events of a batch or an array, checked as their door does, as they are translated."""
    many = posted(value, kind, length)
    many.check()
    return [many.event(place) for place in range(len(many.items))]


def refused(raised: pytest.ExceptionInfo[Invalid]) -> dict[str, str]:
    return raised.value.fields


@pytest.mark.parametrize("kind", TYPES)
def test_the_path_sets_the_type_of_an_event(kind: str) -> None:
    value = {"userId": "anna-1", "event": "Order Completed", "type": "something else"}
    assert single(value, kind)["type"] == kind


@pytest.mark.parametrize(
    ("value", "kind", "fields"),
    [
        pytest.param({"event": "X"}, "track", {"userId"}, id="neither user nor anonymous id"),
        pytest.param({"event": "X", "userId": ""}, "track", {"userId"}, id="an empty user id"),
        pytest.param({"event": "X", "userId": " "}, "track", {"userId"}, id="a blank user id"),
        pytest.param({"event": "X", "userId": None, "anonymousId": None}, "track", {"userId"}, id="nulls"),
        pytest.param({"event": "X", "userId": {"a": 1}}, "track", {"userId"}, id="a user id that is an object"),
        pytest.param({"event": "X", "userId": True}, "track", {"userId"}, id="a user id that is a boolean"),
        pytest.param({"userId": "a"}, "track", {"event"}, id="no name"),
        pytest.param({"userId": "a", "event": ""}, "track", {"event"}, id="an empty name"),
        pytest.param({"userId": "a", "event": 5}, "track", {"event"}, id="a name that is a number"),
        pytest.param({}, "track", {"userId", "event"}, id="nothing"),
        pytest.param({"userId": "a"}, "", {"type"}, id="no type"),
        pytest.param({"userId": "a", "type": "delete"}, "", {"type"}, id="another type"),
        pytest.param({"userId": "a", "type": ["track"]}, "", {"type"}, id="a type that is a list"),
        pytest.param({"userId": "a", "messageId": []}, "page", {"messageId"}, id="a message id that is a list"),
        pytest.param([], "track", {""}, id="a list"),
        pytest.param("x", "", {""}, id="a text"),
        pytest.param(None, "track", {""}, id="null"),
    ],
)
def test_an_invalid_single_event_is_rejected_by_field(value: Any, kind: str, fields: set[str]) -> None:
    with pytest.raises(Invalid) as raised:
        single(value, kind)
    assert refused(raised).keys() == fields


@pytest.mark.parametrize("kind", ["identify", "page", "screen", "group", "alias"])
@pytest.mark.parametrize("who", [{"userId": "anna-1"}, {"anonymousId": "nobody"}])
def test_only_track_needs_a_name_and_one_of_two_ids_suffices(kind: str, who: dict[str, str]) -> None:
    assert problems(single(who, kind)) == {}


def test_numeric_ids_become_texts_and_nulls_and_write_keys_are_removed() -> None:
    value = {"userId": 7, "groupId": 7.5, "messageId": 1, "anonymousId": None, "writeKey": "secret", "event": "X"}
    assert single({**value, "properties": {"kept": None}}, "track") == {
        "type": "track",
        "userId": "7",
        "groupId": "7.5",
        "messageId": "1",
        "event": "X",
        "properties": {"kept": None},
    }


def test_an_event_of_32_kb_is_accepted_and_one_more_byte_is_not() -> None:
    assert single(of_size(EVENT_BYTES), "track")
    with pytest.raises(Invalid, match="Larger than 32 KB"):
        single(of_size(EVENT_BYTES + 1), "track")


def test_the_limit_counts_bytes_of_utf_8() -> None:
    value = of_size(EVENT_BYTES)
    value["properties"]["x"] = "ö" * (len(value["properties"]["x"]) // 2)
    assert size(value) <= EVENT_BYTES < len(json.dumps(value))
    assert single(value, "track")


def test_an_event_of_a_webhook_may_exceed_the_limit() -> None:
    assert single(of_size(EVENT_BYTES + 500))


# Batches


def test_a_batch_shares_context_and_integrations_and_an_event_overrides_them() -> None:
    value = {
        "context": {"ip": "1.2.3.4", "library": {"name": "the batch's"}},
        "integrations": {"All": False},
        "writeKey": "secret",
        "batch": [
            TRACK,
            {**TRACK, "context": {"library": {"name": "its own"}}, "integrations": {"All": True}},
            {**TRACK, "context": None},
            {**TRACK, "context": "odd"},
            "no event",
        ],
    }
    shared = {"context": value["context"], "integrations": {"All": False}}
    assert several(value) == [
        {**TRACK, **shared},
        {**TRACK, "context": {"ip": "1.2.3.4", "library": {"name": "its own"}}, "integrations": {"All": True}},
        {**TRACK, **shared},
        {**TRACK, "context": "odd", "integrations": {"All": False}},
        "no event",
    ]


@pytest.mark.parametrize("odd", [5, "x", [], None])
def test_shared_values_that_are_not_objects_are_ignored(odd: Any) -> None:
    assert several({"batch": [TRACK], "context": odd, "integrations": odd}) == [TRACK]


@pytest.mark.parametrize("value", [{}, [], "x", None, {"batch": {}}, {"batch": None}])
def test_an_invalid_batch_is_rejected(value: Any) -> None:
    with pytest.raises(Invalid) as raised:
        several(value)
    assert refused(raised).keys() == {"batch"}


def test_the_limits_of_a_batch() -> None:
    full = {"batch": [TRACK] * BATCH_EVENTS}
    assert len(several(full, length=BATCH_BYTES)) == BATCH_EVENTS
    with pytest.raises(Invalid, match="More than 2500 events"):
        several({"batch": [*full["batch"], TRACK]}, length=BATCH_BYTES)
    with pytest.raises(Invalid, match="Larger than 500 KB"):
        several(full, length=BATCH_BYTES + 1)
    assert several({"batch": []}) == []


def test_a_large_event_does_not_reject_its_batch() -> None:
    value = {"batch": [TRACK, of_size(EVENT_BYTES + 1)]}
    many = posted(value, BATCH, size(value))
    many.check()
    assert [many.is_too_large(place) for place in range(2)] == [False, True]


def test_an_array_has_at_most_the_batch_size_of_segments_webhooks() -> None:
    assert len(several([TRACK] * WEBHOOK_EVENTS, "")) == WEBHOOK_EVENTS
    with pytest.raises(Invalid, match="More than 4000"):
        several([TRACK] * (WEBHOOK_EVENTS + 1), "")


# Completion


def test_an_event_without_id_and_time_receives_both() -> None:
    received = "2030-03-17T17:46:40.250Z"
    added = {"messageId": "new", "timestamp": received, "receivedAt": received}
    assert completed(TRACK, "new", AT) == {**TRACK, **added}
    assert completed({**TRACK, "messageId": ""}, "new", AT)["messageId"] == "new"


def test_an_events_own_values_stay() -> None:
    told = {**TRACK, "messageId": "m-1", "timestamp": "2020-01-01T00:00:00Z", "receivedAt": "2020-01-01T00:00:01Z"}
    assert completed(told, "new", AT) == told
    assert completed("no event", "new", AT) == "no event"


@given(JSON, st.sampled_from(["", *TYPES]))
def test_any_json_is_an_event_or_rejected(value: Any, kind: str) -> None:
    assume(kind or not isinstance(value, list))  # that is an array of events
    try:
        event = single(value, kind)
    except Invalid as error:
        assert error.fields  # noqa: PT017 - both outcomes are right
    else:
        assert problems(event) == {}


@given(st.lists(JSON, max_size=5), JSON)
def test_any_item_of_a_batch_stays_at_its_place(items: list[Any], context: Any) -> None:
    taken = several({"batch": items, "context": context})
    assert [isinstance(one, dict) for one in taken] == [isinstance(one, dict) for one in items]
    for one in taken:
        assert isinstance(problems(completed(one, "new", AT)), dict)
