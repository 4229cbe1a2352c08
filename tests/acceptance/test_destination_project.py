"""What a project's metadata schema does not take, what Voucherify refuses, and both directions in one process."""

from bridge.demo.metadata_schemas import metadata_schema
from tests.acceptance.books import Books
from tests.acceptance.conftest import Serve
from tests.acceptance.customers import redeems
from tests.acceptance.destination import Destination, group, identify, track, users
from tests.acceptance.receiver import Receiver
from tests.acceptance.voucherify import Voucherify


def test_metadata_that_does_not_fit_is_left_out_and_named_and_the_call_goes_on(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    voucherify.project.schemas = {
        "customer": metadata_schema(
            "customer", {"visits": "number", "member": "boolean", "tier": "string", "group_id": "string"},
            defined_only=True,
        ),
        "event": metadata_schema("event", {"total": "number", "bridge_id": "string"}, defined_only=True),
    }  # fmt: skip
    told = {"visits": "7", "member": "true", "tier": "gold", "shoe": "42"}
    upsert, event, joined = Destination(serve(database_url, voucherify).root).accept(
        identify("anna", metadata=told),
        track("ben", metadata={"total": "49.5", "messageId": "m-1", "colour": "red"}),
        group("carla", plan="pro"),
    )

    books.wait_until_settled(3)

    assert books.deliveries() == {"delivered": 3}
    customers, [recorded] = voucherify.project.customers, voucherify.project.events
    assert customers["anna"]["metadata"] == {"visits": 7, "member": True, "tier": "gold"}
    assert customers["carla"]["metadata"] == {"group_id": "g-9"}
    assert recorded["metadata"]["total"] == 49.5
    assert recorded["metadata"].keys() == {"total", "bridge_id"}
    for event_id, left_out in ((upsert, "shoe"), (event, "colour"), (joined, "group_plan")):
        [(detail,)] = books.rows(
            "SELECT detail FROM attempts JOIN deliveries ON deliveries.id = delivery_id WHERE event_id = :id",
            id=event_id,
        )
        assert detail.startswith(f"metadata left out: {left_out} (not in the schema)")


def test_what_voucherify_refuses_is_a_dead_letter_that_says_why_and_the_customer_moves_on(
    database_url: str, serve: Serve, voucherify: Voucherify, books: Books
) -> None:
    voucherify.project.unwanted = {"anna": "phone: must be a phone number"}
    destination = Destination(serve(database_url, voucherify).root)
    [event_id] = destination.accept(track("anna", "First"))
    books.wait_until_settled(1)
    voucherify.project.unwanted = {}
    destination.accept(track("anna", "Second"), track("ben"))

    books.wait_until_settled(3)

    assert books.rows("SELECT event_id, attempts FROM deliveries WHERE status = 'dead'") == [(event_id, 1)]
    assert voucherify.events() == {("anna", "Second"): 1, ("ben", "Order Completed"): 1}
    [(code, detail)] = books.rows("SELECT code, detail FROM attempts WHERE outcome = 'rejected'")
    assert code == 400
    for said in ('"key": "invalid_customer"', '"message": "Invalid customer"', "phone: must be a phone number"):
        assert said in detail


def test_both_directions_in_one_server(
    database_url: str, serve: Serve, segment: Receiver, voucherify: Voucherify, books: Books
) -> None:
    server = serve(database_url, segment, voucherify)
    destination = Destination(server.root)
    assert destination.test().status_code == 200
    names = users(10)
    for name in names:
        assert server.status(redeems(name)) == "accepted"
        destination.accept(identify(name), track(name))

    books.wait_until_settled(3 * len(names))

    segment.assert_once(names)
    assert voucherify.events() == {(name, "Order Completed"): 1 for name in names}
    assert voucherify.project.customers.keys() == set(names)
    assert dict(books.rows("SELECT direction, count(*) FROM events GROUP BY direction")) == {
        "to_segment": len(names),
        "to_voucherify": 2 * len(names),
    }
