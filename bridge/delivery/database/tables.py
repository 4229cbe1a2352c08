"""Tables of the database.

Times are seconds since the epoch, in UTC. Bodies and payloads are compressed (zlib).

messages ──1:n── events ──1:n── deliveries ──1:n── attempts    bytes received, their meaning, calls to make, calls made
responses                                         long responses, which several attempts refer to
pending, replays                                  rows that wait for translation: new messages, stored events
rounds                                            messages that a translator has claimed
marks                                             messages that are stored although they were answered 503
seen, repeats                                     keys of events; ids of duplicates
translators                                       pauses and problems of each queue
sinks                                             pauses and call budgets of each service
tallies, latencies                                counts and durations
chores                                            periodic jobs
audit, sign_ins, sessions                         operators' actions; failed sign-ins; the console's sessions
bulk_replays                                      replays of many events, in the background

The id of a message is a ULID. The event of a message has its id; the n-th event of a batch has the id of its message,
followed by four digits. So ids sort by time, and the bytes of an event are found by the first 26 characters of its id.
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
    false,
    func,
    literal_column,
    text,
)

metadata = MetaData()

SERIAL = BigInteger().with_variant(Integer, "sqlite")

messages = Table(
    "messages",
    metadata,
    Column("id", Text, primary_key=True),  # a ULID, made without a query
    Column("queue", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("door", Text, nullable=False),  # the path of its request
    Column("received_at", Double, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("credential", LargeBinary, nullable=False),  # a digest of what proved the sender
    Column("body", LargeBinary, nullable=False),
)

# The order of arrival is that of the database's sequence, which does not depend on the hosts' clocks.
pending = Table(
    "pending",
    metadata,
    Column("sequence", SERIAL, primary_key=True),
    Column("queue", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("size", Integer, nullable=False),  # bytes of the body, compressed
    Index("pending_by_queue", "queue", "sequence"),
    sqlite_autoincrement=True,  # a plain key begins again at 1 when the table is empty
)

replays = Table(
    "replays",
    metadata,
    Column("sequence", SERIAL, primary_key=True),
    Column("queue", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("audit_id", Text, nullable=False),  # of the record that its outcome is written to; "" in a bulk replay
    Column("who", Text, nullable=False),
    Column("bulk_id", Text, nullable=False),  # "" if it is not part of a bulk replay
    Index("replays_by_queue", "queue", "sequence"),
    sqlite_autoincrement=True,
)

rounds = Table(
    "rounds",
    metadata,
    Column("id", Text, primary_key=True),  # a ULID
    Column("queue", Text, nullable=False),
    Column("exclusive", Text, unique=True),  # the queue, if only one round of it may run at a time
    Column("holder", Text, nullable=False),
    Column("work", Text, nullable=False),  # what is not translated yet, as JSON: see inbox/rounds.py
    Column("done", Integer, nullable=False, server_default="0"),  # events of the first message that are written
    Column("begun", Integer, nullable=False, server_default="0"),  # the fencing token: see inbox/rounds.py
    Column("lease_expires_at", Double, nullable=False),  # on the database's clock
)

translators = Table(
    "translators",
    metadata,
    Column("queue", Text, primary_key=True),
    Column("beat_at", Double, nullable=False, server_default="0"),  # when a translator last was alive
    Column("paused_until", Double, nullable=False, server_default="0"),
    Column("problem", Text, nullable=False, server_default=""),  # why it translates nothing, or only with errors
)

marks = Table(
    "marks",
    metadata,
    Column("key", LargeBinary, primary_key=True),  # a digest of door, credential and bytes
    Column("message_id", Text, nullable=False),
    Column("until", Double, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("door", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("customer", Text),
    Column("received_at", Double, nullable=False),
    Column("repeats", Integer, nullable=False, server_default="0"),
    # Each ends in the id, so a list reads only the newest matches.
    Index("events_by_status", "direction", "status", "id"),
    Index("events_by_name", "direction", "event", "id"),
)

CUSTOMER_PREFIX = 200
"""Characters of a customer's id in its index.

