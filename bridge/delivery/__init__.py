"""What makes the bridge durable: one store, one worker, one set of rules for every sink.

``tables`` and ``migrations`` are the shape of what is kept; ``store`` opens it, takes arrivals in and answers for them;
``outbox`` is what must go out, claimed and settled; ``journal`` is what an operator reads. ``sink`` says what can happen
to a delivery, ``retry`` what follows from it, and ``worker`` does that.
"""
