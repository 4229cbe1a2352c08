"""Counts of outcomes, written in the transaction of the outcome.

tallies  counts by interval, direction, event and outcome; appended, never updated in place
folding  merges old intervals into longer ones
"""
