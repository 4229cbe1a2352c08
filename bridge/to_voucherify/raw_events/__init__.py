"""Raw Segment events, and the mappings that make Voucherify calls of them.

events    which fields an event has, cleaned and checked
mappings  a trigger, an action and a mapping each
presets   the mappings of Segment's Voucherify (Actions) destination
apply     one event through all mappings
engage    audiences and computed traits
"""
