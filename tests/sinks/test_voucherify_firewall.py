"""A 403: a firewall in front of Voucherify refuses one payload, or the keys are refused."""

from flask import Response

from bridge.delivery.rules.sink import Happened
from bridge.demo.voucherify import Call
from tests.sinks.voucherify_stage import BEGIN, Stage, Work, event, happened, says, upsert, upserts

DELIVERED, REJECTED, FAILED, THROTTLED, FORBIDDEN, UNTRIED, UNKNOWN, UNCERTAIN = Happened
ATTACK = "<img src=x onerror=alert(1)>"
READ = "GET /v1/customers"


def firewall(call: Call, work: Work) -> Response:
    """Refuse what looks like an attack."""
    blocked = Response("<html>Request blocked.</html>", 403, mimetype="text/html")
    return blocked if "onerror" in str(call.body) else work()


def test_one_customer_alone_is_rejected(stage: Stage) -> None:
    stage.stand_in.fault = firewall
    [outcome] = stage.send(upsert(name=ATTACK))
    assert (outcome.happened, outcome.code, outcome.pause) == (REJECTED, 403, None)


def test_a_custom_event_is_rejected_and_the_others_go_on(stage: Stage) -> None:
    stage.stand_in.fault = firewall
    outcomes = stage.send(event("anna", note=ATTACK), upsert("boris"), event("carla", note=ATTACK), event("dora"))
    assert happened(outcomes) == [REJECTED, DELIVERED, REJECTED, DELIVERED]
    assert stage.asked(READ).count(READ) == 1, "one read tells for all"


def test_in_a_bulk_it_is_found_by_halving_and_the_others_are_delivered(stage: Stage) -> None:
    stage.stand_in.fault = firewall
    parcels = upserts(100)
    parcels[42] = upsert("customer-42", name=ATTACK)
    outcomes = stage.send(*parcels)
    assert happened(outcomes) == [REJECTED if place == 42 else DELIVERED for place in range(100)]
    assert outcomes[42].code == 403
    assert stage.clock.at - BEGIN < 30.0


def test_when_a_harmless_read_is_refused_too_it_is_the_keys(stage: Stage) -> None:
    stage.stand_in.fault = says(403)
    assert happened(stage.send(upsert("anna"), upsert("boris"), event("carla"))) == [FORBIDDEN, UNTRIED, UNTRIED]
    assert stage.asked() == ["POST /v1/customers", READ]


def test_of_a_bulk_too(stage: Stage) -> None:
    stage.stand_in.fault = says(403)
    assert happened(stage.send(*upserts(6))) == [FORBIDDEN] * 6


def test_when_the_read_says_nothing_it_is_tried_again(stage: Stage) -> None:
    stage.stand_in.fault = lambda call, work: (says(503) if call.method == "GET" else firewall)(call, work)
    assert happened(stage.send(upsert(name=ATTACK), upsert("boris"))) == [FAILED, DELIVERED]


def test_a_look_up_that_is_refused_is_uncertain_or_waits_for_the_keys(later: Stage) -> None:
    later.fail("activity", says(403))
    assert happened(later.send(event(since=BEGIN))) == [UNCERTAIN]
    later.stand_in.fault = lambda call, work: says(403)(call, work) if "schemas" not in call.path else work()
    assert happened(later.send(event(since=BEGIN))) == [FORBIDDEN]


def test_the_probe_says_that_the_keys_are_refused(stage: Stage) -> None:
    stage.stand_in.fault = says(403)
    assert stage.sink().probe().happened is FORBIDDEN
    assert stage.asked() == [READ]
