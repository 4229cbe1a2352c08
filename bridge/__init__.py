"""The bridge between Voucherify and Segment.

    Voucherify ──webhook─────────▶ web ─▶ intake ─▶ delivery.inbox          a request ends here: its bytes are on disk
    Segment ──destination, /v1───▶ web ─▶ intake ─▶ delivery.inbox

    worker:  delivery.inbox ─▶ translation ─┬▶ to_segment    ─▶ delivery.outbox ─▶ sinks/segment ────▶ Segment
                                            └▶ to_voucherify ─▶ delivery.outbox ─▶ sinks/voucherify ─▶ Voucherify

Both directions use the same path. A message passes through each package once, and control never returns to an earlier
one. A raw event takes the second way: mappings make the destination's calls of it.

1. Store the bytes, answer, do the rest later. A request verifies its sender, appends one row with the raw bytes, and
   answers 2xx. Nothing in that row depends on the content, so no content can make it fail. Translation, bookkeeping and
   sending are the worker's, in batches.
2. The middle is pure. ``to_segment`` and ``to_voucherify`` map values to values: no clock, environment, network,
   database or logging.
3. Tables over branches. A direction, a door, an event, an action, a preset is a row that declares what it is
   (``directions.py``, ``doors.py``, ``to_segment/catalogue.py``, ``to_voucherify/actions.py``,
   ``to_voucherify/raw_events/presets.py``).
4. A decision is a value. A sink reports what happened, ``delivery/rules/retry.py`` decides, the worker executes.
5. One engine. Both directions share one store, one worker, one set of rules. SQLite to start, PostgreSQL when one
   machine is too small.
"""

__version__ = "0.2.0"
