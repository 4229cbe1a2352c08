"""The twelve events: a signed webhook at the door, a named event at Segment."""

from tests.acceptance.conftest import Serve
from tests.acceptance.customers import redeems
from tests.acceptance.receiver import Receiver
from tests.acceptance.waiting import until
from tests.webhooks import ANNA, encode, webhook

_REDEMPTION = {"order", "promotion_tier", "redemption", "voucher", "holder"}
_REWARD_REDEMPTION = {"reward", "reward_assignment", "reward_redemption", "voucher", "source", "holder", "balance"}

DOCUMENT = {
    "redemption.succeeded": ("Customer Redemption Succeeded", _REDEMPTION),
    "redemption.failed": ("Customer Redemption Failed", _REDEMPTION),
    "redemption.rollback.succeeded": (
        "Customer Redemption Rollback Succeeded",
        _REDEMPTION | {"redemption_rollback"},
    ),
    "redemption.rollback.failed": ("Customer Redemption Rollback Failed", _REDEMPTION | {"redemption_rollback"}),
    "customer.reward_redemptions.created": ("Customer Reward Redemptions Created", _REWARD_REDEMPTION),
    "customer.reward_redemptions.completed": ("Customer Reward Redemptions Completed", _REWARD_REDEMPTION),
    "customer.rewarded": (
        "Customer Rewarded",
        {"redemption", "referral_tier", "reward", "voucher", "holder", "balance"},
    ),
    "customer.rewarded.loyalty_points": (
        "Customer Rewarded Loyalty Points",
        {"earning_rule", "loyalty_tier", "order", "voucher", "holder", "balance"},
    ),
    "validation.succeeded": ("Customer Validation Succeeded", {"validation"}),
    "validation.failed": ("Customer Validation Failed", {"validation"}),
    "publication.succeeded": ("Customer Publication Succeeded", {"publication"}),
    "publication.failed": ("Customer Publication Failed", {"publication"}),
}
"""By Voucherify's type: the event's name at Segment, and its fields beside the customer and the campaign."""


def buyer(kind: str) -> str:
    return f"buyer of {kind}"


def webhook_of(kind: str) -> bytes:
    """With every field that the document names, each an object of its own."""
    _, fields = DOCUMENT[kind]
    objects = {name: {"id": f"{name} of {kind}", "nested": {"deeper": {"in": name}}} for name in fields}
    data = {"customer": {**ANNA, "source_id": buyer(kind)}, "campaign": {"id": "camp_1", "name": "Spring"}, **objects}
    return encode(webhook(kind, data, event_id=f"ev_{kind}"))


def test_the_twelve_events_arrive_as_the_document_says(database_url: str, serve: Serve, segment: Receiver) -> None:
    server = serve(database_url, segment)

    assert [server.status(webhook_of(kind)) for kind in DOCUMENT] == ["accepted"] * 12

    buyers = list(map(buyer, DOCUMENT))
    segment.wait_for(buyers)
    segment.assert_once(buyers)
    for kind, (name, fields) in DOCUMENT.items():
        event = segment.event_of(buyer(kind))
        assert (event["type"], event["event"]) == ("track", name)
        assert event["timestamp"].startswith("2031-04-05T06:07:09")
        assert event["integrations"] == {"Voucherify (Actions)": False}
        assert event["context"]["voucherify"] == {
            "project_id": "proj_1",
            "event_id": f"ev_{kind}",
            "webhook_id": "wh_1",
            "channel": "API",
        }
        assert "anonymousId" not in event
        assert 0 < len(event["messageId"]) <= 100
        properties = event["properties"]
        assert properties.keys() == {"email", "customer", "campaign", *fields}
        assert properties["email"] == ANNA["email"]
        assert properties["customer"]["source_id"] == buyer(kind)
        assert all(properties[field] == {"id": f"{field} of {kind}", "nested_deeper_in": field} for field in fields), (
            properties
        )


def test_an_event_has_the_same_message_id_on_any_machine(
    sqlite_url: str, postgres_url: str, serve: Serve, segment: Receiver
) -> None:
    for url in (sqlite_url, postgres_url):
        assert serve(url, segment).status(redeems("ada")) == "accepted"

    until(lambda: segment.users()["ada"] == 2, "both machines deliver it")

    assert len({event["messageId"] for event in segment.stand_in.events}) == 1
