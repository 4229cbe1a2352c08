"""Translation: the time and the type of an event."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.messages import Status
from bridge.to_segment.catalogue import Event
from tests.to_segment.track_calls import NOW, each_event, outcome, redeemed, track_call
from tests.webhooks import ANNA, DATA, distribution, redemption, rollback, webhook


@pytest.mark.parametrize(
    ("type_", "data", "envelope", "expected"),
    [
        pytest.param("redemption.succeeded", redemption(), {}, "2031-04-05T06:07:09", id="the event's own"),
        pytest.param(
            "redemption.succeeded", redemption(), {"event": None}, "2031-04-05T06:07:08.900", id="redemption's"
        ),
        pytest.param(
            "redemption.succeeded",
            redemption(),
            {"event": {"created_at": "yesterday"}},
            "2031-04-05T06:07:08.900",
            id="what is no time is passed over",
        ),
        pytest.param(
            "redemption.rollback.succeeded", rollback(), {"event": None}, "2031-04-06T06:07:08.900", id="rollback's"
        ),
        pytest.param(
            "validation.failed", DATA["validation.failed"], {"event": {}}, "2031-04-08T06:07:08.900", id="validation's"
        ),
        pytest.param(
            "redemption.failed",
            {"customer": ANNA, "redemption": {"id": "rf_1"}, "created_at": "2031-04-05T01:02:03Z"},
            {"event": None},
            "2031-04-05T01:02:03",
            id="the data's",
        ),
        pytest.param("rewarded", {"customer": ANNA}, {"event": None}, "2031-04-05T06:07:10", id="the webhook's"),
        pytest.param(
            "rewarded", {"customer": ANNA}, {"event": None, "created_at": 1}, NOW.isoformat()[:19], id="the arrival's"
        ),
    ],
)
def test_the_timestamp_is_the_time_of_the_event(type_: str, data: Any, envelope: dict[str, Any], expected: str) -> None:
    timestamp = datetime.fromisoformat(track_call(webhook(type_, data, **envelope))["timestamp"])
    assert timestamp == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("created_at", "expected"),
    [
        ("2031-04-05T06:07:08.123456Z", "2031-04-05T06:07:08.123+00:00"),
        ("2031-04-05T08:07:08+02:00", "2031-04-05T06:07:08.000+00:00"),
        ("2031-04-05T06:07:08", "2031-04-05T06:07:08.000+00:00"),
        ("2031-04-05", "2031-04-05T00:00:00.000+00:00"),
    ],
)
def test_a_timestamp_is_written_in_utc_with_milliseconds(created_at: str, expected: str) -> None:
    assert (
        track_call(webhook("redemption.succeeded", redemption(), event={"created_at": created_at}))["timestamp"]
        == expected
    )


@pytest.mark.parametrize("created_at", [None, "", "x", 7, {}, [], True, "0001-01-01T00:00:00+14:00"], ids=repr)
def test_an_invalid_time_is_ignored(created_at: Any) -> None:
    message = webhook("redemption.succeeded", redemption(), event={"created_at": created_at})
    assert track_call(message)["timestamp"] == "2031-04-05T06:07:08.900+00:00"


@each_event
@pytest.mark.parametrize("name", ["Voucher-redeemed", "We thank you, {{name}}!", "voucher.created", "", None], ids=repr)
def test_the_type_of_a_distributions_author_is_not_the_event(event: Event, name: str | None) -> None:
    message = distribution(event.type, DATA[event.type])
    assert track_call(message | {"type": name})["event"] == event.name


def test_a_name_that_looks_like_an_event_is_not_the_type() -> None:
    message = distribution("voucher.created", {"customer": ANNA}) | {"type": "redemption.succeeded"}
    arrival = outcome(message)
    assert (arrival.status, arrival.event, arrival.reason) == (
        Status.IGNORED,
        "customer.voucher.created",
        "unknown type",
    )


@pytest.mark.parametrize("event", [None, {}, {"id": "ev_1"}, {"id": "ev_1", "type": ""}], ids=repr)
def test_without_an_event_type_the_envelopes_type_counts(event: Any) -> None:
    assert track_call(redeemed() | {"event": event})["event"] == "Customer Redemption Succeeded"


def test_an_unknown_type_has_the_same_identity() -> None:
    # Otherwise its replay is another event.
    message = distribution("redemption.succeeded", redemption())
    assert outcome(message | {"type": "Voucher-redeemed"}).identity == outcome(message).identity


def test_no_type_at_all_is_quarantined() -> None:
    arrival = outcome(webhook("", redemption(), event={"id": "ev_1"}))
    assert (arrival.status, arrival.event) == (Status.QUARANTINED, "")
    assert arrival.reason.startswith("neither type nor event.type says what happened")


@pytest.mark.parametrize(
    "name", ["customer.created", "voucher.published", "customer.order.paid", "something.new", "EVENTS.VOUCHER.CREATED"]
)
def test_an_unknown_type_is_ignored_under_its_name(name: str) -> None:
    arrival = outcome(webhook(name, {"customer": ANNA}))
    assert (arrival.status, arrival.event, arrival.reason) == (Status.IGNORED, name, "unknown type")
    assert arrival.identity is not None


def test_a_long_name_is_cut() -> None:
    assert outcome(webhook("x" * 5_000, {})).event == "x" * 200
