"""Pure rules of delivery: values in, decisions out.

sink      what a sink is, and what it can report
retry     what follows from a report: the state machine's arrows
causes    a failure in a few words, so that a thousand of a kind are one line
presence  when a worker counts as alive, and what a pause by an operator means
"""
