"""The filter `date`: ISO 8601 or seconds → a text, in UTC and English.

JavaScript reads more texts as dates, each browser and server others ("1 May", "-7.25"); here those stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from math import floor
from typing import Any

from bridge.to_voucherify.mapping.errors import Unrendered
from bridge.to_voucherify.mapping.javascript import UNDEFINED, as_double, is_nothing, text

_ISO = re.compile(
    r"(\d{4})-(\d\d)(?:-(\d\d))?"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.](?P<fraction>\d{1,9}))?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)
_LEAST = (1, 1, 1, 0, 0, 0)
_MOST = 8.64e15
"""Milliseconds from 1970 that JavaScript's Date can hold; what is beyond is no date."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = re.compile(r"\d{1,300}", re.ASCII)
CLOCK = frozenset({"now", "today"})
_FORM = "%A, %B %-e, %Y at %-l:%M %P %z"
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def date(value: Any, form: Any = UNDEFINED) -> Any:
    """The value, if it is a date, in the form of strftime; else the value as it is."""
    if isinstance(value, str) and value in CLOCK:
        raise Unrendered(NO_CLOCK)
    try:
        found = _read(value)
    except OverflowError:
        raise Unrendered("finds a date that is not in the years 1 to 9999") from None
    if found is None:
        return value
    return _CODE.sub(lambda code: _told(found, code), _FORM if is_nothing(form) else text(form))


NO_CLOCK = "what time it is now is no part of an event"


def refuse_date(constants: Sequence[str]) -> str | None:
    """Why a date with this form is refused."""
    return next(
        (
            f"%{code['letter']} is told differently at Segment"
            for form in constants
            for code in _CODE.finditer(form)
            if code["letter"] in _ELSEWHERE or code["modifier"]
        ),
        None,
    )


def _read(value: Any) -> datetime | None:
    if isinstance(value, str) and _SECONDS.fullmatch(value):
        value = float(value)
    if isinstance(value, int | float):
        # A boolean is a number of milliseconds, as for JavaScript's Date.
        milliseconds = as_double(value) * (isinstance(value, bool) or 1000)
        return _EPOCH + timedelta(milliseconds=int(milliseconds)) if abs(milliseconds) <= _MOST else None
    parts = _ISO.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        return None
    year, month, day, hour, minute, second = (
        int(part or least) for part, least in zip(parts.groups(), _LEAST, strict=False)
    )
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour <= 23 and minute <= 59 and second <= 59):  # noqa: PLR2004
        return None
    if year < 1:
        raise OverflowError
    zone = parts["zone"] or "Z"
    offset = timedelta() if zone == "Z" else timedelta(hours=int(zone[1:3]), minutes=int(zone[4:]))
    # The 30th of February is the 1st or 2nd of March.
    return (
        datetime(year, month, 1, hour, minute, second, tzinfo=UTC)
        + timedelta(days=day - 1, milliseconds=int((parts["fraction"] or "")[:3].ljust(3, "0")))
        - (-offset if zone[0] == "-" else offset)
    )


# A flag or several, a width, a modifier, a letter.
_CODE = re.compile(r"%(?P<flags>[-_0^#:]+)?(?P<width>\d+)?(?P<modifier>[EO])?(?P<letter>.)", re.ASCII)
_WIDEST = 100
_ELSEWHERE = frozenset("cxXZNq")
"""Letters whose text depends on the place, or on the version of liquidjs."""

_LETTERS: dict[str, tuple[int, str, Callable[[datetime], object]]] = {
    "a": (0, " ", lambda moment: _DAYS[moment.weekday()][:3]),
    "A": (0, " ", lambda moment: _DAYS[moment.weekday()]),
    "b": (0, " ", lambda moment: _MONTHS[moment.month - 1][:3]),
    "B": (0, " ", lambda moment: _MONTHS[moment.month - 1]),
    "C": (2, "0", lambda moment: moment.year // 100),
    "d": (2, "0", lambda moment: moment.day),
    "e": (2, " ", lambda moment: moment.day),
    "h": (0, "0", lambda moment: _MONTHS[moment.month - 1][:3]),
    "H": (2, "0", lambda moment: moment.hour),
    "I": (2, "0", lambda moment: moment.hour % 12 or 12),
    "j": (3, "0", lambda moment: moment.timetuple().tm_yday),
    "k": (2, " ", lambda moment: moment.hour),
    "l": (2, " ", lambda moment: moment.hour % 12 or 12),
    "L": (3, "0", lambda moment: moment.microsecond // 1000),
    "m": (2, "0", lambda moment: moment.month),
    "M": (2, "0", lambda moment: moment.minute),
    "p": (0, " ", lambda moment: "AM" if moment.hour < 12 else "PM"),  # noqa: PLR2004 - noon
    "P": (0, " ", lambda moment: "am" if moment.hour < 12 else "pm"),  # noqa: PLR2004 - noon
    "s": (0, "0", lambda moment: floor(moment.timestamp())),
    "S": (2, "0", lambda moment: moment.second),
    "u": (0, "0", lambda moment: moment.isoweekday()),
    "U": (2, "0", lambda moment: moment.strftime("%U")),
    "w": (0, "0", lambda moment: moment.isoweekday() % 7),
    "W": (2, "0", lambda moment: moment.strftime("%W")),
    "y": (2, "0", lambda moment: moment.year % 100),
    "Y": (4, "0", lambda moment: moment.year),
    "z": (0, "0", lambda _: "+0000"),
    "t": (0, "0", lambda _: "\t"),
    "n": (0, "0", lambda _: "\n"),
    "%": (0, "0", lambda _: "%"),
}
"""By letter: the width it is filled up to, with what, and what it tells."""


def _told(moment: datetime, code: re.Match[str]) -> str:
    letter, flags = code["letter"], code["flags"] or ""
    if letter in _ELSEWHERE or code["modifier"]:
        raise Unrendered(f"%{letter} is told differently at Segment")
    if letter not in _LETTERS:
        return code[0]
    width, fill, tell = _LETTERS[letter]
    told = "+00:00" if letter == "z" and ":" in flags else str(tell(moment))
    width = 0 if "-" in flags else int(code["width"] or 0) or width
    if width > _WIDEST:
        raise Unrendered(f"pads a date to more than {_WIDEST} characters")
    if "^" in flags:
        told = told.upper()
    elif "#" in flags:
        told = told.lower() if told.upper() == told else told.upper()
    return told.rjust(width, " " if "_" in flags else "0" if "0" in flags else fill)
