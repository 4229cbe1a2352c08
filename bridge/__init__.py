"""The bridge between Voucherify and Segment.

    Voucherify ──webhook──▶ web ─▶ intake ─▶ to_segment ────▶ store ─▶ worker ─▶ sinks/segment ────▶ Segment
    Segment ──destination─▶ web ─▶ intake ─▶ to_voucherify ─▶ store ─▶ worker ─▶ sinks/voucherify ─▶ Voucherify

What Segment's libraries and webhooks post takes the second way, too: mappings make the destination's calls of it.
A message crosses each room once and never turns back:

1. Store first, answer, deliver later. One transaction keeps what came in and what must go out; only then does the
   sender get its 2xx. Nothing is sent from a request.
2. The middle is pure. ``to_segment`` and ``to_voucherify`` turn values into values: no clock, environment, network,
   database or logging.
3. Tables over branches. An event, an action, a preset is a row that declares what it is
   (``to_segment/catalogue.py``, ``to_voucherify/actions.py``, ``to_voucherify/presets.py``).
4. A decision is a value. A sink says what happened, ``delivery/retry.py`` says what to do, the worker does it.
5. One engine room: one store for SQLite and PostgreSQL, one worker, one set of rules.
"""

__version__ = "0.1.0"
