"""Engine: stores every message, translates it, and sends it until it is settled.

Both directions, and every sink, have the same rules.

A delivery has one of these statuses:

    queued ──first of its lane──▶ waiting ──claim──▶ sending ──settle──▶ delivered | dead | uncertain
       │                             ▲  ▲               │
       │                             │  └─ try again, ──┤           replay: dead, discarded ─▶ waiting
       └──────────discard            │     hand back    │           decide: uncertain ─▶ delivered, waiting
                                     └─ lease expired ──┘           discard: all but delivered ─▶ discarded

- ``sending`` has a lease (``lease_expires_at``) and a fencing token (``claims``). Each claim raises the token, and an
  outcome is recorded only under the token that was claimed.
- A new delivery is ``sending`` from the start if a worker of the translator's process can begin it soon. It needs no
  claim (*born sending*).
- A service may work on a delivery in the background (``job``). It is ``waiting`` meanwhile, and looked at when it is
  due. No thread waits for it.
- A delivery that waits because of its service is held up (``held_up``). The next success brings it forward.
- ``doubt_since`` is set before a call that must not happen twice, and unset with its outcome. A delivery in doubt is
  looked up before it is sent again.
- Deliveries of one lane (a customer, at Voucherify) are sent one after another, in the order of their ids.

    database  the tables, and the only module that knows SQLite from PostgreSQL
    rules     pure: outcomes of a sink, and decisions on them
    lanes     the order of a customer's deliveries
    counts    numbers of outcomes
    audit     actions of operators, recorded in the transaction of the action
    inbox     messages in, rounds of messages out
    outbox    deliveries in, claimed and settled by workers
    process   the threads of one process

``inbox`` and ``outbox`` do not import each other. ``bridge.translation`` connects them.
"""
