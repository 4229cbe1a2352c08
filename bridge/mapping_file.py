"""Mappings in force: those of a file, or the presets.

The file is read again when it changes. While it is wrong, raw events are stored and wait: only their translation stops.
"""

import json
import threading
import time
import tomllib
from collections.abc import Callable
from datetime import date, datetime
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import structlog

from bridge.errors import InvalidMappings, Problem, Unusable
from bridge.json_text import read as read_json
from bridge.to_voucherify.raw_events.mappings import Mappings, load
from bridge.to_voucherify.raw_events.presets import PRESETS

VARIABLE = "BRIDGE_MAPPINGS"

LOOK_SECONDS = 1.0
"""Seconds between two looks at the file."""

_log = structlog.get_logger("bridge")


def read(path: Path) -> Mappings:
    """Return the mappings of a file.

    Raises:
        InvalidMappings: it cannot be read, or mappings are wrong; lists all problems.
    """
    return parse(path.name, _content(path))


def parse(name: str, content: bytes) -> Mappings:
    """Read mappings: a list, an object with ``mappings``, or an export.

    An export is an answer of Segment's Public API: ``{"data": {"subscriptions": [...]}}``, or the object in ``data``.
    It may also be a list of such answers, one for each page.

    Args:
        name: of the file; ``.toml`` at its end means TOML, anything else JSON.

    Raises:
        InvalidMappings: as ``read`` does.
    """
    value = _toml(content) if name.lower().endswith(".toml") else _json(content)
    return load(_rows(value))


def _rows(value: Any) -> Any:
    """Return the list of mappings in a value."""
    is_paged = isinstance(value, list) and bool(value) and all(map(_is_page, value))
    pages = value if is_paged else [value]
    if _is_followed(pages[-1]):
        raise InvalidMappings([Problem("", "", "the export ends before its last page: add the pages that follow")])
    lists = [_within(page, "data", "subscriptions", "mappings") for page in pages]
    return (
        [row for rows in lists for row in rows]
        if is_paged and all(isinstance(one, list) for one in lists)
        else lists[0]
    )


def _is_page(value: Any) -> bool:
    """Return whether a value is an answer of Segment's Public API."""
    return isinstance(value, dict) and not value.keys().isdisjoint({"data", "subscriptions"})


def _is_followed(value: Any) -> bool:
    """Return whether an answer says that another page follows."""
    data = _within(value, "data")
    pagination = data.get("pagination") if _is_page(value) and isinstance(data, dict) else None
    return isinstance(pagination, dict) and bool(pagination.get("next"))


def _within(value: Any, *names: str) -> Any:
    """Return the value below these names, as far as they exist."""
    for name in names:
        value = value[name] if isinstance(value, dict) and name in value else value
    return value


def in_force(path: Path | None) -> Callable[[], Mappings]:
    """Return a function that returns the mappings in force.

    They are those of the file at ``path``, or the presets if it is None.
    """
    return MappingFile(path).current if path else presets


def presets() -> Mappings:
    """Return the presets."""
    return PRESETS


class MappingFile:
    """Mappings of a file in this process.

    Args:
        path: the file.
        clock: monotonic seconds.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._looking = threading.Lock()
        self._looked_at = float("-inf")
        self._state: tuple[int, int, int] | None = None
        self._found: Mappings | InvalidMappings | None = None

    def __reduce__(self) -> tuple[type["MappingFile"], tuple[Path]]:
        """Pickle the path: another process reads the file itself."""
        return MappingFile, (self._path,)

    def current(self) -> Mappings:
        """Return the mappings in force, from the file if it has changed.

        Raises:
            InvalidMappings: the file is wrong.
        """
        with self._looking:
            if self._clock() - self._looked_at >= LOOK_SECONDS:
                self._look()
            current = self._found
        if isinstance(current, InvalidMappings) or current is None:
            raise current or InvalidMappings([])
        return current

    def _look(self) -> None:
        self._looked_at = self._clock()
        state = _state(self._path)
        if self._found is not None and state == self._state:
            return
        is_first, self._state = self._found is None, state
        try:
            self._found = read(self._path)
        except InvalidMappings as error:
            self._found = error
            problems = [str(problem) for problem in error.problems]
            _log.error("mapping file wrong, raw events wait", file=str(self._path), problems=problems)
        else:
            if not is_first:
                _log.info("mappings changed", file=str(self._path), mappings=len(self._found))


def _state(path: Path) -> tuple[int, int, int] | None:
    """Return values that change when the file does."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


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
    """Read TOML as JSON, with dates as texts."""
    try:
        text = json.dumps(tomllib.loads(content.decode()), default=_text, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise InvalidMappings(
            [Problem("", "", f"the file is not TOML, or has values that JSON does not have: {error}")]
        ) from error
    return json.loads(text)


def _text(value: datetime | date | time_of_day) -> str:
    return value.isoformat()
