"""JSON as it crosses the wire: read strictly, written the way it is measured and sent. Pure."""

import hashlib
import json
import math
import re
from typing import Any, NoReturn

from bridge.errors import Unusable

# What neither PostgreSQL nor a warehouse can hold in a text: NUL, and halves of surrogate pairs.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_MAY_HOLD_UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def read(body: bytes) -> Any:
    """The value that ``body`` says, with what no database can hold (NUL, lone surrogates) replaced by U+FFFD.

    Raises:
        Unusable: not UTF-8, not JSON (NaN and Infinity are not), a number beyond any float, or nested too deeply.
    """
    try:
        text = body.decode()
        value = _DECODER.decode(text)
        return storable(value) if _MAY_HOLD_UNSTORABLE.search(text) else value
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
    """32 bytes that are the same for the same value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()


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


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_not_json)
