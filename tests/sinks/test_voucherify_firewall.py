"""403 of a firewall for one payload, or of Voucherify for the keys."""

from flask import Response

from bridge.delivery.rules.sink import Happened
from bridge.demo.voucherify import Call
from bridge.sinks.voucherify.permission import MOST, REASON, SEVERAL
from tests.sinks.voucherify_stage import BEGIN, Stage, Work, event, happened, says, upsert, upserts

DELIVERED, REJECTED, FAILED, THROTTLED, FORBIDDEN, UNTRIED, PROCESSING, UNKNOWN, UNCERTAIN = Happened
ATTACK = "<img src=x onerror=alert(1)>"
READ = "GET /v1/customers"


def firewall(call: Call, work: Work) -> Response:
    """Refuse payloads that look like an attack."""
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


# Keys that may read and not write


def read_only(call: Call, work: Work) -> Response:
    return says(403)(call, work) if call.method == "POST" else work()


def test_when_every_write_is_refused_the_keys_are_to_blame_and_nothing_becomes_dead(stage: Stage) -> None:
    stage.stand_in.fault = read_only
    outcomes = stage.send(*upserts(1000))
    assert {outcome.happened for outcome in outcomes} == {FORBIDDEN, UNTRIED}
    assert happened(outcomes).count(FORBIDDEN) == MOST
    assert {one.because for one in outcomes if one.happened is FORBIDDEN} == {REASON}
    assert len(stage.asked()) < 3 * MOST


def test_one_after_another_the_fifth_and_what_follows_waits(stage: Stage) -> None:
    stage.stand_in.fault = read_only
    sink = stage.sink()
    found = [happened(sink.send([event(f"customer-{number}")])) for number in range(7)]
    assert found == [[REJECTED]] * (SEVERAL - 1) + [[FORBIDDEN]] * (7 - SEVERAL + 1)
    stage.stand_in.fault = None
    assert happened(sink.send([event("customer-5"), upsert("customer-6")])) == [DELIVERED] * 2
    stage.stand_in.fault = read_only
    assert happened(sink.send([event("customer-7")])) == [REJECTED]


def test_the_same_delivery_again_is_not_another(stage: Stage) -> None:
    stage.stand_in.fault = read_only
    sink = stage.sink()
    assert [happened(sink.send([event("anna")])) for _ in range(SEVERAL + 1)] == [[REJECTED]] * (SEVERAL + 1)


def test_many_that_a_firewall_refuses_do_not_block_the_others(stage: Stage) -> None:
    stage.stand_in.fault = firewall
    sink = stage.sink()
    attacks = [event(f"attacker-{number}", note=ATTACK) for number in range(3 * MOST)]
    assert set(happened(sink.send(attacks))) == {FORBIDDEN, UNTRIED}
    both = [*attacks, event("anna")]
    sends = [happened(sink.send(both)) for _ in range(5)]
    [last] = [found for found in sends if DELIVERED in found][:1]
    assert last[-1] is DELIVERED
    assert set(last[:-1]) <= {REJECTED, UNTRIED}
    assert REJECTED in last


def test_what_was_refused_beside_an_accepted_one_is_dead_in_bulk_too(stage: Stage) -> None:
    stage.stand_in.fault = firewall
    parcels = [upsert(f"attacker-{number}", name=ATTACK) for number in range(6)] + upserts(6)
    assert happened(stage.send(*parcels)) == [REJECTED] * 6 + [DELIVERED] * 6
