"""Translate a Segment call into a Voucherify request.

Pure: values in, values out. No clock, environment, network, database or logging.

    destination call ─▶ schemas ─▶ request ─▶ delivery
    raw event ─▶ raw_events.events ─▶ raw_events.mappings ─▶ raw_events.apply ─▶ schemas ─▶ request ─▶ delivery

The body of a destination call is the payload of one action. A raw event becomes such a payload for each mapping whose
trigger matches. From there on both use the same path.
"""

from bridge.to_voucherify.translate import SINK, check, ignore_reason, translate, translate_event

__all__ = ["SINK", "check", "ignore_reason", "translate", "translate_event"]
