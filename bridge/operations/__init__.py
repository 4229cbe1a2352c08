"""Actions and views of operators: search, replay, audit, monitoring, upkeep.

These modules know the engine; the engine does not know them.

    search       ids of the events that fit a filter
    history      the list of events, and one event's whole story
    desk         every action of an operator, recorded in the transaction that does it
    replay       translate a stored event again; decide an uncertain one
    bulk_replay  the same for all events that fit a filter, in the background
    discard      give up what waits, and bring it back
    sign_ins     slows down guesses of the console's token
    monitoring   numbers and concerns, for people, Prometheus and the log
    upkeep       periodic jobs
"""
