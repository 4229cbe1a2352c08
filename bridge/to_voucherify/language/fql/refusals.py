"""Refuse operators, operands and patterns that Segment's engine misreads.

The engine accepts nearly everything. It compares an unexpected operand as text or as not-a-number, and reads the
wildcards of a pattern as plain characters. Each row has the reason and the remedy.
"""

from __future__ import annotations

import re
from types import NoneType
from typing import NamedTuple

from bridge.errors import TriggerError
from bridge.to_voucherify.language.fql.conditions import Path
from bridge.to_voucherify.language.fql.operators import (
    FIELDS,
    FUNCTIONS,
    OPERATORS,
    SIGNS,
    Kind,
    Operand,
    Operator,
    kind,
)


class _Misuse(NamedTuple):
    """The reason and the remedy for some fields, signs and types of operand."""

    roots: frozenset[str]
    signs: frozenset[str]
    kinds: frozenset[Kind]
    reason: str
    remedy: str


_NESTED = frozenset(root for root, field in FIELDS.items() if field.nested)
_EQUAL = frozenset({"=", "!="})
_CALLS = FUNCTIONS | {f"!{function}" for function in FUNCTIONS}
_ANY: frozenset[Kind] = frozenset({str, float, bool, NoneType})

_MISUSES = (
    _Misuse(
        frozenset({"type"}),
        _CALLS,
        _ANY,
        "Segment skips {sign}() on type, as if the condition were not there",
        'compare it: type = "track", or several joined by or',
    ),
    _Misuse(
        frozenset(FIELDS),
        _CALLS,
        _ANY - {str},
        "{sign}() looks for text",
        "write its second argument in double quotes",
    ),
    _Misuse(
        _NESTED | {"userId"},
        frozenset({"!="}),
        frozenset({bool}),
        "Segment compares with the text, so this holds for every boolean, {operand} included",
        "write {path} = {opposite}, or ({path} = {opposite} or {path} = null) if it may be missing",
    ),
    _Misuse(
        frozenset({"type", "event"}),
        _EQUAL,
        frozenset({NoneType}),
        'Segment compares {path} with the text "null"',
        "leave this condition out, or compare {path} with a text",
    ),
    _Misuse(
        frozenset(FIELDS) - _NESTED,
        _EQUAL,
        frozenset({bool, float}),
        "{path} is text, and Segment compares it as such",
        "write the value in double quotes",
    ),
    _Misuse(
        frozenset(FIELDS) - _NESTED,
        SIGNS - _EQUAL,
        _ANY,
        "{sign} compares numbers, and {path} is text",
        "compare with = or !=",
    ),
    _Misuse(
        _NESTED,
        SIGNS - _EQUAL,
        _ANY - {float},
        "{sign} compares numbers only",
        "write a number, without quotes",
    ),
)


def operator_for(path: Path, sign: str, operand: Operand, position: int) -> Operator:
    """Return the operator of a sign and an operand for a path.

    Raises:
        TriggerError: at Segment, the operator means something else for this field and operand.
    """
    key = (sign, kind(operand))
    if key in FIELDS[path.root].takes:
        return OPERATORS[key]
    row = next(row for row in _MISUSES if path.root in row.roots and sign in row.signs and key[1] in row.kinds)
    opposite = "false" if operand is True else "true"
    words = {"path": path, "sign": sign, "operand": str(operand).lower(), "opposite": opposite}
    raise TriggerError(position, row.reason.format(**words), row.remedy.format(**words))


# In the order of the checks. The first group of each pattern marks the mistake.
_PATTERNS = (
    (
        re.compile(r"()[^*]*\Z"),
        "without a star at either end Segment drops the first character and compares the rest with the end of the text",
        'write = to compare all of it, "start*" or "*end" to compare a part, or use contains()',
    ),
    (
        re.compile(r"\*[^*]*(\*)\Z"),
        "of two stars only the last is one, the other a plain character",
        "use contains()",
    ),
    (
        re.compile(r"(?:\*|[^*]+(?=\*.))[^*]*(\*)", re.DOTALL),
        "a star within the pattern is a plain character",
        'write two conditions joined by and: match(…, "start*") and match(…, "*end")',
    ),
)


def check_pattern(pattern: str, position: int) -> None:
    """Refuse a pattern of match() without a single star at its start or its end.

    ``position`` is that of the pattern's first character. ? and [ are plain characters. Destination filters have more
    wildcards than triggers: https://segment.com/docs/api/public-api/fql/.
    """
    for trouble, reason, remedy in _PATTERNS:
        if match := trouble.match(pattern):
            raise TriggerError(position + match.start(1), reason, remedy)
