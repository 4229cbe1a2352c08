"""Inbox: the end of a request, and the start of the worker's part.

A door verifies its sender and appends one message: its bytes, and columns that do not depend on the bytes. So no
content can make an append fail, and no message can make another one fail. In ``writer``, one
thread per process commits all waiting messages, back to back.

The bytes stay in ``messages`` until retention deletes them. A message that waits for translation has a narrow row in
``pending``, and the database's sequence gives its place. A translator takes a *round*:

    pending ──take──▶ rounds ──translate, write──▶ events, deliveries, seen, repeats
                        │ holder dead, or lease expired
                        └──take over: its messages one at a time

- Taking is one short transaction: it deletes rows of ``pending`` and inserts one row into ``rounds``.
- Translation happens outside any transaction.
- Each writing transaction moves the round's row forward, or deletes it. The holder's name is the fencing token: if
  another translator has taken the round over, the row does not match, and the transaction is rolled back.
- A translator whose transaction fails reads the progress of its round, and continues there: it may be committed.
- A round that was taken over is written one event at a time, up to the possible progress of its holder. If processes
  end repeatedly while an event is alone, a process of its own tries it first: if that ends too, the event is
  quarantined untranslated.

On PostgreSQL sequence numbers become visible out of order, so there is no cursor: existing rows are taken and
deleted. A message that was answered before another one was sent has the lower number, and both are visible: so it is
taken first. Queues of Segment → Voucherify have one round at a time, by a unique index; webhooks have several.
"""

from bridge.delivery.inbox import queues
from bridge.delivery.inbox.marks import repeated, use_up
from bridge.delivery.inbox.outcomes import outcomes
from bridge.delivery.inbox.queues import QueueState
from bridge.delivery.inbox.rounds import Replay, Round, Taker, Work, packed, take_over, unpacked
from bridge.delivery.inbox.writer import Inbox, Wake

__all__ = [
    "Inbox",
    "QueueState",
    "Replay",
    "Round",
    "Taker",
    "Wake",
    "Work",
    "outcomes",
    "packed",
    "queues",
    "repeated",
    "take_over",
    "unpacked",
    "use_up",
]
