"""The values of a trigger: paths, conditions, and groups joined by `and` or `or`.

Each prints as source that compiles to an equal value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from bridge.to_voucherify.language.fql.operators import Operand, Operator

Joint = Literal["and", "or"]

KEYWORDS = frozenset({"and", "or", "null"})
INDEX = re.compile(r"0|[1-9][0-9]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Path:
    """The place that a condition looks at.

    ``root`` is a field of the event. ``names`` lead further, below `properties`, `traits` and `context`.
    """

    root: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        source = self.root
        for depth, name in enumerate(self.names):
            source += rf"\[{name}\]" if depth and INDEX.fullmatch(name) else f".{_escape(name)}"
        return source


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition: path, operator, operand."""

    path: Path
    operator: Operator
    operand: Operand

    def __str__(self) -> str:
        return self.operator.form.format(path=self.path, sign=self.operator.sign, operand=_literal(self.operand))


@dataclass(frozen=True, slots=True)
class Group:
    """Two or more conditions or groups, joined by the same word."""

    joint: Joint
    members: tuple[Condition | Group, ...]

    def __str__(self) -> str:
        members = (f"({member})" if isinstance(member, Group) else str(member) for member in self.members)
        return f" {self.joint} ".join(members)


def _escape(name: str) -> str:
    """Escape the characters of a name that FQL does not read bare.

    The first character is escaped in keywords, and if it is a digit or a dash.
    """
    escaped = re.sub(r"[^A-Za-z0-9_-]", lambda match: "\\" + match[0], name)
    return "\\" + escaped if name in KEYWORDS or re.match(r"[0-9-]", name) else escaped


def _literal(operand: Operand) -> str:
    if operand is None:
        return "null"
    if isinstance(operand, bool):
        return str(operand).lower()
    if isinstance(operand, str):
        return f'"{operand}"'
    # FQL has no exponents: 1e-07 would read as the number 1 followed by a word.
    return str(int(operand)) if operand.is_integer() else f"{Decimal(repr(operand)):f}"
