"""Voucherify webhook → Segment ``track`` call. PURE: values in, values out; nothing here reads a clock or a socket."""

from bridge.to_segment.translate import DIRECTION, SINK, translate

__all__ = ["DIRECTION", "SINK", "translate"]
