"""Translate a Voucherify webhook into a Segment ``track`` call.

Pure: values in, values out. Nothing here reads a clock, a setting or a socket.
"""

from bridge.to_segment.translate import SINK, translate

__all__ = ["SINK", "translate"]
