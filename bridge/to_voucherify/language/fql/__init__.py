"""Compile triggers: conditions in Segment's filter query language (FQL).

    >>> trigger = compile_trigger('type = "track" and (event = "Order Completed" or properties.total >= 100)')
    >>> trigger.matches({"type": "track", "event": "Order Completed"})
    True
    >>> trigger.mismatch({"type": "identify"})
    'type = "track" fails: type is another one'

A trigger means exactly what it means to `@segment/destination-subscriptions` 3.37.0, the engine that Segment runs for
Destinations Actions. That engine is lenient: it reads many mistakes as another condition. The compiler refuses such a
trigger, with its position, the reason and the remedy.

    tokens      text → words, texts, numbers, signs; refuses unreadable and misleading text
    paths       words → paths; refuses misleading paths
    grammar     tokens → conditions, joined; refuses misleading joints
    conditions  the values in between, and how they print
    operators   the test of each operator, and the operators of each field
    refusals    the operators, operands and patterns that are refused
    compile     conditions → closures

Segment's documentation: https://segment.com/docs/connections/destinations/actions/#conditions for the conditions, and
https://segment.com/docs/api/public-api/fql/ for the language. The latter describes destination filters, which have more
functions.
"""

from bridge.to_voucherify.language.fql.compile import Trigger, compile_trigger

__all__ = ["Trigger", "compile_trigger"]
