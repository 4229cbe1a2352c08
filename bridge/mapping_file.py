"""The mappings in force: those of a file, which is read again when it changes, or the presets.

A file that is wrong must not stop what works: the last one that was right stays in force, and the log says so. It is
remembered in the database, since processes come and go (on SIGHUP, at ``--max-requests``, after a crash) and none that
begins with a wrong file could otherwise know what was right before.
"""

import json
import threading
import time
import tomllib
from collections.abc import Callable
from datetime import date, datetime
from datetime import time as time_of_day
from pathlib import Path
from typing import Any, Protocol

import structlog

from bridge.errors import ConfigError, InvalidMappings, Problem, Unusable
from bridge.logs import Sparing
from bridge.to_voucherify.mappings import Mappings, load
from bridge.to_voucherify.presets import PRESETS
from bridge.wire import read as read_json

VARIABLE = "BRIDGE_MAPPINGS"

LOOKING = 1.0
"""Seconds between two looks at the file."""

_log = structlog.get_logger("bridge")


class Memory(Protocol):
    """Keeps the source that was last right. It never raises: what cannot be remembered is not known."""

    def recall(self) -> bytes | None:
        """What was remembered last."""
        ...

    def remember(self, source: bytes) -> None:
        """Keep it."""
        ...


def read(path: Path) -> Mappings:
    """The mappings of a file.

    Raises:
        InvalidMappings: it cannot be read, or something is wrong with some of them; names all that is.
    """
    return parse(path.name, _content(path))


def parse(name: str, content: bytes) -> Mappings:
    """Read the mappings of a file's content: a list, an object with the list as ``mappings``, or an export.

    An export is what Segment's Public API answers: ``{"data": {"subscriptions": [...]}}``, or what is in ``data``.

    Args:
        name: of the file: what ends in ``.toml`` is TOML, anything else JSON.

    Raises:
        InvalidMappings: see ``read``.
    """
    value = _toml(content) if name.lower().endswith(".toml") else _json(content)
    for key in ("mappings", "data", "subscriptions"):
        value = value[key] if isinstance(value, dict) and key in value else value
    return load(value)


def in_force(path: Path | None, memory: Memory) -> Callable[[], Mappings]:
    """What says which mappings are in force: those of the file at ``path``, or the presets if there is none.

    Raises:
        ConfigError: the file is wrong, and nobody remembers one that was right.
    """
    return MappingFile(path, memory).current if path else lambda: PRESETS


def last_right(path: Path, memory: Memory) -> Mappings | None:
    """What the file at ``path`` said when it was last right; None if nobody knows."""
    content = memory.recall()
    try:
        return parse(path.name, content) if content is not None else None
    except InvalidMappings:  # an older bridge found it right
        return None


class MappingFile:
    """What is in force in this process.

    Args:
        path: the file.
        memory: where its last right content is kept.
        clock: seconds that only ever grow.

    Raises:
        ConfigError: see ``in_force``.
    """

    def __init__(self, path: Path, memory: Memory, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._memory = memory
        self._clock = clock
        self._looking = threading.Lock()
        self._complaints = Sparing()
        self._looked_at = clock()
        self._state = _state(path)
        self._wrong: InvalidMappings | None = None
        self._mappings = self._first()

    def current(self) -> Mappings:
        """The mappings in force, after a look at the file, if the last one was a while ago."""
        if self._clock() - self._looked_at >= LOOKING and self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._looking.release()
        return self._mappings

    def _first(self) -> Mappings:
        try:
            return self._fresh()
        except InvalidMappings as error:
            remembered = last_right(self._path, self._memory)
            if remembered is None:
                raise ConfigError({VARIABLE: f"{self._path}:\n{error}"}) from error
            self._complain(error)
            return remembered

    def _look(self) -> None:
        self._looked_at = self._clock()
        state = _state(self._path)
        if state != self._state:
            self._state, self._wrong = state, None
            try:
                self._mappings = self._fresh()
            except InvalidMappings as error:
                self._wrong = error
            else:
                _log.info("mappings changed", file=str(self._path), mappings=len(self._mappings))
        if self._wrong:
            self._complain(self._wrong)

    def _fresh(self) -> Mappings:
        content = _content(self._path)
        mappings = parse(self._path.name, content)
        if self._memory.recall() != content:
            self._memory.remember(content)
        return mappings

    def _complain(self, error: InvalidMappings) -> None:
        self._wrong = error
        if self._complaints.admits(str(error)):
            problems = [str(problem) for problem in error.problems]
            _log.error("mappings file wrong, its last right content in force", file=str(self._path), problems=problems)


def _state(path: Path) -> tuple[int, int, int] | None:
    """What changes when the file does."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidMappings([Problem("", "", f"cannot be read: {error.strerror}")]) from error


def _json(content: bytes) -> Any:
    try:
        return read_json(content)
    except Unusable as error:
        reason = f"{error}: {error.__cause__}".replace("the body", "the file")
        raise InvalidMappings([Problem("", "", reason)]) from error


def _toml(content: bytes) -> Any:
    """As JSON would say it: a date is a text."""
    try:
        text = json.dumps(tomllib.loads(content.decode()), default=_text, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise InvalidMappings([Problem("", "", f"the file is not TOML that JSON could say: {error}")]) from error
    return json.loads(text)


def _text(value: datetime | date | time_of_day) -> str:
    return value.isoformat()
