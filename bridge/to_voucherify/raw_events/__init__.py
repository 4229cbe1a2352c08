"""Translate raw Segment events into calls of Voucherify's actions, with mappings.

posted    splits a posted body into its events, and validates it
events    validates an event, and adds the fields that Segment adds
mappings  compiles mappings: trigger, action and a value for each field
presets   the mappings of Segment's Voucherify (Actions) destination
apply     applies one mapping to one event
engage    adds the traits and audiences that Segment's Engage computes
"""
