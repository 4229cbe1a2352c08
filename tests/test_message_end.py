"""End of heads and bodies, at every division into pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.buffering.message_end import FRAMING_BYTES, MOST_HEAD_BYTES, MOST_LINE_BYTES, Chunks, End, Length, has_head

MOST = 1_000
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n\r\n"


def chunked(*contents: bytes, trailers: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(content), content) for content in (*contents, b""))[:-2] + trailers + b"\r\n"


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (HEAD, True),
        (HEAD + b"{}", True),
        (b"\r\n" + HEAD, True),
        (HEAD[:-1], False),
        (HEAD[:-2], False),
        (b"", False),
        (b"\r\n", False),
        (b"GET / HTTP/1.1\nHost: a\n\n", True),
        (b"GET / HTTP/1.1\r\nHost: a\n\r\n", True),
        (b"x" * MOST_HEAD_BYTES, False),
        (b"x" * (MOST_HEAD_BYTES + 1), True),
    ],
)
def test_a_head_ends_with_an_empty_line_or_is_too_long(received: bytes, *, expected: bool) -> None:
    assert has_head(bytearray(received), 0) is expected


@given(st.integers(0, len(HEAD)))
def test_a_head_is_found_however_it_is_divided(searched: int) -> None:
    assert has_head(bytearray(HEAD), searched if searched < len(HEAD) else searched - 1)


@pytest.mark.parametrize(
    ("length", "received", "expected"),
    [
        (0, 0, End.HERE),
        (3, 2, End.AHEAD),
        (3, 3, End.HERE),
        (3, 9, End.HERE),
        (MOST, 0, End.AHEAD),
        (MOST + 1, 0, End.TOO_FAR),
        (10**30, 0, End.TOO_FAR),
    ],
)
def test_a_declared_length(length: int, received: int, expected: End) -> None:
    assert Length(length, MOST).end(bytearray(received)) is expected


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (chunked(), End.HERE),
        (chunked(b"a"), End.HERE),
        (chunked(b"0\r\n\r\n"), End.HERE),
        (chunked(b"a", trailers=b"X: y\r\n"), End.HERE),
        (b"1;name=value\r\na\r\n0\r\n\r\n", End.HERE),
        (b"1 ; name\r\na\r\n0\r\n\r\n", End.HERE),
        (chunked(b"a") + HEAD, End.HERE),
        (b"no size\r\n", End.HERE),
        (b"-1\r\n", End.HERE),
        (b"0x1\r\na", End.HERE),
        (b"1_0\r\na", End.HERE),
        (b"\r\n", End.HERE),
        (b"1\r\nab\r\n", End.HERE),
        (b"f" * 17 + b"\r\n", End.HERE),
        (b"1" * (MOST_LINE_BYTES + 1), End.HERE),
        (b"0\r\n" + b"x" * (MOST_LINE_BYTES + 1), End.HERE),
        (b"", End.AHEAD),
        (b"5", End.AHEAD),
        (b"5\r", End.AHEAD),
        (b"5\r\nabc", End.AHEAD),
        (b"0\r\n", End.AHEAD),
        (b"5\r\n0\r\n\r\n", End.AHEAD),
        (b"ffffffffffffffff\r\n" + b"x" * MOST, End.AHEAD),
        (b"ffffffffffffffff\r\n" + b"x" * (MOST + 1), End.TOO_FAR),
        (b"3e8\r\n" + b"x" * MOST + b"\r\n", End.AHEAD),
        (b"3e8\r\n" + b"x" * MOST + b"\r\n1\r\nx", End.TOO_FAR),
        (b"1\r\nx\r\n" * (FRAMING_BYTES // 5 - 10), End.TOO_FAR),  # more than MOST of content
        (b"1;" + b"x" * 1_000 + b"\r\nx\r\n", End.AHEAD),
        ((b"1;" + b"x" * 1_000 + b"\r\nx\r\n") * 9, End.TOO_FAR),
    ],
)
def test_chunks(received: bytes, expected: End) -> None:
    assert Chunks(MOST).end(bytearray(received)) is expected


@given(st.lists(st.binary(min_size=1, max_size=9), max_size=5), st.lists(st.integers(1, 9)), st.booleans())
def test_chunks_end_at_the_same_byte_however_they_arrive(
    contents: list[bytes],
    pieces: list[int],
    trails: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    body = chunked(*contents, trailers=b"A: b\r\n" if trails else b"")
    search, received, at = Chunks(MOST), bytearray(), 0
    for piece in (*pieces, *[1] * len(body)):
        if at >= len(body):
            break
        assert search.end(received) is End.AHEAD
        received += body[at : at + piece]
        at += piece
    assert search.end(received) is End.HERE
