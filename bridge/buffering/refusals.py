"""Answers of the web server itself: to requests that do not reach the application.

They have the form of the application's errors, and quote nothing of the request.
"""

import json
from collections.abc import Mapping

from gunicorn.http import errors


def _answer(status: str, code: str, message: str) -> bytes:
    body = json.dumps({"error": {"code": code, "message": message, "fields": {}}})
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n{body}".encode()


OVERDUE = _answer("408 Request Timeout", "request_timeout", "The request took too long. Send it again.")

_MALFORMED = _answer("400 Bad Request", "bad_request", "The request is not valid HTTP/1.1.")
_FAILED = _answer("500 Internal Server Error", "internal_server_error", "An unexpected error. Send the request again.")
_LINE = _answer("414 URI Too Long", "request_uri_too_long", "The request line is too long.")
_HEADERS = _answer(
    "431 Request Header Fields Too Large", "request_header_fields_too_large", "The headers are too long, or too many."
)
_EXPECTATION = _answer("417 Expectation Failed", "expectation_failed", "Expect may only be 100-continue.")
_CODING = _answer("501 Not Implemented", "not_implemented", "Transfer-Encoding may only be chunked.")

_ANSWERS: Mapping[type[Exception], bytes] = {
    errors.LimitRequestLine: _LINE,
    errors.LimitRequestHeaders: _HEADERS,
    errors.ExpectationFailed: _EXPECTATION,
    errors.UnsupportedTransferCoding: _CODING,
}

_OF_THE_APPLICATION = (errors.ConfigurationProblem, errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)


def is_malformed(error: Exception) -> bool:
    """Return whether gunicorn's parser raised the error, for what the sender did."""
    return isinstance(error, errors.ParseException) and not isinstance(error, _OF_THE_APPLICATION)


def refusal(error: Exception) -> bytes:
    """Return the answer to a request that raised an error outside the application."""
    return _ANSWERS.get(type(error), _MALFORMED) if is_malformed(error) else _FAILED
