"""Every error that the bridge raises on purpose.

    BridgeError
    │
    │   answered with a status: the table is ``web.errors.ERRORS``
    ├── Invalid            400  a request that violates its schema; names the fields
    ├── SignatureError     401  a request without a valid proof of its sender
    ├── Forbidden          403  a request for which its sender's key is not meant
    ├── NoSuchEvent        404  an id of no event in the database
    ├── InHand             409  a delivery or a message in progress
    ├── TooManyEvents      429  a sender that is over its key's rate
    ├── UpstreamError      502  a service that must be asked first does not answer as it should
    ├── StoreUnavailable   503  the database can store nothing at the moment
    │
    │   caught when a process starts, and shown to the operator
    ├── ConfigError             settings are missing or wrong; names each
    ├── InvalidMappings         a mapping file is wrong; names each problem
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
    └── RowError                a row of a mapping file that is wrong: becomes problems of InvalidMappings

Two exceptions are no BridgeError, because a library must know them: ``cli.main.WrongSettings`` is click's, and
``demo.voucherify_project.Refused`` is an answer of the stand-in for Voucherify.

A message may end up in an answer or a log line, so none holds a secret or a person's data.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class BridgeError(Exception):
    """Root of all errors that the bridge raises on purpose."""


class Invalid(BridgeError):
    """A request that violates its schema.

    ``fields`` maps each dotted path ("" is the whole body) to its problem.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__("; ".join(f"{path or 'the body'}: {problem}" for path, problem in self.fields.items()))


class SignatureError(BridgeError):
    """A signature that is missing, malformed, or made with another secret."""


class Forbidden(BridgeError):
    """A request for which its sender's key is not meant."""


class TooManyEvents(BridgeError):
    """A sender that is over its key's rate; ``wait_seconds`` says for how long."""

    def __init__(self, message: str, wait_seconds: float = 1.0) -> None:
        self.wait_seconds = wait_seconds
        super().__init__(message)


class NoSuchEvent(BridgeError):
    """An id of no event in the database."""


class InHand(BridgeError):
    """A delivery or message in progress; its outcome is not known yet."""


class UpstreamError(BridgeError):
    """A service that must be asked first does not answer as it should."""


class StoreUnavailable(BridgeError):
    """A database that can store nothing at the moment; the sender must retry."""


class ConfigError(BridgeError):
    """One or more wrong settings.

    ``problems`` maps each variable to its problem.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("\n".join(f"{name}: {problem}" for name, problem in sorted(self.problems.items())))


class Problem(NamedTuple):
    """One problem of mappings.

    It has the number (from 1) and name of the mapping, the path in it, and the reason.
    """

    mapping: str
    path: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.mapping and f"mapping {self.mapping}", self.path, self.reason)))


class InvalidMappings(BridgeError):
    """Mappings that cannot be used, with all their ``problems``."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class DemoFailed(BridgeError):
    """A demo that did not do what it shows.

    The text says what failed, and ends with the server's output.
    """


class Unusable(BridgeError):
    """An authentic message that cannot be translated.

    The text is the reason that is stored with it.
    """


class BeyondFloat(Unusable):
    """JSON with a number beyond any float: neither a database nor a service can store it."""


class NotPlain(BridgeError):
    """Properties that must be shaped before they are flattened."""


class RoundLost(BridgeError):
    """A round that another translator has taken over; nothing was written."""


class SeenMeanwhile(BridgeError):
    """A key that another translator has written first; decide again."""


class Unfit(BridgeError):
    """A value that cannot be converted.

    The text is the reason, and does not contain the value.
    """


class MappingFailed(BridgeError):
    """A mapping that cannot be applied to this event.

    It has a dotted path in the mapping ("" for all of it), and the reason. The reason names types of values, never a
    value, which may be personal data.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path or 'the mapping'}: {reason}")


class TemplateFailed(BridgeError):
    """A Liquid template that fails on a payload.

    The text is the reason, and contains no value.
    """


class MappingError(BridgeError):
    """A mapping that cannot be used.

    ``problems`` maps each dotted path ("" is all of it) to its problem.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{path or 'the mapping'}: {reason}" for path, reason in self.problems.items()))


class TriggerError(BridgeError):
    """A trigger that is refused.

    It has the position (characters from 0), the reason, and the correct form.
    """

    def __init__(self, position: int, reason: str, remedy: str) -> None:
        super().__init__(position, reason, remedy)
        self.position = position
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"character {self.position + 1}: {self.reason}; {self.remedy}"


class DirectiveError(BridgeError):
    """A directive that cannot be compiled.

    The text is the reason, and ``argument`` the wrong argument.
    """

    def __init__(self, reason: str, argument: str = "") -> None:
        super().__init__(reason)
        self.argument = argument


class RowError(BridgeError):
    """A wrong row of a mapping file.

    ``reasons`` maps each dotted path to its problem.
    """

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = reasons
        super().__init__("; ".join(f"{path}: {reason}" for path, reason in reasons.items()))
