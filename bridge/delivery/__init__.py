"""The engine: keep every message, translate it, send it until it is settled. One set of rules for every sink.

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

``tables`` and ``migrations`` are the shape of what is stored, and ``database`` opens it. ``inbox`` takes messages in;
``translators`` is the state of their translation, ``outcomes`` what became of them. ``outbox`` is what must be sent:
``claims`` and ``settling`` are its two halves, ``lanes`` keeps the order. ``sink`` says what can happen to a delivery,
``retry`` what follows from it; ``worker`` does that, in a ``crew``, on ``duty``. ``journal`` is what an operator reads,
found by ``search``; ``desk`` is where an operator acts: ``replay``, ``bulk``, ``discard``, each recorded by ``audit``.

``tallies`` counts what happens where it happens, and ``overview``, ``measures`` and ``concerns`` read the counts: for
people, for Prometheus, for the log. ``keeper`` looks after each process (``health``, ``refusals``) and runs periodic
jobs (``chores``): ``retention``, ``folding``.
"""
