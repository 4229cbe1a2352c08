"""Every error the bridge raises on purpose.

    BridgeError
    ├── ConfigError          a setting is missing or wrong; says which, and what would be right
    ├── SignatureError       a call that does not prove who sent it (401)
    ├── UpstreamError        a service that must answer first does not (502)
    ├── Unusable             authentic, but not something the bridge can translate (quarantined)
    ├── Invalid              a call that violates its schema; says which fields, and how (400)
    ├── InvalidMappings      mappings that cannot be used; says which, where and why
    ├── StoreUnavailable     the database cannot keep anything right now (503)
    ├── NoSuchEvent          an id that the store does not know
    └── InHand               a delivery that a worker is sending at this moment: it cannot be called back

A message may end up in an answer or a log line, so none holds a secret or a person's data.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class BridgeError(Exception):
    """The root: whatever the bridge itself raises."""


class ConfigError(BridgeError):
    """One or more settings are wrong. ``problems`` maps each variable to what is wrong with it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("\n".join(f"{name}: {problem}" for name, problem in sorted(self.problems.items())))


class SignatureError(BridgeError):
    """The signature is missing, malformed or made with another secret."""


class UpstreamError(BridgeError):
    """A service that has to be asked before the caller can be answered does not say."""


class Unusable(BridgeError):
    """An authentic message that cannot be translated. The text is the reason that is stored with it."""


class Invalid(BridgeError):
    """A call that violates its schema. ``fields`` maps each dotted path ("": the whole call) to what is wrong there."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__("; ".join(f"{path or 'the body'}: {problem}" for path, problem in self.fields.items()))


class Problem(NamedTuple):
    """One thing that is wrong with mappings: in which one (its number, from 1, and its name), where in it, and why."""

    mapping: str
    path: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.mapping and f"mapping {self.mapping}", self.path, self.reason)))


class InvalidMappings(BridgeError):
    """Mappings that cannot be used. ``problems`` are all that is wrong with them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class StoreUnavailable(BridgeError):
    """Nothing can be stored at the moment: the sender should try again."""


class NoSuchEvent(BridgeError):
    """The store has no event of that id."""


class InHand(BridgeError):
    """It is being sent right now: what becomes of it is not known before that has ended."""
