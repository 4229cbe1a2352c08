"""Liquid as Segment renders it: python-liquid, made to give what liquidjs 10.27.2 gives, which Segment uses.

    environment  which tags there are, what a path finds; template → function
    printing     how a value prints, and how much of it
    expressions  what is refused in a template; comparisons, as JavaScript compares
    filters      the filters: a row each
    parts        what filters make of texts and lists, whose positions count UTF-16 units
    dates        the filters of dates
    numbers      arithmetic, as JavaScript does it

The two differ in how values print, compare, count and calculate, so those parts are replaced; reading templates and
running them is python-liquid's. What would come out differently all the same is refused when the mapping is compiled:
backslashes in quoted texts, `not`, `<>`, ranges, operators in output, white space within paths, comments in comments,
`nil`, `blank` and `empty` as names, the latter two outside of comparisons, keyword arguments (but for `allow_false`),
tags and filters that are not listed here. Segment itself refuses loops, `case`, `include` and others.

Dates are told in UTC and English. A text that JavaScript may read as a date, and `dates` cannot, fails. The time of day
is no part of an event, so `now` and `today` are refused. Rendering is bounded: there are no loops, and no text of more
than 100,000 characters.
"""
