"""Triggers: the conditions, in Segment's filter query language (FQL), under which a mapping takes an event.

    >>> trigger = compile_trigger('type = "track" and (event = "Order Completed" or properties.total >= 100)')
    >>> trigger.matches({"type": "track", "event": "Order Completed"})
    True
    >>> trigger.mismatch({"type": "identify"})
    'type = "track" fails: type is another one'

An accepted trigger means exactly what it means to `@segment/destination-subscriptions` 3.37.0, the engine Segment runs
for Destinations Actions. That engine is lenient, and what it makes of a slip is seldom what was meant: such a trigger
is refused here when it is compiled, with its position, the reason and how to write it instead. There is no third way.

    tokens      text → words, texts, numbers, signs; refuses what cannot be read, or is read differently
    paths       words → paths; refuses what leads elsewhere
    grammar     tokens → conditions, joined; refuses what is joined differently than it looks
    conditions  the values in between, and how they print
    operators   what each operator asks of a value, and which field takes which
    refusals    why an operator, an operand or a pattern is refused
    javascript  what a path finds where the event holds no object
    compile     conditions → closures

Vendor pages: https://segment.com/docs/connections/destinations/actions/#conditions (what a trigger can ask) and
https://segment.com/docs/api/public-api/fql/ (the language; written for destination filters, which know more of it).
"""

from bridge.to_voucherify.language.fql.compile import Trigger, compile_trigger

__all__ = ["Trigger", "compile_trigger"]
