"""The tables. Times are seconds since the epoch, in UTC; bodies and payloads are compressed (zlib).

events ──1:n── deliveries ──1:n── attempts        what came in, what must go out, what was tried
seen                                              what keeps a repeat from being a second event
sinks                                             which service must not be called before when
tallies, latencies                                how many there were of each, and how long they took
chores                                            what one process at a time does for all
remembered                                        what one process knows and the next must not forget
audit, sign_ins                                   who did what; who tries to guess the token
bulk_replays                                      many events run again, in the background
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

metadata = MetaData()

events = Table(
    "events",
    metadata,
    Column("id", Text, primary_key=True),  # a ULID: newest last, made without asking the database
    Column("door", Text, nullable=False),  # the path that it came in by
    Column("direction", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("customer", Text),
    Column("received_at", Double, nullable=False),
    Column("repeats", Integer, nullable=False, server_default="0"),
    Column("body", LargeBinary, nullable=False),
    # Each ends in the id: a list reads the newest that fit, and no more.
    Index("events_by_status", "direction", "status", "id"),
    Index("events_by_name", "direction", "event", "id"),
)

Index(
    "events_by_customer",
    events.c.customer,
    events.c.id,
    sqlite_where=text("customer IS NOT NULL"),
    postgresql_where=text("customer IS NOT NULL"),
)
Index(
    "events_by_reason",
    events.c.id,
    events.c.reason,
    sqlite_where=text("status = 'quarantined'"),
    postgresql_where=text("status = 'quarantined'"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),  # the order of arrival
    Column("event_id", Text, ForeignKey("events.id"), nullable=False, index=True),
    Column("sink", Text, nullable=False),
    Column("event", Text, nullable=False, server_default=""),  # the event's name, for whoever counts
    Column("key", Text, nullable=False),
    Column("lane", Text),  # within one, strictly in the order of arrival
    Column("mergeable", Boolean, nullable=False),  # with its neighbours in the lane
    Column(
        "run_end", BigInteger
    ),  # the last that was merged into it: a repeat says the same; its own id: it goes alone
    Column("status", Text, nullable=False),
    Column("due_at", Double, nullable=False),  # while claimed: when the lease ends
    Column("claims", Integer, nullable=False, server_default="0"),  # the fencing token: every claim is a new number
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("created_at", Double, nullable=False),
    Column("doubt_since", Double),  # sent, or about to be, and nobody has recorded what came of it
    Column("settled_at", Double),
    Column("cause", Text),  # why it is not delivered, in a few words: see causes.py
    Column("size", Integer, nullable=False),  # bytes of the payload before compression
    Column("payload", LargeBinary, nullable=False),
)

Index(
    "deliveries_due",
    deliveries.c.sink,
    deliveries.c.due_at,
    deliveries.c.id,
    deliveries.c.size,  # so that a claim reads no rows but those that it takes
    sqlite_where=text("status = 'waiting'"),
    postgresql_where=text("status = 'waiting'"),
)
Index(
    "deliveries_in_lane",
    deliveries.c.sink,
    deliveries.c.lane,
    deliveries.c.id,
    sqlite_where=text("status IN ('waiting', 'queued')"),
    postgresql_where=text("status IN ('waiting', 'queued')"),
)
Index("deliveries_by_status", deliveries.c.sink, deliveries.c.status, deliveries.c.event_id)
Index(
    "deliveries_by_cause",
    deliveries.c.event_id,
    deliveries.c.cause,
    sqlite_where=text("cause IS NOT NULL"),
    postgresql_where=text("cause IS NOT NULL"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("delivery_id", BigInteger, ForeignKey("deliveries.id"), primary_key=True),
    Column("claim", Integer, primary_key=True),
    Column("at", Double, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("code", Integer),
    Column("detail", Text, nullable=False),
    sqlite_with_rowid=False,
)

seen = Table(
    "seen",
    metadata,
    Column("key", LargeBinary(16), primary_key=True),
    Column("digest", LargeBinary(16), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("at", Double, nullable=False),
    sqlite_with_rowid=False,
)

sinks = Table(
    "sinks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("paused_until", Double, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("next_call_at", Double, nullable=False, server_default="0"),  # with a budget: when the next call may be made
    Column("beat_at", Double, nullable=False, server_default="0"),  # when a worker of it was last known to be alive
)

tallies = Table(
    "tallies",
    metadata,
    Column("bucket", BigInteger, primary_key=True),  # when an interval began, in epoch seconds; 0: long ago
    Column("direction", Text, primary_key=True),
    Column("event", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("cause", Text, primary_key=True),  # of what went wrong, "" otherwise
    Column("shard", Integer, primary_key=True),  # of several processes hardly two wait for one row
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

latencies = Table(
    "latencies",
    metadata,
    Column("bucket", BigInteger, primary_key=True),
    Column("sink", Text, primary_key=True),
    Column("up_to", Double, primary_key=True),  # seconds: the upper bound of a histogram's bucket
    Column("shard", Integer, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),  # all of them together
    sqlite_with_rowid=False,
)

chores = Table(
    "chores",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", Double, nullable=False),  # when somebody last took it on
    Column("mark", Text, nullable=False, server_default=""),  # how far it has come
)

remembered = Table(
    "remembered",
    metadata,
    Column("name", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("at", Double, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Text, primary_key=True),  # a ULID
    Column("at", Double, nullable=False),
    Column("who", Text, nullable=False),
    Column("did", Text, nullable=False),
    Column("event_id", Text),  # no foreign key: it outlives the event
    Column("detail", Text, nullable=False),
    Index("audit_by_event", "event_id", "id"),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("source", Text, primary_key=True),  # a digest of the address
    Column("since", Double, nullable=False),
    Column("failures", Integer, nullable=False),
)

bulk_replays = Table(
    "bulk_replays",
    metadata,
    Column("id", Text, primary_key=True),  # a ULID
    Column("who", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("wanted", Text, nullable=False),  # the filter, as JSON
    Column("total", Integer, nullable=False),  # how many there were when it was begun
    Column("state", Text, nullable=False),
    Column("mark", Text, nullable=False),  # the last event that was run again
    Column("up_to", Text, nullable=False),  # the newest event that there was when it was begun
    Column("done", Integer, nullable=False, server_default="0"),
    Column("became", Text, nullable=False, server_default="{}"),  # how many of them became what, as JSON
    Column("claims", Integer, nullable=False, server_default="0"),  # the fencing token
    Column("leased_until", Double, nullable=False, server_default="0"),
    Column("ended_at", Double),
    Index("bulk_replays_by_state", "state"),
)
