"""JSON as it crosses the wire: read strictly, written the way it is measured and sent. Pure."""

import hashlib
import json
import math
import re
from typing import Any, NoReturn

import msgspec

from bridge.errors import Unusable

# What neither PostgreSQL nor a warehouse can hold in a text: NUL, and halves of surrogate pairs.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def read(body: bytes) -> Any:
    """The value that ``body`` says, with what no database can hold (NUL, lone surrogates) replaced by U+FFFD.

    Raises:
        Unusable: not UTF-8, not JSON (NaN and Infinity are not), a number beyond any float, or nested too deeply.
    """
    try:
        value = _QUICK.decode(body)
    except (ValueError, RecursionError):
        return _read_thoroughly(body)
    return storable(value) if b"\\u0000" in body else value


def _read_thoroughly(body: bytes) -> Any:
    """As above, several times as slow: for lone surrogates, which are JSON all the same, and to say what is wrong."""
    try:
        return storable(_DECODER.decode(body.decode()))
    except UnicodeDecodeError as error:
        raise Unusable("the body is not UTF-8") from error
    except RecursionError as error:
        raise Unusable("the JSON is nested too deeply") from error
    except ValueError as error:
        raise Unusable("the body is not JSON") from error


def write(value: Any) -> bytes:
    """``value`` as ``segment-analytics-python`` writes it on the wire: ASCII only, so one character is one byte."""
    return json.dumps(value, allow_nan=False).encode()


def digest(value: Any) -> bytes:
    """32 bytes that are the same for the same value, whatever the order of its keys, for ever."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()


def fingerprint(value: Any) -> bytes:
    """As ``digest``, six times as fast: to tell values apart, where nothing outside depends on the very bytes."""
    return hashlib.sha256(_SORTED.encode(value)).digest()


def storable(value: Any) -> Any:
    """``value`` with U+FFFD in place of every character that no database can hold, in keys too."""
    match value:
        case str():
            return _UNSTORABLE.sub(_REPLACEMENT, value)
        case list():
            return [storable(item) for item in value]
        case dict():
            return {storable(key): storable(item) for key, item in value.items()}
        case _:
            return value


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number beyond any float")
    return number


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_QUICK, _SORTED = msgspec.json.Decoder(), msgspec.json.Encoder(order="sorted")
_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_not_json)
