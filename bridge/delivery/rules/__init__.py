"""Pure rules of delivery: values in, decisions out.

sink      interface of a sink, and its outcomes
retry     decisions on outcomes: the arrows of the state machine
causes    short causes of failures, which a thousand failures share
presence  age of a live worker's beat, and an operator's pause
"""
