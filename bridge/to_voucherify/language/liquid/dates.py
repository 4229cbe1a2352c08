"""Format dates as texts, in UTC and English.

The filters read ISO 8601, seconds, and the usual forms of people and JavaScript: `March 1, 2026`, `3/1/2026`,
`2026-3-1 10:00`, `Sun, 01 Mar 2026 10:00:00 GMT`. JavaScript reads more texts as dates: "Order 5" is the 1st of May
2001. The filter fails on those. A value that JavaScript does not read as a date stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from math import floor
from typing import Any

from bridge.errors import TemplateFailed
from bridge.to_voucherify.language.javascript import UNDEFINED, WHITE_SPACE, as_double, is_nothing, text

_ISO = re.compile(
    r"(\d{4})-(\d\d)(?:-(\d\d))?"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.](?P<fraction>\d{1,9}))?)?(?P<zone>Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_LEAST = (1, 1, 1, 0, 0, 0)
_MOST = 8.64e15
"""The largest date of JavaScript, in milliseconds from 1970."""

# The forms that JavaScript reads beside ISO 8601. Segment's servers are in UTC.
_WRITTEN = tuple(
    re.compile(
        day + r"(?:,? +(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?: ?(?P<half>AM|PM))?)?"
        r"(?: ?(?:Z|UTC?|GMT)? ?(?P<zone>(?<=[\d T])[+-]\d\d:?\d\d)?)(?: \([^()]*\))?",
        re.ASCII | re.IGNORECASE,
    )
    for day in (
        r"(?P<year>\d{4})(?P<mark>[-/])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
        r"(?P<month>\d{1,2})(?P<mark>[-/])(?P<day>\d{1,2})(?P=mark)(?P<year>\d{4})",
        r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +)?(?P<month>[a-z]{3,9}) +(?P<day>\d{1,2}),? +(?P<year>\d{4})",
        r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +)?(?P<day>\d{1,2}) +(?P<month>[a-z]{3,9}),? +(?P<year>\d{4})",
    )
)
# Words that JavaScript accepts after a number. With another word, the text is not a date.
_WORD = re.compile(
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*|am|pm|z|t|utc?|gmt|[ecmp][sd]t", re.IGNORECASE
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = re.compile(r"\d+", re.ASCII)
_DECIMAL_SECONDS = re.compile(r"\d{7,}[.]\d*", re.ASCII)
"""JavaScript does not read this as a date, unlike whole seconds."""

CLOCK = frozenset({"now", "today"})
_FORM = "%A, %B %-e, %Y at %-l:%M %P %z"
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def date(value: Any, form: Any = UNDEFINED) -> Any:
    """Format a date in a form of strftime.

    A value that is not a date stays as it is.
    """
    moment = _moment(value)
    if moment is None:
        return value
    return _CODE.sub(lambda code: _formatted(moment, code), _FORM if is_nothing(form) else text(form))


def date_to_string(month: str) -> Callable[..., Any]:
    """Make the filter that writes day, month and year, with this form of the month."""

    def apply(value: Any, kind: Any = UNDEFINED, style: Any = UNDEFINED) -> Any:
        if kind != "ordinal":
            return date(value, f"%d {month} %Y")
        return date(value, f"{month} %-d%q, %Y" if style == "US" else f"%-d%q {month} %Y")

    return apply


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str) and value in CLOCK:
        raise TemplateFailed(NO_CLOCK)
    try:
        return _read(value)
    except OverflowError:
        raise TemplateFailed("finds a date that is not in the years 1 to 9999") from None


NO_CLOCK = "an event does not have the current time"


def refuse_date(constants: Sequence[str]) -> str | None:
    """Return why a form is refused, or None."""
    return next(
        (
            f"%{code['letter']} prints differently at Segment"
            for form in constants
            for code in _CODE.finditer(form)
            if code["letter"] in _ELSEWHERE
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
    if isinstance(value, list):
        value = text(value)
    if not isinstance(value, str):
        return None
    parts = _ISO.fullmatch(value)
    if parts is None:
        return _read_written(value)
    year, month, day, hour, minute, second = (
        int(part or least) for part, least in zip(parts.groups(), _LEAST, strict=False)
    )
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour <= 23 and minute <= 59 and second <= 59):  # noqa: PLR2004 - dates
        return None
    if year < 1:
        raise OverflowError
    zone = parts["zone"] or "Z"
    offset = timedelta() if zone == "Z" else timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    # The 30th of February is the 1st or 2nd of March.
    return (
        datetime(year, month, 1, hour, minute, second, tzinfo=UTC)
        + timedelta(days=day - 1, milliseconds=int((parts["fraction"] or "")[:3].ljust(3, "0")))
        - (-offset if zone[0] == "-" else offset)
    )


def _read_written(value: str) -> datetime | None:
    """Read a date that is not in ISO 8601.

    Raises:
        TemplateFailed: JavaScript may read it as a date, in a way that this module does not know.
    """
    first = re.search("[0-9]", value)
    if first is None:
        return None
    words = re.findall("[A-Za-z]+", re.sub(r"[(][^()]*[)]", "", value[first.start() :]))
    if not all(map(_WORD.fullmatch, words)) or _DECIMAL_SECONDS.fullmatch(value):
        return None
    parts = next(filter(None, (form.fullmatch(value.strip(WHITE_SPACE)) for form in _WRITTEN)), None)
    month = str(_MONTH_NUMBERS.get(parts["month"][:3].lower(), parts["month"])) if parts else ""
    clock = [int(parts[name] or 0) for name in ("hour", "minute", "second")] if parts else []
    if parts is None or not month.isdigit() or not _is_time(*clock, half=bool(parts["half"])):
        raise TemplateFailed("finds a text that may be a date to Segment, but none that the bridge can read")
    if not (1 <= int(month) <= 12 and 1 <= int(parts["day"]) <= 31):  # noqa: PLR2004 - months and days
        return None
    hour, minute, second = clock
    if parts["half"]:
        hour = hour % 12 + (12 if parts["half"].upper() == "PM" else 0)
    zone = parts["zone"] or "+0000"
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return (
        datetime(int(parts["year"]), int(month), 1, hour, minute, second, tzinfo=UTC)
        + timedelta(days=int(parts["day"]) - 1)
        - (-offset if zone[0] == "-" else offset)
    )


def _is_time(hour: int, minute: int, second: int, *, half: bool) -> bool:
    return hour <= (12 if half else 23) and minute <= 59 and second <= 59  # noqa: PLR2004 - as clocks have it


# A flag or several, a width, a modifier, a letter.
_CODE = re.compile(r"%(?P<flags>[-_0^#:]+)?(?P<width>\d+)?(?P<modifier>[EO])?(?P<letter>.)", re.ASCII)
_WIDEST = 100
_ELSEWHERE = frozenset("cxXZN")
"""Letters whose text depends on the place, or on the version of liquidjs."""

_MONTH_NUMBERS = {name[:3].lower(): number for number, name in enumerate(_MONTHS, 1)}
_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


def _week(moment: datetime, first: int) -> int:
    """Count weeks as liquidjs does: in many years one less than the calendar."""
    day = moment.timetuple().tm_yday + first - moment.isoweekday() % 7
    return (day - (7 - datetime(moment.year, 1, 1, tzinfo=UTC).isoweekday() % 7 + first)) // 7 + 1


_LETTERS: dict[str, tuple[int, str, Callable[[datetime], object]]] = {
    "a": (0, " ", lambda moment: _DAYS[moment.weekday()][:3]),
    "A": (0, " ", lambda moment: _DAYS[moment.weekday()]),
    "b": (0, " ", lambda moment: _MONTHS[moment.month - 1][:3]),
    "B": (0, " ", lambda moment: _MONTHS[moment.month - 1]),
    "C": (0, "0", lambda moment: int(str(moment.year)[:2])),
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
    "q": (0, "0", lambda moment: "th" if moment.day in (11, 12, 13) else _ORDINALS.get(moment.day % 10, "th")),
    "s": (0, "0", lambda moment: floor((moment - _EPOCH) / timedelta(seconds=1) + 0.5)),
    "S": (2, "0", lambda moment: moment.second),
    "u": (0, "0", lambda moment: moment.isoweekday()),
    "U": (2, "0", lambda moment: _week(moment, 0)),
    "w": (0, "0", lambda moment: moment.isoweekday() % 7),
    "W": (2, "0", lambda moment: _week(moment, 1)),
    "y": (0, "0", lambda moment: str(moment.year)[2:4]),
    "Y": (0, "0", lambda moment: moment.year),
    "z": (0, "0", lambda _: "+0000"),
    "t": (0, "0", lambda _: "\t"),
    "n": (0, "0", lambda _: "\n"),
    "%": (0, "0", lambda _: "%"),
}
"""By letter: its width, its fill character and its value."""


def _formatted(moment: datetime, code: re.Match[str]) -> str:
    letter, flags = code["letter"], code["flags"] or ""
    if letter in _ELSEWHERE:
        raise TemplateFailed(f"%{letter} prints differently at Segment")
    if letter not in _LETTERS:
        return code[0]
    width, fill, value_of = _LETTERS[letter]
    output = "+00:00" if letter == "z" and ":" in flags else str(value_of(moment))
    width = 0 if "-" in flags else int(code["width"] or 0) or width
    if width > _WIDEST:
        raise TemplateFailed(f"pads a date to more than {_WIDEST} characters")
    if "^" in flags:
        output = output.upper()
    elif "#" in flags:
        output = output.lower() if output.upper() == output else output.upper()
    return output.rjust(width, " " if "_" in flags else "0" if "0" in flags else fill)
