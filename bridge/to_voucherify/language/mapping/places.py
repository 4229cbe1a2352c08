"""The place of a part in a mapping, and the rules that apply there.

Segment checks a mapping for mistakes, but not its lists, @literal and @excludeWhenNull. There, a directive beside other
keys is data. Undefined keys are dropped when an object is built, if it goes into the payload as it is. Otherwise they
are dropped from the finished result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bridge.to_voucherify.language.mapping.arguments import Kind, Use, kind_of


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a part in a mapping.

    Attributes:
        path: the keys that lead there.
        checked: a directive beside other keys is a mistake here.
        final: the value goes into the payload as it is.
    """

    path: tuple[str, ...] = ()
    checked: bool = True
    final: bool = True

    def __str__(self) -> str:
        return ".".join(self.path)

    def below(self, key: object) -> Place:
        """Return the place below a key or an index."""
        return replace(self, path=(*self.path, str(key)))

    def of(self, checks: bool | None, use: Use, node: Any) -> Place:  # noqa: FBT001 - a directive's own column
        """Return the place of an argument of a directive with these ``checks``."""
        checked = self.checked if checks is None else checks
        if self.checked and kind_of(node) is Kind.DIRECTIVE:
            checked = True
        return replace(self, checked=checked, final=self.final and use is Use.RESULT)
