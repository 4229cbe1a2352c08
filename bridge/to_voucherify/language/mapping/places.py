"""Where something stands in a mapping, and what that means for it.

Segment looks into a mapping for mistakes, but not into its lists, @literal and @excludeWhenNull: there, a directive
beside other keys is data. Undefined keys are dropped where an object is made, if nothing else looks at it; else they
are dropped from the finished result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bridge.to_voucherify.language.mapping.arguments import Kind, Use, kind_of


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the mapping something stands.

    Attributes:
        path: the keys that lead there.
        checked: a directive beside other keys is a mistake here.
        final: what is made here goes into the payload as it is.
    """

    path: tuple[str, ...] = ()
    checked: bool = True
    final: bool = True

    def __str__(self) -> str:
        return ".".join(self.path)

    def below(self, key: object) -> Place:
        """The place of what stands under a key, or at an index."""
        return replace(self, path=(*self.path, str(key)))

    def of(self, checks: bool | None, use: Use, node: Any) -> Place:  # noqa: FBT001 - a directive's own column
        """As the place of an argument, of a directive that has these ``checks``."""
        checked = self.checked if checks is None else checks
        if self.checked and kind_of(node) is Kind.DIRECTIVE:
            checked = True
        return replace(self, checked=checked, final=self.final and use is Use.RESULT)
