"""Body of a request: complete, or refused."""

import sys
import zlib
from collections.abc import Collection

from flask import request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

JSON = "application/json"

_GZIP = 16 + zlib.MAX_WBITS


def json_body(types: Collection[str] = (JSON,)) -> bytes:
    """Return the bytes of a JSON body, not parsed.

    Args:
        types: accepted content types.

    Raises:
        UnsupportedMediaType: it has another content type.
        RequestEntityTooLarge: it is over ``MAX_CONTENT_LENGTH``; nothing beyond that was read.
        BadRequest: it ends too early, or its chunks are broken.
    """
    if request.mimetype not in types:
        raise UnsupportedMediaType(f"The body must be {' or '.join(types)}.")
    return whole_body()


def whole_body() -> bytes:
    """Return the bytes of a body of any type.

    They are read in one piece, since werkzeug's ``get_data`` takes three times as long for a megabyte.

    Raises:
        RequestEntityTooLarge, BadRequest: as ``json_body`` does.
    """
    most, length = request.max_content_length or 0, request.content_length
    if length is not None and length > most:
        raise RequestEntityTooLarge
    if length is None and not request.environ.get("wsgi.input_terminated"):
        return b""
    try:
        body: bytes = request.environ["wsgi.input"].read(most + 1 if length is None else length)
    except Exception as error:  # gunicorn's errors have no common base class
        raise BadRequest("The body cannot be read.") from error
    if len(body) > most:
        raise RequestEntityTooLarge
    if length is not None and len(body) < length:
        raise BadRequest("The body ends too early.")
    return body


def unpacked(body: bytes, at_most: int | None = None) -> bytes:
    """Return ``body`` uncompressed.

    Args:
        at_most: bytes of a compressed body, if they are fewer than ``MAX_CONTENT_LENGTH``.

    Raises:
        UnsupportedMediaType: it is compressed, and not with gzip.
        RequestEntityTooLarge: it is over the limit uncompressed; nothing beyond that was uncompressed.
        BadRequest: it is not gzip, or ends too early.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise UnsupportedMediaType("The body may only be compressed with gzip.")
    most = min(request.max_content_length or 0, at_most or sys.maxsize)
    unpacking = zlib.decompressobj(_GZIP)
    try:
        content = unpacking.decompress(body, most + 1)
    except zlib.error as error:
        raise BadRequest("The body is not gzip.") from error
    if len(content) > most:
        raise RequestEntityTooLarge
    if not unpacking.eof or unpacking.unused_data:
        raise BadRequest("The body continues after the end of its gzip data.")
    return content
