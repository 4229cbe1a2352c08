"""Render Liquid templates as Segment does.

Segment uses liquidjs 10.27.2. python-liquid reads and runs the templates here. Its printing, comparing, counting and
calculating differ from liquidjs, so these parts are replaced.

    environment  the tags and the look-up of paths; template → function
    printing     how a value prints, and how long a text can be
    expressions  the expressions that are refused; comparisons, as in JavaScript
    filters      the filters, one row each
    parts        filters of texts and lists, whose positions count UTF-16 units
    markup       filters that escape, decode, strip and slugify texts
    dates        filters of dates
    numbers      arithmetic, as in JavaScript

The compiler refuses what would still print differently:

- backslashes in quoted texts, white space in paths, comments in comments, operators in output
- `not`, `<>` and ranges
- `nil`, `blank` and `empty` as names, the latter two except in comparisons
- keyword arguments except `allow_false`, and tags and filters that are not listed here

Segment itself refuses loops, `case`, `include` and others.

Dates print in UTC and English. A text that JavaScript may read as a date, but `dates` cannot, fails. `now` and `today`
are refused, because an event has no current time. Rendering is bounded: there are no loops, and a text has at most
100,000 characters.
"""
