"""What makes the bridge durable: one store, one worker, one set of rules for every sink.

``tables`` and ``migrations`` are the shape of what is kept, and ``database`` opens it. ``store`` takes arrivals in,
many at once by ``group_commit``. ``outbox`` is what must go out: ``claims`` and ``settling`` are its two halves, and
``lanes`` keeps one customer's in order. ``sink`` says what can happen to a delivery, ``retry`` what follows from it;
``worker`` does that, in a ``crew``. ``journal`` is what an operator reads, found by ``search``, ``replay`` what an
operator runs again.

``tallies`` counts all of it where it happens, and ``overview``, ``measures`` and ``concerns`` read that: for a person,
for Prometheus, for the log. ``keeper`` keeps the house of each process (``health``, ``refusals``) and does its share of
what one does for all (``chores``): ``retention``, ``folding``.
"""
