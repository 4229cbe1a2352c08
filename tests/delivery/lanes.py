"""Calls of customers, each in a lane and named by its payload."""

from collections.abc import Sequence

from bridge.delivery.database.engine import Database
from bridge.delivery.database.tables import deliveries
from bridge.delivery.outbox.outbox import Claim, Outbox, Settlement
from bridge.delivery.rules.retry import Policy, decide
from bridge.delivery.rules.sink import Happened, Outcome
from bridge.messages import Arrival, Outgoing, Status
from tests.delivery.arrivals import SINK, Received, keep, packed, rows
from tests.delivery.sinks import ScriptedSink

NOW, LEASE = 2_000.0, 40.0
POLICY = Policy(max_age=86_400.0)

DELIVERED = Outcome(Happened.DELIVERED, 200, "ok")
REJECTED = Outcome(Happened.REJECTED, 400, "no")
FAILED = Outcome(Happened.FAILED, 503)
UNKNOWN = Outcome(Happened.UNKNOWN)
UNCERTAIN = Outcome(Happened.UNCERTAIN)
UNTRIED = Outcome(Happened.UNTRIED)


def call(lane: str | None, name: str, *, mergeable: bool = False, at: float = 1_000.0, sink: str = SINK) -> Received:
    """Return a call of the customer ``lane`` with one delivery.

    Its name is its payload and its key.
    """
    outgoing = Outgoing(sink, name, name.encode(), lane, mergeable)
    return packed(name.encode(), Arrival(Status.ACCEPTED, "Call", customer=lane, outgoing=(outgoing,)), at)


def upsert(lane: str, name: str, at: float = 1_000.0) -> Received:
    """Return a call that may be merged with its neighbours."""
    return call(lane, name, mergeable=True, at=at)


def queue(database: Database, lane: str, *names: str) -> list[str]:
    """Add calls of one customer that are never merged; return their events' ids."""
    return keep(database, *(call(lane, name) for name in names))


def claim(database: Database, now: float = NOW, sink: ScriptedSink | None = None) -> list[Claim]:
    """Claim due deliveries."""
    return Outbox(database).claim(sink or ScriptedSink(), now, LEASE)


def settle(database: Database, claims: Sequence[Claim], outcome: Outcome = DELIVERED, now: float = NOW) -> None:
    """Settle claims by the policy, with the longest delay."""
    settled = [Settlement(one, outcome, decide(outcome, one.tried, POLICY, now, 1.0)) for one in claims]
    Outbox(database).settle(SINK, settled, now, now)


def names(claims: Sequence[Claim]) -> list[str]:
    """Return the names of claimed deliveries, followers behind their first."""
    return [one.decode() for claim in claims for one in (claim.parcel.payload, *claim.parcel.followers)]


def drain(database: Database, now: float = NOW) -> list[str]:
    """Claim and deliver until none is due; return the payloads in their order."""
    sent: list[str] = []
    while claims := claim(database, now):
        sent += names(claims)
        settle(database, claims, now=now)
    return sent


def standing(database: Database) -> dict[str, str]:
    """Return the status of each delivery by its key."""
    return {row["key"]: row["status"] for row in rows(database, deliveries)}
