"""JSON on the wire, pure: read strictly, written as it is measured and sent."""

import hashlib
import json
import math
import re
from codecs import BOM_UTF8
from typing import Any, NoReturn

import msgspec

from bridge.errors import BeyondFloat, Unusable

# Characters that neither PostgreSQL nor a warehouse can store: NUL, and halves of surrogate pairs.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

LEVELS = 200
"""Levels of objects and arrays in JSON.

Code that walks through JSON may use three frames per level, of the 1,000 that Python has by default. JSON that people
write has ten levels.
"""

_TOO_DEEP = "the JSON is nested too deeply"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def read(body: bytes) -> Any:
    """Read JSON, and replace NUL and lone surrogates by U+FFFD.

    No database can store those. A byte order mark before the JSON is skipped.

    Raises:
        BeyondFloat: a number is beyond any float.
        Unusable: not UTF-8, not JSON (NaN and Infinity are not), or more than ``LEVELS`` levels.
    """
    body = body.removeprefix(BOM_UTF8)
    try:
        value, is_storable = _QUICK.decode(body), b"\\u0000" not in body
    except (ValueError, RecursionError):
        value, is_storable = _read_thoroughly(body, _DECODER), False
    return _checked(body, value, is_storable=is_storable)


def read_infinite(body: bytes) -> Any:
    """Read JSON as ``read`` does, with infinity for a number beyond any float.

    Raises:
        Unusable: as ``read``.
    """
    body = body.removeprefix(BOM_UTF8)
    return _checked(body, _read_thoroughly(body, _INFINITE), is_storable=False)


def is_finite(value: Any) -> bool:
    """Return whether no number in a value is infinite."""
    match value:
        case float():
            return math.isfinite(value)
        case list():
            return all(map(is_finite, value))
        case dict():
            return all(map(is_finite, value.values()))
        case _:
            return True


def _checked(body: bytes, value: Any, *, is_storable: bool) -> Any:
    if body.count(b"{") + body.count(b"[") > LEVELS and is_deeper(value, LEVELS):
        raise Unusable(_TOO_DEEP)
    return value if is_storable else storable(value)


def is_deeper(value: Any, levels: int) -> bool:
    """Return whether a value has more than ``levels`` levels; never raises."""
    level = [value]
    for _ in range(levels + 1):
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            return False
        level = [item for one in level for item in (one.values() if isinstance(one, dict) else one)]
    return True


def _read_thoroughly(body: bytes, decoder: json.JSONDecoder) -> Any:
    """Read JSON several times slower than ``read``, with more detail.

    It accepts lone surrogates, which are JSON, and names the reason of a refusal.
    """
    try:
        return decoder.decode(body.decode())
    except UnicodeDecodeError as error:
        raise Unusable("the body is not UTF-8") from error
    except RecursionError as error:
        raise Unusable(_TOO_DEEP) from error
    except OverflowError as error:
        raise BeyondFloat("a number is beyond any float") from error
    except ValueError as error:
        raise Unusable("the body is not JSON") from error


def write(value: Any) -> bytes:
    """Write compact JSON in UTF-8."""
    return _WRITER.encode(value)


def write_ascii(value: Any) -> bytes:
    """Write JSON as ``segment-analytics-python`` does; the form never changes.

    It is ASCII only, with blanks behind separators.
    """
    return _ASCII.encode(value).encode()


def digest(value: Any) -> bytes:
    """Return 32 bytes that identify a value, whatever the order of its keys.

    They never change between versions.
    """
    return hashlib.sha256(_ASCII_SORTED.encode(value).encode()).digest()


def fingerprint(value: Any) -> bytes:
    """Return 32 bytes that identify a value within one version.

    It takes a sixth of the time of ``digest``.
    """
    return hashlib.sha256(_SORTED.encode(value)).digest()


def storable(value: Any) -> Any:
    """Replace characters that no database can store, in keys too."""
    match value:
        case str():
            return _UNSTORABLE.sub(_REPLACEMENT, value)
        case list():
            return [storable(item) for item in value]
        case dict():
            return {storable(key): storable(item) for key, item in value.items()}
        case _:
            return value


def without_surrogates(body: bytes) -> bytes:
    """Return a body that msgspec can search, though it has lone surrogates or a byte order mark.

    All surrogates become other characters, and all else stays.
    """
    return body.removeprefix(BOM_UTF8).replace(b"\\ud", b"\\u0").replace(b"\\uD", b"\\u0")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise OverflowError
    return number


def _rounded(text: str) -> float:
    number = float(text)
    return number if math.isinf(number) else int(text)


def _integer(text: str) -> int:
    _finite(text)
    return int(text)


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_QUICK, _WRITER, _SORTED = msgspec.json.Decoder(), msgspec.json.Encoder(), msgspec.json.Encoder(order="sorted")
_ASCII, _ASCII_SORTED = json.JSONEncoder(), json.JSONEncoder(sort_keys=True)
_DECODER = json.JSONDecoder(parse_float=_finite, parse_int=_integer, parse_constant=_not_json)
_INFINITE = json.JSONDecoder(parse_int=_rounded, parse_constant=_not_json)
