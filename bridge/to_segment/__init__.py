"""Translate a Voucherify webhook into a Segment ``track`` call.

Pure: values in, values out. No clock, environment, network, database or logging.

catalogue  the events of Voucherify's own Segment source, one row each
schemas    checks the types of the parts that the bridge uses
shape      limits depth and names before the data is flattened
flatten    flattens objects, with the names of warehouse columns
fit        reduces an event to Segment's 32 KB
translate  one webhook → one outcome, with its delivery
"""

from bridge.to_segment.translate import SINK, translate

__all__ = ["SINK", "translate"]
