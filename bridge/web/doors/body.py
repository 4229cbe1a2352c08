"""A request's body: whole, or refused."""

import zlib
from collections.abc import Collection

from flask import request
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, UnsupportedMediaType

JSON = "application/json"

_GZIP = 16 + zlib.MAX_WBITS


def json_body(types: Collection[str] = (JSON,)) -> bytes:
    """The bytes of a JSON body, unread and unparsed.

    Args:
        types: as which it may be sent.

    Raises:
        UnsupportedMediaType: it is not said to be JSON.
        RequestEntityTooLarge: it is over ``MAX_CONTENT_LENGTH``; nothing beyond that was read.
        BadRequest: it ends before its end, or its chunks are broken.
    """
    if request.mimetype not in types:
        raise UnsupportedMediaType(f"The body must be {' or '.join(types)}.")
    return whole_body()


def whole_body() -> bytes:
    """The bytes of a body, whatever its type.

    Raises:
        RequestEntityTooLarge, BadRequest: as ``json_body`` does.
    """
    try:
        body = request.get_data(cache=False)
        # Without a Content-Length, werkzeug cuts a body at the limit and does not say so.
        is_cut = len(body) == request.max_content_length and bool(request.environ["wsgi.input"].read(1))
    except HTTPException:
        raise
    except Exception as error:  # gunicorn's errors have no root of their own
        raise BadRequest("The body cannot be read.") from error
    if is_cut:
        raise RequestEntityTooLarge
    return body


def unpacked(body: bytes) -> bytes:
    """``body`` as it was before the sender compressed it, if it did.

    Raises:
        UnsupportedMediaType: in another way than gzip.
        RequestEntityTooLarge: it is over ``MAX_CONTENT_LENGTH`` unpacked; nothing beyond that was unpacked.
        BadRequest: it is not gzip, or ends before its end.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise UnsupportedMediaType("The body may be compressed with gzip, and with nothing else.")
    most = request.max_content_length or 0
    unpacking = zlib.decompressobj(_GZIP)
    try:
        content = unpacking.decompress(body, most + 1)
    except zlib.error as error:
        raise BadRequest("The body is not gzip.") from error
    if len(content) > most:
        raise RequestEntityTooLarge
    if not unpacking.eof or unpacking.unused_data:
        raise BadRequest("The body does not end where its gzip does.")
    return content
