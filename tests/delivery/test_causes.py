import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.rules.causes import LENGTH, of_outcome, of_reason
from bridge.delivery.rules.sink import Happened, Outcome

REJECTED, FAILED = Happened.REJECTED, Happened.FAILED


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        pytest.param(Outcome(FAILED, 503, "<html>Service Unavailable</html>"), "failed 503", id="a page says nothing"),
        pytest.param(Outcome(FAILED, 503), "failed 503", id="no body"),
        pytest.param(Outcome(FAILED, detail="ConnectionError"), "failed: ConnectionError", id="no answer"),
        pytest.param(
            Outcome(REJECTED, 404, '{"code": 404, "key": "resource_not_found", "message": "Resource not found"}'),
            "rejected 404: Resource not found",
            id="Voucherify",
        ),
        pytest.param(
            Outcome(REJECTED, 400, '{"success": false, "error": {"message": "malformed", "code": "invalid"}}'),
            "rejected 400: malformed",
            id="Segment",
        ),
        pytest.param(Outcome(REJECTED, 400, '{"key": "not_found"}'), "rejected 400: not_found", id="a key alone"),
        pytest.param(Outcome(REJECTED, 400, "[1]"), "rejected 400", id="another JSON"),
        pytest.param(Outcome(REJECTED, 400, "[" * 100_000), "rejected 400", id="a deep JSON"),
        pytest.param(
            Outcome(REJECTED, 400, '{"message": "No customer cust_8Ja9213 of anna@example.com,  at all"}'),
            "rejected 400: No customer … of … at all",
            id="nobody is named",
        ),
    ],
)
def test_a_cause_is_what_all_of_a_kind_have_in_common(outcome: Outcome, cause: str) -> None:
    assert of_outcome(outcome) == cause


def test_a_reason_loses_what_is_particular() -> None:
    assert of_reason("the same came before, as 01KA3GTTB7AVXGHDJ3HXY4QRJ1") == "the same came before, as …"


@given(st.text())
def test_any_text_becomes_one_short_line(said: str) -> None:
    cause = of_outcome(Outcome(FAILED, detail=said))
    assert len(cause) <= LENGTH
    assert "\n" not in cause
    cause.encode()
