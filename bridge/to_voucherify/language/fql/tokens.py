"""Split text into tokens as Segment's reader does.

Text that the reader cannot read, or reads in its own way, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bridge.errors import TriggerError

# Half of the reader's own limit for one text (100,000 UTF-16 units), so that no part of a trigger can exceed it.
LONGEST = 50_000

# Any single UTF-16 unit, as a negated class: re expands a large range at every use.
_ESCAPED = r"\\[^\U00010000-\U0010ffff]"
NAME = rf"(?:[A-Za-z_]|{_ESCAPED})(?:[A-Za-z0-9_-]|{_ESCAPED})*"
_PATH = rf"(?>{NAME}(?:\.{NAME})*)"
_END = r"(?=[ \t\n,)\]]|\Z)"


class Token(NamedTuple):
    """A token.

    ``kind`` is text, number, sign, negation, word, open, close, comma or end. ``source`` is as written.
    """

    kind: str
    source: str
    position: int


# The lookaheads are those of Segment's reader: a quote closes a text, and != ends, only before one of _END.
# The reader tries whether a name n is the word null, and so loses the rest of a trigger that ends in n=5.
_TOKEN = re.compile(
    rf"""
      [ \t\n]+
    | (?P<text>"[^"\\]*"){_END}
    | (?P<number>[+-]?[0-9]+(?:\.[0-9]+)?){_END}
    | (?P<sign>(?:!=|<=|>=){_END}|[<>](?!=)|=(?!=))
    | (?P<negation>!)(?=[A-Za-z(])
    | (?P<word>{_PATH})(?=[ \t\n,)(!=]|\Z)(?!(?<=\.n)=.\Z)
    | (?P<open>\()
    | (?P<close>\))
    | (?P<comma>,)
    """,
    re.VERBOSE | re.DOTALL,
)

_NUMBER_REMEDY = "write digits, at most one decimal point between them, and a space, a ) or the end after them"

# Tried in this order where no token fits. A group in a pattern marks the mistake; else it is at the start.
_SLIPS = tuple(
    (re.compile(pattern, re.DOTALL), reason, remedy)
    for pattern, reason, remedy in (
        (r"'", "single quotes stay in the value, which then equals nothing", "write the text in double quotes"),
        (
            r'"[^"\\]*(\\)',
            "a backslash escapes nothing within a text: it stays there",
            "leave it out, and compare the parts beside it with match() or contains()",
        ),
        (r'"[^"]*"()', "a text ends only before a space, a comma or a )", "put a space here"),
        (r'"', "this text is not closed", 'end it with "'),
        (r"==", "equality is a single = sign", "write ="),
        (r"[!<>]=()", "Segment reads the two signs as one only before a space", "put a space here"),
        (r"!", "! belongs directly before contains or match", "write !contains(…), !match(…) or !="),
        (r"&", "& has no meaning in a trigger", "write and"),
        (r"\|", "| has no meaning in a trigger", "write or"),
        (r"\r", "a carriage return is not white space in a trigger", "end lines with a newline alone"),
        (r"[+-]?\.?[0-9]", "this is not a number to Segment's reader", _NUMBER_REMEDY),
        (r"[+-]", "a sign belongs directly before its digits", _NUMBER_REMEDY),
        (rf"{_PATH}()[=<>\"]", "Segment's reader needs a space here", "put spaces around operators"),
        (
            rf"{_PATH}()\[",
            "square brackets have no meaning in a path",
            r"write products\[0\] for the first of products",
        ),
        (
            rf"{_PATH}\.()[0-9-]",
            "a name in a path cannot start with a digit or a dash",
            r"put a backslash before it: \0",
        ),
        (
            rf"{_PATH}\.?\\?([\U00010000-\U0010ffff])",
            "a character beyond U+FFFF cannot be written in a path",
            "choose another condition, or rename the field before Segment sends it",
        ),
        (
            rf"{_PATH}()\.(?:[.=!<>(),\s]|\Z)",
            "a path is names with single dots between them",
            "remove the dot, or name a field",
        ),
        (rf"{_PATH}\.?()[^.\\]", "this character cannot stand bare in a path", "put a backslash before it"),
        (r"[\[\]]", "triggers know no lists", "write one condition for each value, joined by or"),
        (r".*(\\)\Z", "a backslash escapes the next character of a path, and there is none", "remove it"),
        (r"", "this character has no meaning here", 'write conditions such as type = "track", joined by and or or'),
    )
)


def read_tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a trigger, the last of kind `end`.

    Raises:
        TriggerError: Segment's reader cannot read the text, or reads it in its own way.
    """
    if len(text) > LONGEST:
        raise TriggerError(LONGEST, f"a trigger has at most {LONGEST:,} characters", "split it into several mappings")
    if lone := re.search(r"[\ud800-\udfff]", text):
        raise TriggerError(lone.start(), "half a character (a lone surrogate)", "write the whole character")
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _slip(text, position)
        if match.lastgroup:
            yield Token(match.lastgroup, match[0], position)
        position = match.end()
    yield Token("end", "", len(text))


def _slip(text: str, position: int) -> TriggerError:
    for pattern, reason, remedy in _SLIPS:
        if match := pattern.match(text, position):
            return TriggerError(match.start(match.lastindex or 0), reason, remedy)
    raise AssertionError("the last row fits everything")
