"""Front doors: one blueprint each, named as in ``intake``.

voucherify_webhooks  POST /webhooks/voucherify
segment_destination  /segmentio/…
segment_webhooks     POST /webhooks/segment
tracking_api         POST /v1/…
body                 a request's body: whole, or refused
paths                addresses as people type them
waiting              the answer, at once or with the outcome (``Prefer: wait=N``)
"""
