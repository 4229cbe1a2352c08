"""What can be wrong with a mapping: when it is compiled, all of it at once; when it runs, the first thing."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.errors import BridgeError


class MappingError(BridgeError):
    """A mapping that cannot be used. ``problems`` maps each dotted path ("": all of it) to what is wrong there."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{path or 'the mapping'}: {reason}" for path, reason in self.problems.items()))


class MappingFailed(BridgeError):
    """A mapping that cannot be applied to this event: where in the mapping (a dotted path, "" for all of it), and why.

    The reason names kinds of values, never a value: it may be a person's.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path or 'the mapping'}: {reason}")


class Refused(Exception):
    """Raised by a directive while it is compiled: the text is the reason, ``argument`` which argument it is about."""

    def __init__(self, reason: str, argument: str = "") -> None:
        super().__init__(reason)
        self.argument = argument


class Unrendered(Exception):
    """Raised by a Liquid template that fails on a payload: the text is the reason, and repeats no value."""
