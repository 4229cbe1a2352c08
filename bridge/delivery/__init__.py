"""Engine: stores every message, translates it, and sends it until it is settled.

Both directions, and every sink, have the same rules.

A delivery is in one of these states:

    queued ──first of its lane──▶ waiting ──claim──▶ sending ──settle──▶ delivered | dead | uncertain
       │                             ▲  ▲               │
       │                             │  └─ try again, ──┤           replay: dead, discarded ─▶ waiting
       └──────────discard            │     hand back    │           decide: uncertain ─▶ delivered, waiting
                                     └─ lease expired ──┘           discard: all but delivered ─▶ discarded

- ``sending`` has a lease (``lease_expires_at``) and a fencing token (``claims``). Each claim raises the token, and an
  outcome is recorded only under the token that was claimed.
- A new delivery is *born sending* if a worker of the translator's process can begin it soon: it needs no claim.
- ``doubt_since`` is set before a call that must not be made twice, and unset with its outcome. What is in doubt is
  looked up before it is called again.
- Deliveries of one lane (a customer, at Voucherify) go out one after another, in the order of their ids.

    database  the tables, and the only module that knows SQLite from PostgreSQL
    rules     pure: what a sink can report, and what follows from it
    lanes     the order of a customer's deliveries
    counts    how often what happened
    audit     what an operator did, recorded in the transaction that did it
    inbox     messages in, rounds of messages out
    outbox    deliveries in, claimed and settled by workers
    process   the threads of one process

``inbox`` and ``outbox`` do not know each other: ``bridge.translation`` stands between them.
"""
