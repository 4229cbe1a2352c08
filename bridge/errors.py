"""Every error that the bridge raises on purpose.

    BridgeError
    │
    │   answered with a status: the table is ``web.errors.ERRORS``
    ├── Invalid            400  a call that violates its schema; names the fields
    ├── SignatureError     401  a call that does not prove who sent it
    ├── NoSuchEvent        404  an id that the store does not know
    ├── InHand             409  a delivery or a message that is being worked on at this moment
    ├── UpstreamError      502  a service that must be asked first does not answer as it should
    ├── StoreUnavailable   503  the database can store nothing at the moment
    │
    │   caught when a process starts, and shown to the operator
    ├── ConfigError             settings are missing or wrong; names each
    ├── InvalidMappings         a file of mappings is wrong; names each problem
    ├── DemoFailed              the demo did not do what it shows
    │
    │   caught inside
    ├── Unusable                a body that cannot be read: refused at the door, quarantined in the worker
    │   └── BeyondFloat         JSON with a number beyond any float: stored, and quarantined
    ├── NotPlain                properties that must be shaped before they are flattened
    ├── RoundLost               another translator has taken the round over
    ├── SeenMeanwhile           another translator has written a key first
    ├── Unfit                   a metadata value that cannot be converted: it is left out
    ├── MappingFailed           a mapping that cannot be applied to this event
    ├── TemplateFailed          a Liquid template that cannot be rendered with this payload: becomes MappingFailed
    ├── MappingError            a mapping that cannot be compiled: becomes a problem of InvalidMappings
    ├── TriggerError            a trigger that cannot be compiled: likewise
    ├── DirectiveError          a directive that cannot be compiled: becomes a problem of MappingError
    └── RowError                a row of a mappings file that is wrong: becomes problems of InvalidMappings

Two exceptions are no BridgeError, because a library must know them: ``cli.main.WrongSettings`` is click's, and
``demo.voucherify_project.Refused`` is an answer of the stand-in for Voucherify.

A message may end up in an answer or a log line, so none holds a secret or a person's data.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class BridgeError(Exception):
    """The root of all errors that the bridge raises on purpose."""


class Invalid(BridgeError):
    """A call that violates its schema. ``fields`` maps each dotted path ("": the whole call) to what is wrong there."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__("; ".join(f"{path or 'the body'}: {problem}" for path, problem in self.fields.items()))


class SignatureError(BridgeError):
    """The signature is missing, malformed or made with another secret."""


class NoSuchEvent(BridgeError):
    """The store has no event of that id."""


class InHand(BridgeError):
    """It is being sent or translated right now: its outcome is not known before that has ended."""


class UpstreamError(BridgeError):
    """A service that must be asked before the caller can be answered does not answer as it should."""


class StoreUnavailable(BridgeError):
    """Nothing can be stored at the moment: the sender should try again."""


class ConfigError(BridgeError):
    """One or more settings are wrong. ``problems`` maps each variable to what is wrong with it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("\n".join(f"{name}: {problem}" for name, problem in sorted(self.problems.items())))


class Problem(NamedTuple):
    """One problem of mappings: in which mapping (its number, from 1, and its name), where in it, and why."""

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


class DemoFailed(BridgeError):
    """The demo did not do what it shows. The text says what, and ends with the server's own words."""


class Unusable(BridgeError):
    """An authentic message that cannot be translated. The text is the reason that is stored with it."""


class BeyondFloat(Unusable):
    """JSON with a number beyond any float: neither a database nor a service can store it."""


class NotPlain(BridgeError):
    """Properties that must be shaped before they are flattened."""


class RoundLost(BridgeError):
    """Another translator has taken the round over: nothing was written."""


class SeenMeanwhile(BridgeError):
    """Another translator has written one of the keys first: decide again."""


class Unfit(BridgeError):
    """A value that cannot be converted. The text is the reason, and repeats no value."""


class MappingFailed(BridgeError):
    """A mapping that cannot be applied to this event: where in the mapping (a dotted path, "" for all of it), and why.

    The reason names kinds of values, never a value: it may be a person's.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path or 'the mapping'}: {reason}")


class TemplateFailed(BridgeError):
    """A Liquid template that fails on a payload. The text is the reason, and repeats no value."""


class MappingError(BridgeError):
    """A mapping that cannot be used. ``problems`` maps each dotted path ("": all of it) to what is wrong there."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{path or 'the mapping'}: {reason}" for path, reason in self.problems.items()))


class TriggerError(BridgeError):
    """A trigger that cannot be accepted: where (characters from the start, from 0), why, and how to write it."""

    def __init__(self, position: int, reason: str, remedy: str) -> None:
        super().__init__(position, reason, remedy)
        self.position = position
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"character {self.position + 1}: {self.reason}; {self.remedy}"


class DirectiveError(BridgeError):
    """A directive that cannot be compiled. The text is the reason, ``argument`` the argument that it is about."""

    def __init__(self, reason: str, argument: str = "") -> None:
        super().__init__(reason)
        self.argument = argument


class RowError(BridgeError):
    """A row of a mappings file that is wrong. ``reasons`` maps each dotted path to what is wrong there."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = reasons
        super().__init__("; ".join(f"{path}: {reason}" for path, reason in reasons.items()))
