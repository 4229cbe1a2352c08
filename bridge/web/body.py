"""A request's body: whole, or refused."""

from flask import request
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, UnsupportedMediaType


def json_body() -> bytes:
    """The bytes of a JSON body, unread and unparsed.

    Raises:
        UnsupportedMediaType: it is not said to be JSON.
        RequestEntityTooLarge: it is over ``MAX_CONTENT_LENGTH``; nothing beyond that was read.
        BadRequest: it ends before its end, or its chunks are broken.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("The body must be application/json.")
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
