"""Voucherify: customers are upserted, many at once; custom events are recorded, none twice.

    parcels ─▶ calls ─▶ fitted to the metadata schemas ─┬─ many upserts ─▶ bulk     one request, its outcome read back
              calls.py  schemas.py                      └─ the rest ─────▶ sink     one by one; in doubt: doubt.py first

``run`` is one ``send``, which ends when its time is up or Voucherify wants nobody to call; ``client`` makes each call.
``permission`` decides whether a 403 blames what was sent or the keys.

Sources: Voucherify's published OpenAPI files, and https://docs.voucherify.io/docs/limits.
"""

from bridge.sinks.voucherify.sink import VoucherifySink

__all__ = ["VoucherifySink"]