PostgreSQL's indexes hold 2,704 bytes a row, and an id may have any length.
"""

# Literal numbers, as in the index: with parameters, no database would use it.
customer_prefix = func.substr(events.c.customer, literal_column("1"), literal_column(str(CUSTOMER_PREFIX)))

Index(
    "events_by_customer",
    customer_prefix,
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
    Column("id", SERIAL, primary_key=True),  # the order of arrival
    Column("event_id", Text, ForeignKey("events.id"), nullable=False, index=True),
    Column("sink", Text, nullable=False),
    Column("event", Text, nullable=False, server_default=""),  # the event's name, for the counts
    Column("key", Text, nullable=False),
    Column("lane", Text),  # within one, strictly in the order of arrival
    Column("mergeable", Boolean, nullable=False),  # with its neighbours in the lane
    Column("merged_through", BigInteger),  # the last delivery that was merged into it: a retry merges the same
    Column("never_merge", Boolean, nullable=False, server_default=false()),  # rejected while it was merged
    Column("status", Text, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("lease_expires_at", Double),  # while it is sending
    Column("claims", Integer, nullable=False, server_default="0"),  # the fencing token: every claim is a new number
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("created_at", Double, nullable=False),
    Column("doubt_since", Double),  # it may have been accepted, and no outcome is recorded
    Column("settled_at", Double),
    Column("code", Integer),  # of the call that delivered it, as is
    Column("seconds", Double),  # the duration of that call: a success has no row in attempts
    Column("cause", Text),  # why it is not delivered, in a few words: see causes.py
    Column("omitted", Integer, nullable=False, server_default="0"),  # attempts between the first and the last ones
    Column("job", Text),  # the service works on it under this id, and the result is read there
    Column("job_since", Double),  # when the service accepted the job
    Column("held_up", Boolean),  # it waits because of the service: the next success brings it forward
    Column("brought_at", Double),  # when that last happened
    Column("size", Integer, nullable=False),  # bytes of the payload before compression
    Column("payload", LargeBinary, nullable=False),
)

Index(
    "deliveries_due",
    deliveries.c.sink,
    deliveries.c.due_at,
    deliveries.c.id,
    deliveries.c.size,  # so that a claim reads only the rows that it claims
    sqlite_where=text("status = 'waiting'"),
    postgresql_where=text("status = 'waiting'"),
)
Index(
    "deliveries_in_lane",
    deliveries.c.sink,
    deliveries.c.lane,
    deliveries.c.id,
    sqlite_where=text("lane IS NOT NULL AND status IN ('waiting', 'queued', 'sending')"),
    postgresql_where=text("lane IS NOT NULL AND status IN ('waiting', 'queued', 'sending')"),
)
Index(
    "deliveries_held_up",
    deliveries.c.sink,
    deliveries.c.due_at,
    deliveries.c.id,
    sqlite_where=text("status = 'waiting' AND held_up"),
    postgresql_where=text("status = 'waiting' AND held_up"),
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
    Column("detail", Text, nullable=False),  # the response, if it is short
    Column("response", LargeBinary),  # the digest of a longer one
    Index(
        "attempts_by_response",
        "response",
        sqlite_where=text("response IS NOT NULL"),
        postgresql_where=text("response IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)

responses = Table(
    "responses",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("at", Double, nullable=False),  # when an attempt last had it, to the hour
    Column("body", LargeBinary, nullable=False),
    Index("responses_by_time", "at"),
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

repeats = Table(
    "repeats",
    metadata,
    Column("id", Text, primary_key=True),  # of a duplicate
    Column("event_id", Text, nullable=False),  # the event that it repeats
    sqlite_with_rowid=False,
)

sinks = Table(
    "sinks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("paused_until", Double, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("next_call_at", Double, nullable=False, server_default="0"),  # with a budget: time of the next call
    Column("beat_at", Double, nullable=False, server_default="0"),  # when a worker last was alive
    Column("throttled", Integer, nullable=False, server_default="0"),  # answers of 429 in a row
    Column("throttled_at", Double, nullable=False, server_default="0"),  # when the last of them arrived
    Column("probe_until", Double),  # after a 429: no claim before, then one delivery; NULL if deliveries flow
    Column("ramp", Integer, nullable=False, server_default="0"),  # after an outage: deliveries brought forward next
)

tallies = Table(
    "tallies",
    metadata,
    Column("bucket", BigInteger, primary_key=True),  # when an interval began, in epoch seconds; 0: long ago
    Column("direction", Text, primary_key=True),
    Column("event", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("cause", Text, primary_key=True),  # of a failure, "" otherwise
    Column("shard", SERIAL, primary_key=True),  # a process's own number: no two processes wait for one row
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

latencies = Table(
    "latencies",
    metadata,
    Column("bucket", BigInteger, primary_key=True),
    Column("sink", Text, primary_key=True),
    Column("up_to", Double, primary_key=True),  # seconds: the upper bound of a histogram's bucket
    Column("shard", SERIAL, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),  # all of them together
    sqlite_with_rowid=False,
)

chores = Table(
    "chores",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", Double, nullable=False),  # when it last began
    Column("mark", Text, nullable=False, server_default=""),  # progress of the job
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

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # of the id that the browser has
    Column("name", Text, nullable=False),
    Column("until", Double, nullable=False),
)

bulk_replays = Table(
    "bulk_replays",
    metadata,
    Column("id", Text, primary_key=True),  # a ULID
    Column("who", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("wanted", Text, nullable=False),  # the filter, as JSON
    Column("total", Integer, nullable=False),  # number of matching events at its start
    Column("state", Text, nullable=False),
    Column("mark", Text, nullable=False),  # the last event that was handed to the translators
    Column("up_to", Text, nullable=False),  # the newest event at its start
    Column("given", Integer, nullable=False, server_default="0"),  # events handed to the translators
    Column("done", Integer, nullable=False, server_default="0"),
    Column("became", Text, nullable=False, server_default="{}"),  # numbers by outcome, as JSON
    Column("ended_at", Double),
    Index("bulk_replays_by_state", "state"),
)
