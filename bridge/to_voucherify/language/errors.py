"""Errors of mappings.

Compiling a mapping reports every problem. Applying it reports the first.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.errors import BridgeError


class MappingError(BridgeError):
    """An invalid mapping.

    ``problems`` maps each dotted path ("" for the whole mapping) to its problem.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{path or 'the mapping'}: {reason}" for path, reason in self.problems.items()))


class MappingFailed(BridgeError):
    """A mapping that cannot be applied to an event.

    ``path`` is the dotted path in the mapping, "" for the whole mapping. The reason names kinds of values, never a
    value, because a value may be personal data.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path or 'the mapping'}: {reason}")


class Refused(Exception):
    """A directive that cannot be compiled.

    The text is the reason. ``argument`` names the argument that is invalid, if it is one.
    """

    def __init__(self, reason: str, argument: str = "") -> None:
        super().__init__(reason)
        self.argument = argument


class Unrendered(Exception):
    """A Liquid template that fails on a payload. The text repeats no value."""
