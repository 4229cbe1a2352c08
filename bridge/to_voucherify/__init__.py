"""Segment call → Voucherify request. PURE: values in, values out; nothing here reads a clock or a socket."""

from bridge.to_voucherify.translate import DIRECTION, SINK, translate

__all__ = ["DIRECTION", "SINK", "translate"]
