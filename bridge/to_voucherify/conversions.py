"""Convert values to the types of Voucherify's metadata.

Segment sends most values as texts. Source: https://docs.voucherify.io/prepare/metadata for the format of each type.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bridge.errors import Unfit, Unusable
from bridge.json_text import read
from bridge.to_voucherify.language.javascript import text

SAFE_INTEGER = 2**53
"""The first integer that a reader of floats may confuse with its neighbour.

Many JSON readers read numbers as floats.
"""

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
_GEOPOINT = re.compile(r"\s*([-+]?\d+(?:\.\d+)?)\s*,\s*([-+]?\d+(?:\.\d+)?)\s*", re.ASCII)
_IMAGE_URL = re.compile(r"https?://[^\s/]+(?:/\S*)?", re.IGNORECASE)

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)

_YEAR = 4
"""Digits of a year."""

# An optional day of the week, three parts, and an optional time, which is ignored.
_DATE = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +)?"
    r"(\d{1,4}|[a-z]{3,9})[-/., ]{1,2}(\d{1,2}|[a-z]{3,9})[-/., ]{1,2}(\d{1,4})(?:[T ]\d{1,2}:\d\d.*)?",
    re.ASCII | re.IGNORECASE,
)

_NAMED = (("lat", "lng"), ("lat", "lon"), ("latitude", "longitude"))
"""The names of the two coordinates in objects."""


def calendar_date(text: str) -> str:
    """Convert a date or datetime to ``YYYY-MM-DD``, ignoring its offset.

    The text is ISO 8601, or any other order of year, month and day that means exactly one date: ``1990-1-5``,
    ``31.12.1990``, ``Jan 31, 1990``, but not ``05/01/1990``.

    Raises:
        ValueError: the text is not a date, or ambiguous.
    """
    try:
        return datetime.fromisoformat(text.strip()).date().isoformat()
    except ValueError:
        parts = _DATE.fullmatch(text.strip())
        if not parts:
            raise
    first, second, third = parts.groups()
    orders = ((first, second, third), (third, second, first), (third, first, second))
    dates = {one for year, month, day in orders if (one := _date(year, month, day))}
    if len(dates) != 1:
        raise ValueError("not a date, or ambiguous")
    return dates.pop()


def _date(year: str, month: str, day: str) -> str | None:
    try:
        number = next((at for at, name in enumerate(MONTHS, 1) if month.lower() in (name, name[:3])), None)
        return (
            datetime(int(year), number or int(month), int(day), tzinfo=UTC).date().isoformat()
            if len(year) == _YEAR
            else None
        )
    except ValueError:
        return None


def string(value: Any) -> str:
    """Print a value as JavaScript does: ``7.0`` → ``"7"``, ``true`` → ``"true"``."""
    if isinstance(value, str | bool | int | float):
        return text(value)
    raise Unfit("not a text")


def number(value: Any) -> int | float:
    """Convert a text to a number: ``"12"`` → ``12``, ``" 1.5"`` → ``1.5``."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        double = float(value)
        if abs(double) < SAFE_INTEGER:
            return int(double) if double.is_integer() else double
        if double not in (float("inf"), float("-inf")):
            return double
    raise Unfit("not a number")


def boolean(value: Any) -> bool:
    """Convert ``"true"`` and ``"false"``, in any case."""
    flag = {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(flag, bool):
        raise Unfit("not true or false")
    return flag


def date(value: Any) -> str:
    """Convert a date or datetime to ``YYYY-MM-DD``."""
    try:
        if isinstance(value, str):
            return calendar_date(value)
    except ValueError:
        pass
    raise Unfit("not a date")


def instant(value: Any) -> str:
    """Convert a datetime to the form ``2031-03-01T08:00:00.000Z``.

    A datetime without an offset is in UTC. A date is its midnight.
    """
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value.strip())
            moment = moment.astimezone(UTC) if moment.tzinfo else moment
            return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    except (ValueError, OverflowError):
        pass
    raise Unfit("not a date and time")


def geopoint(value: Any) -> str:
    """Convert an object with two coordinates to ``"55.605, 13.003"``, latitude first.

    A text in this form is returned as it is.
    """
    if isinstance(value, dict):
        names = next((names for names in _NAMED if value.keys() >= set(names)), ())
        value = ", ".join(string(number(value[name])) for name in names)
    match = _GEOPOINT.fullmatch(value) if isinstance(value, str) else None
    if not match or abs(float(match[1])) > 90 or abs(float(match[2])) > 180:  # noqa: PLR2004 - degrees
        raise Unfit("not a latitude and a longitude")
    return str(value)


def image_url(value: Any) -> str:
    """Check that a value is a web address."""
    if not isinstance(value, str) or not _IMAGE_URL.fullmatch(value):
        raise Unfit("not the URL of an image")
    return value


def array(value: Any) -> list[Any]:
    """Convert a text that is a JSON array, or wrap any other single value in a list."""
    items = _parsed(value) if isinstance(value, str) and value.lstrip().startswith("[") else value
    return items if isinstance(items, list) else [value]


def nested(value: Any) -> dict[str, Any]:
    """Convert a text that is a JSON object to the object."""
    parsed = _parsed(value) if isinstance(value, str) else value
    if not isinstance(parsed, dict):
        raise Unfit("not an object")
    return parsed


def _parsed(text: str) -> Any:
    try:
        return read(text.encode())
    except Unusable:
        return None


CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "string": string,
    "number": number,
    "boolean": boolean,
    "date": date,
    "datetime": instant,
    "geopoint": geopoint,
    "image_url": image_url,
}
"""By a property's type in Voucherify's metadata schema.

Each raises ``Unfit`` for a value that it cannot convert.
"""
