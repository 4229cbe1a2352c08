"""Any number of customers, who redeem once each: whose event arrived, and how often, is seen by its ``userId``."""

from tests.webhooks import ANNA, encode, redemption, webhook


def users(count: int, prefix: str = "user") -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


def redeems(user: str, unique: str | None = None) -> bytes:
    """The webhook of ``user``'s redemption, as often as it is asked for; ``unique`` names it instead of the user."""
    name = unique or user
    data = redemption(f"r_{name}", customer={**ANNA, "source_id": user})
    return encode(webhook("redemption.succeeded", data, event_id=f"ev_{name}"))
