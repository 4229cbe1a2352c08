"""Values of one type → the same values as Voucherify's metadata wants them; Segment sends most as texts.

Source: https://docs.voucherify.io/prepare/metadata for how each type is written.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bridge.errors import Unfit, Unusable
from bridge.json_text import read
from bridge.to_voucherify.language.javascript import text

SAFE_INTEGER = 2**53
"""From here on, whoever reads JSON numbers as floats no longer tells one integer from the next."""

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
_GEOPOINT = re.compile(r"\s*([-+]?\d+(?:\.\d+)?)\s*,\s*([-+]?\d+(?:\.\d+)?)\s*", re.ASCII)
_IMAGE_URL = re.compile(r"https?://[^\s/]+(?:/\S*)?", re.IGNORECASE)

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)

_YEAR = 4
"""Digits of a year."""

# Perhaps the day of the week, then three parts, then perhaps a time, which says nothing here.
_DATE = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +)?"
    r"(\d{1,4}|[a-z]{3,9})[-/., ]{1,2}(\d{1,2}|[a-z]{3,9})[-/., ]{1,2}(\d{1,4})(?:[T ]\d{1,2}:\d\d.*)?",
    re.ASCII | re.IGNORECASE,
)

_NAMED = (("lat", "lng"), ("lat", "lon"), ("latitude", "longitude"))
"""How objects name the two coordinates of a point."""


def calendar_date(text: str) -> str:
    """Read a date or datetime as ``YYYY-MM-DD``; its offset moves nothing.

    ISO 8601, or any other order of year, month and day that can only be one date: ``1990-1-5``, ``31.12.1990``,
    ``Jan 31, 1990``, but not ``05/01/1990``.

    Raises:
        ValueError: it is neither.
    """
    try:
        return datetime.fromisoformat(text.strip()).date().isoformat()
    except ValueError:
        written = _DATE.fullmatch(text.strip())
        if not written:
            raise
    first, second, third = written.groups()
    orders = ((first, second, third), (third, second, first), (third, first, second))
    dates = {found for year, month, day in orders if (found := _date(year, month, day))}
    if len(dates) != 1:
        raise ValueError("no date, or more than one")
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
    """``7`` → ``"7"``, ``7.0`` too, ``true`` → ``"true"``: as JavaScript prints them."""
    if isinstance(value, str | bool | int | float):
        return text(value)
    raise Unfit("not a text")


def number(value: Any) -> int | float:
    """``"12"`` → ``12``, ``" 1.5"`` → ``1.5``."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        found = float(value)
        if abs(found) < SAFE_INTEGER:
            return int(found) if found.is_integer() else found
        if found not in (float("inf"), float("-inf")):
            return found
    raise Unfit("not a number")


def boolean(value: Any) -> bool:
    """``"true"`` and ``"false"``, in any letters."""
    found = {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise Unfit("not true or false")
    return found


def date(value: Any) -> str:
    """``YYYY-MM-DD``."""
    try:
        if isinstance(value, str):
            return calendar_date(value)
    except ValueError:
        pass
    raise Unfit("not a date")


def instant(value: Any) -> str:
    """``2031-03-01T08:00:00.000Z``; a time without an offset is UTC, a date is its midnight."""
    try:
        if isinstance(value, str):
            told = datetime.fromisoformat(value.strip())
            moment = told.astimezone(UTC) if told.tzinfo else told
            return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    except (ValueError, OverflowError):
        pass
    raise Unfit("not a date and time")


def geopoint(value: Any) -> str:
    """``"55.605, 13.003"``, latitude first; an object that names the two becomes that text."""
    if isinstance(value, dict):
        names = next((names for names in _NAMED if value.keys() >= set(names)), ())
        value = ", ".join(string(number(value[name])) for name in names)
    found = _GEOPOINT.fullmatch(value) if isinstance(value, str) else None
    if not found or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:  # noqa: PLR2004 - degrees
        raise Unfit("not a latitude and a longitude")
    return str(value)


def image_url(value: Any) -> str:
    """An address on the web."""
    if not isinstance(value, str) or not _IMAGE_URL.fullmatch(value):
        raise Unfit("not the URL of an image")
    return value


def array(value: Any) -> list[Any]:
    """A text that is a JSON array becomes it; any other single value becomes its only item."""
    found = _parsed(value) if isinstance(value, str) and value.lstrip().startswith("[") else value
    return found if isinstance(found, list) else [value]


def nested(value: Any) -> dict[str, Any]:
    """A text that is a JSON object becomes it."""
    found = _parsed(value) if isinstance(value, str) else value
    if not isinstance(found, dict):
        raise Unfit("not an object")
    return found


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
"""By a property's type in Voucherify's metadata schema. Each raises ``Unfit`` for what cannot be converted."""
