"""Every error the bridge raises on purpose.

    BridgeError
    ├── ConfigError          a setting is missing or wrong; says which, and what would be right
    ├── SignatureError       a call that does not prove who sent it (401)
    ├── Unusable             authentic, but not something the bridge can translate (quarantined)
    ├── StoreUnavailable     the database cannot keep anything right now (503)
    └── NoSuchEvent          an id that the store does not know

A message may end up in an answer or a log line, so none holds a secret or a person's data.
"""

from collections.abc import Mapping


class BridgeError(Exception):
    """The root: whatever the bridge itself raises."""


class ConfigError(BridgeError):
    """One or more settings are wrong. ``problems`` maps each variable to what is wrong with it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("\n".join(f"{name}: {problem}" for name, problem in sorted(self.problems.items())))


class SignatureError(BridgeError):
    """The signature is missing, malformed or made with another secret."""


class Unusable(BridgeError):
    """An authentic message that cannot be translated. The text is the reason that is stored with it."""


class StoreUnavailable(BridgeError):
    """Nothing can be stored at the moment: the sender should try again."""


class NoSuchEvent(BridgeError):
    """The store has no event of that id."""
