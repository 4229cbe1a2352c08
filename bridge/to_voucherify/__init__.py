"""Segment call → Voucherify request. PURE: values in, values out; nothing here reads a clock or a socket.

What Segment's destination calls goes through ``schemas`` and ``request``; a raw event first through ``events`` and
those ``mappings`` whose trigger takes it, which make such calls of it (``apply``).
"""

from bridge.to_voucherify.translate import SINK, check, left_alone, translate, translate_event

__all__ = ["SINK", "check", "left_alone", "translate", "translate_event"]
