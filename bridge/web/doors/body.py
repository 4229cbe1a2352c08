"""Body of a request: complete, or refused."""

import zlib
from collections.abc import Collection

from flask import request
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, UnsupportedMediaType

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

    Raises:
        RequestEntityTooLarge, BadRequest: as ``json_body`` does.
    """
    try:
        body = request.get_data(cache=False)
        # Without a Content-Length, werkzeug cuts a body at the limit without an error.
        is_cut = len(body) == request.max_content_length and bool(request.environ["wsgi.input"].read(1))
    except HTTPException:
        raise
    except Exception as error:  # gunicorn's errors have no common base class
        raise BadRequest("The body cannot be read.") from error
    if is_cut:
        raise RequestEntityTooLarge
    return body


def unpacked(body: bytes) -> bytes:
    """Return ``body`` uncompressed.

    Raises:
        UnsupportedMediaType: it is compressed, and not with gzip.
        RequestEntityTooLarge: it is over ``MAX_CONTENT_LENGTH`` uncompressed; nothing beyond that was uncompressed.
        BadRequest: it is not gzip, or ends too early.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise UnsupportedMediaType("The body may only be compressed with gzip.")
    most = request.max_content_length or 0
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
