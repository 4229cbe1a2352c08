"""When calls pile up: few calls to Voucherify, and one customer's pile is nobody else's."""

from flask import Response

from bridge.demo.voucherify import Call
from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve
from tests.acceptance.destination import Destination, identify, track, users
from tests.acceptance.server import SEVERAL
from tests.acceptance.voucherify import BULK, EVENTS, Voucherify, Work, answer
from tests.acceptance.waiting import until
from tests.acceptance.waiting_calls import fill

MANY = 10_000


def test_ten_thousand_waiting_identifies_of_as_many_customers_take_at_most_210_calls(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    names = users(MANY)
    fill(database_url, [identify(name, metadata={"audience": "true"}) for name in names])

    serve(database_url, voucherify, *SEVERAL)

    until(lambda: books.deliveries() == {"delivered": MANY}, "everything is delivered", patience=60)
    assert voucherify.project.customers.keys() == set(names)
    assert all(customer["metadata"] == {"audience": "true"} for customer in voucherify.project.customers.values())
    assert len(voucherify.calls()) <= 210
    assert voucherify.calls(BULK)


def test_others_are_delivered_while_ten_thousand_calls_of_one_customer_wait(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    fill(database_url, [track("hot", f"Step {number}") for number in range(MANY)])
    destination = Destination(serve(database_url, voucherify).root)
    others = users(20)
    voucherify.wait_for_events(1)

    destination.accept(*(track(name) for name in others), *(identify(name, name="there") for name in others))

    def arrived() -> bool:
        found = voucherify.project.customers
        return all(found.get(name, {}).get("name") == "there" for name in others)

    until(arrived, "the others' calls are delivered")
    told = [event["event"] for event in list(voucherify.project.events) if event["customer"]["source_id"] == "hot"]
    assert 0 < len(told) < MANY / 2
    assert told == [f"Step {number}" for number in range(len(told))]
    assert books.deliveries()["queued"] > MANY / 2


def test_a_customer_whose_calls_always_fail_delays_nobody_else_and_keeps_its_order(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    mended = False

    def moody(call: Call, work: Work) -> Response:
        return answer(500) if not mended and "unlucky" in str(call.body) else work()

    voucherify.script = moody
    destination = Destination(serve(database_url, voucherify).root)
    others = users(20)
    mine = [f"Step {number}" for number in range(5)]
    destination.accept(*(track("unlucky", step) for step in mine), *map(track, others))
    until(lambda: books.deliveries()["delivered"] == len(others), "the others' calls are delivered")
    until(lambda: books.attempts()["unknown"] >= 1, "the unlucky one's was tried")
    destination.accept(*(identify(name) for name in others))
    until(lambda: books.deliveries()["delivered"] == 2 * len(others), "the others' next calls are delivered")
    assert books.deliveries() == {"delivered": 2 * len(others), "waiting": 1, "queued": len(mine) - 1}

    mended = True

    def settled() -> bool:
        books.move_backoff()
        return books.deliveries()["delivered"] == 2 * len(others) + len(mine)

    until(settled, "it is the unlucky one's turn")
    told = [event["event"] for event in voucherify.project.events if event["customer"]["source_id"] == "unlucky"]
    assert told == mine
    assert {call.body["event"] for call in voucherify.calls(EVENTS)} == {*mine, "Order Completed"}
