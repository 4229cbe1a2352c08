"""Sink for Voucherify: upserts customers in bulk, and records custom events once.

    parcels ─▶ calls ─▶ fitted to the metadata schemas ─┬─ many upserts ─▶ bulk     one request, its outcome read back
              calls.py  schemas.py                      └─ the rest ─────▶ sink     one by one; in doubt: doubt.py first

``run`` is one ``send``. It ends when its time is over, or when Voucherify asks for a pause. ``client`` makes each call.
``permission`` decides whether a 403 is about the delivery or the keys.

Sources: Voucherify's published OpenAPI files, and https://docs.voucherify.io/docs/limits.
"""

from bridge.sinks.voucherify.sink import VoucherifySink

__all__ = ["VoucherifySink"]
