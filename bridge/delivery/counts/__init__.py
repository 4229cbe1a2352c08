"""The counts: how often what happened, written in the transaction in which it happens.

tallies  counts by interval, direction, event and outcome; appended, never updated in place
folding  merges old intervals into longer ones
"""
