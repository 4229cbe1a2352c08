"""Actions and views of operators: search, replay, audit, monitoring, upkeep.

These modules know the engine; the engine does not know them.

    search       ids of the events that match a filter
    history      the list of events, and the full history of one event
    desk         every action of an operator, recorded in the transaction that does it
    replay       translate a stored event again; decide an uncertain one
    bulk_replay  the same for all events that match a filter, in the background
    discard      discard what waits, and restore it
    sign_ins     limits of failed sign-ins at the console
    monitoring   numbers and concerns, for people, Prometheus and the log
    upkeep       periodic jobs
"""
