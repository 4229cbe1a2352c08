"""Responses of Voucherify, and outcomes of deliveries."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Response, request

from bridge.delivery.rules.sink import Happened, Parcel
from bridge.demo.serving import Served
from bridge.demo.voucherify import Call
from bridge.sinks.voucherify import VoucherifySink
from tests.acceptance.server import free_port
from tests.sinks.voucherify_stage import SECRET_KEY, Stage, Work, after_the_work, event, happened, says, upsert

DELIVERED, REJECTED, FAILED, THROTTLED, FORBIDDEN, UNTRIED, PROCESSING, UNKNOWN, UNCERTAIN = Happened


@pytest.mark.parametrize(
    ("status", "of_upsert", "of_event"),
    [
        pytest.param(200, DELIVERED, DELIVERED, id="200"),
        pytest.param(301, FAILED, UNKNOWN, id="301: a proxy may have passed it on"),
        pytest.param(307, FAILED, UNKNOWN, id="307: a proxy may have passed it on"),
        pytest.param(400, REJECTED, REJECTED, id="400"),
        pytest.param(401, FORBIDDEN, FORBIDDEN, id="401"),
        pytest.param(402, FORBIDDEN, FORBIDDEN, id="402"),
        pytest.param(403, REJECTED, REJECTED, id="403, and Voucherify accepts the keys"),
        pytest.param(404, REJECTED, REJECTED, id="404"),
        pytest.param(408, FAILED, UNKNOWN, id="408"),
        pytest.param(409, REJECTED, REJECTED, id="409"),
        pytest.param(422, REJECTED, REJECTED, id="422"),
        pytest.param(423, REJECTED, REJECTED, id="423"),
        pytest.param(429, THROTTLED, THROTTLED, id="429"),
        pytest.param(500, FAILED, UNKNOWN, id="500"),
        pytest.param(502, FAILED, UNKNOWN, id="502"),
        pytest.param(503, FAILED, UNKNOWN, id="503"),
        pytest.param(504, FAILED, UNKNOWN, id="504"),
        pytest.param(600, FAILED, UNKNOWN, id="600: no status at all"),
    ],
)
def test_a_status_says_what_became_of_it(stage: Stage, status: int, of_upsert: Happened, of_event: Happened) -> None:
    for parcel, path, expected in (
        (upsert(), "POST /v1/customers", of_upsert),
        (event("boris"), "POST /v1/events", of_event),
    ):
        stage.fail(path, says(status) if status != 200 else lambda _, work: work())
        [outcome] = stage.send(parcel)
        assert (outcome.happened, outcome.code) == (expected, status)
    assert not stage.project.customers or status == 200


def test_the_text_of_a_refusal_is_stored(stage: Stage) -> None:
    stage.project.unwanted["anna"] = "phone: must be a phone number"
    [outcome] = stage.send(upsert())
    for said in ('"key": "invalid_customer"', '"message": "Invalid customer"', "phone: must be a phone number"):
        assert said in outcome.detail


def test_a_redirect_is_not_followed(stage: Stage) -> None:
    with Served(stage.stand_in.app()) as elsewhere:
        stage.fail("POST /v1/customers", says(307, Location=f"{elsewhere.url}/v1/customers/bulk/async"))
        [outcome] = stage.send(upsert())
    assert outcome.happened is FAILED
    assert stage.asked() == ["POST /v1/customers"]


@pytest.mark.parametrize(
    ("parcel", "path", "expected"),
    [
        pytest.param(upsert(), "POST /v1/customers", FAILED, id="an upsert is repeated"),
        pytest.param(event(), "POST /v1/events", UNKNOWN, id="a custom event may have been taken"),
    ],
)
class TestNoAnswer:
    def test_none_in_time(self, stage: Stage, parcel: Parcel, path: str, expected: Happened) -> None:
        stage.fail(path, stage.never)
        [outcome] = stage.send(parcel, call=0.3)
        assert (outcome.happened, outcome.code) == (expected, None)

    def test_one_that_drips(self, stage: Stage, parcel: Parcel, path: str, expected: Happened) -> None:
        def drip() -> Iterator[bytes]:
            while not stage.released.wait(0.05):
                yield b" "

        stage.fail(path, lambda *_: Response(drip(), mimetype="application/json"))
        [outcome] = stage.send(parcel, call=0.4)
        assert (outcome.happened, outcome.code) == (expected, None)

    def test_a_connection_that_breaks(self, stage: Stage, parcel: Parcel, path: str, expected: Happened) -> None:
        def hang_up(_: Call, work: Work) -> Response:
            answer = work()
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return answer

        stage.fail(path, hang_up)
        [outcome] = stage.send(parcel)
        assert (outcome.happened, outcome.code) == (expected, None)

    def test_no_connection(self, stage: Stage, parcel: Parcel, path: str, expected: Happened) -> None:
        # Nothing can have been accepted. The schemas are known already.
        sink = stage.sink()
        sink.send([upsert("b", metadata={"a": 1}), event("c")])
        sink._client._url = f"http://127.0.0.1:{free_port()}"
        assert happened(sink.send([parcel, upsert("d"), event("e")])) == [FAILED] * 3

    @pytest.mark.parametrize("url", ["http://", "http://256.256.256.256", "ftp://example.com", "http://[::1"])
    def test_no_address(self, stage: Stage, parcel: Parcel, path: str, expected: Happened, url: str) -> None:
        [outcome] = stage.send(parcel, url=url)
        assert outcome.happened is FAILED


def test_a_service_that_is_down_is_not_knocked_at_again_and_again(stage: Stage) -> None:
    budget = iter([0.0])
    sink = stage.sink(url=f"http://127.0.0.1:{free_port()}", allow=lambda: next(budget))
    assert set(happened(sink.send([event(f"c{number}") for number in range(50)]))) == {FAILED}


def test_what_one_customer_meets_is_no_concern_of_the_next(stage: Stage) -> None:
    stage.fail("POST /v1/customers", lambda call, work: says(500)(call, work) if "boris" in str(call.body) else work())
    stage.project.unwanted["carla"] = "blocked"
    outcomes = stage.send(upsert("anna"), upsert("boris"), event("carla"), event("dora"))
    assert happened(outcomes) == [DELIVERED, FAILED, REJECTED, DELIVERED]


def test_the_keys_are_sent_and_nothing_else_is_asked_of_netrc(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    seen: list[str] = []

    def look(_: Call, work: Work) -> Response:
        seen.extend(request.headers.keys())
        return work()

    stage.stand_in.fault = look
    assert happened(stage.send(upsert())) == [DELIVERED]
    assert "Authorization" not in seen
    assert {"X-App-Id", "X-App-Token"} <= set(seen)


def test_keys_in_any_alphabet_are_refused_by_voucherify_alone(stage: Stage) -> None:
    assert happened(VoucherifySink("ключ", "鍵", stage.url).send([upsert()])) == [FORBIDDEN]


class TestProbe:
    def test_right_keys(self, stage: Stage) -> None:
        assert stage.sink().probe().happened is DELIVERED
        assert [(call.method, call.path, call.query) for call in stage.stand_in.calls] == [
            ("GET", "/v1/customers", {"limit": "1"})
        ]

    def test_wrong_keys(self, stage: Stage) -> None:
        stage.stand_in.secret_key = "another"
        assert stage.sink().probe().happened is FORBIDDEN

    def test_the_host_is_unreachable(self, stage: Stage) -> None:
        outcome = stage.sink(url=f"http://127.0.0.1:{free_port()}").probe()
        assert (outcome.happened, outcome.code) == (FAILED, None)

    def test_it_does_not_wait_for_the_budget(self, stage: Stage) -> None:
        assert stage.sink(allow=lambda: 1e9).probe().happened is DELIVERED
        assert stage.clock.slept == []


def test_no_outcome_repeats_a_key(stage: Stage) -> None:
    stage.stand_in.secret_key = "another"
    told = [*stage.send(upsert()), *stage.send(upsert(), url="http://"), stage.sink().probe()]
    assert SECRET_KEY not in repr(told)


def test_done_and_answered_with_500_an_upsert_is_the_same_again(stage: Stage) -> None:
    stage.fail("POST /v1/customers", after_the_work(says(500)))
    assert happened(stage.send(upsert(name="Anna"))) == [FAILED]
    stage.stand_in.fault = None
    assert happened(stage.send(upsert(name="Anna"))) == [DELIVERED]
    assert stage.project.customers == {"anna": {"source_id": "anna", "name": "Anna"}}
