import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import SignatureError
from bridge.signature import compact, sign, verify

SECRET = "secretKey"
PLAIN = b'{"a":1}'
PLAIN_SIGNED = "a17d2ac229d1ebbb5f10e839c7985c4818e5986eab297f7e5979196d4d7d3ed2"
SPACED = b'{\n  "a\\"b": 1\n}'
SPACED_SIGNED = "f7cf97814a03146abedb9793f56e1dec34f618f82d10395310d053f749483ffb"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("body", "given"), [(PLAIN, PLAIN_SIGNED), (SPACED, SPACED_SIGNED)], ids=["as it is", "without white space"]
)
def test_voucherifys_vectors_verify(body: bytes, given: str) -> None:
    verify(body, given, [SECRET])


def test_the_signature_is_made_as_voucherify_makes_it() -> None:
    assert sign(PLAIN, SECRET) == PLAIN_SIGNED
    assert sign(compact(SPACED), SECRET) == SPACED_SIGNED


@pytest.mark.parametrize("secrets", [("new", SECRET), (SECRET, "new")], ids=["the old one", "the new one"])
def test_each_secret_is_valid_while_one_is_rotated(secrets: tuple[str, ...]) -> None:
    verify(PLAIN, PLAIN_SIGNED, secrets)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param(None, "missing", id="none"),
        pytest.param("", "missing", id="empty"),
        pytest.param(PLAIN_SIGNED.upper(), "lower-case hex", id="upper case"),
        pytest.param(PLAIN_SIGNED[:-1], "64", id="truncated"),
        pytest.param(PLAIN_SIGNED + "0", "64", id="too long"),
        pytest.param(PLAIN_SIGNED + "\n", "64", id="a newline behind it"),
        pytest.param("g" * 64, "hex", id="not hex"),
        pytest.param("é" * 64, "hex", id="not ASCII"),
        pytest.param("\N{ARABIC-INDIC DIGIT ONE}" * 64, "hex", id="digits of another script"),
        pytest.param(f"sha256={PLAIN_SIGNED}", "64", id="with a scheme"),
        pytest.param("0" * 64, "does not match", id="wrong"),
        pytest.param(SPACED_SIGNED, "does not match", id="another body's"),
        pytest.param(sign(PLAIN, "another"), "does not match", id="another secret's"),
    ],
)
def test_anything_else_is_refused(given: str | None, says: str) -> None:
    with pytest.raises(SignatureError, match=says):
        verify(PLAIN, given, [SECRET])


def test_nothing_verifies_without_a_secret() -> None:
    with pytest.raises(SignatureError):
        verify(PLAIN, PLAIN_SIGNED, [])


def test_a_refusal_says_neither_the_secret_nor_the_right_signature() -> None:
    with pytest.raises(SignatureError) as refused:
        verify(PLAIN, "0" * 64, [SECRET])
    assert SECRET not in str(refused.value)
    assert PLAIN_SIGNED not in str(refused.value)


def test_every_secret_is_compared_in_constant_time_whichever_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    genuine = hmac.compare_digest

    def spy(made: str, given: str) -> bool:
        compared.append(made)
        return genuine(made, given)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    verify(PLAIN, PLAIN_SIGNED, [SECRET, "second", "third"])
    assert compared == [sign(PLAIN, SECRET), sign(PLAIN, "second"), sign(PLAIN, "third")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b' { "a" : [ 1 , 2 ] } ', b'{"a":[1,2]}', id="between tokens"),
        pytest.param(b'\t{\r\n"a b":"c  d"}\n', b'{"a b":"c  d"}', id="in strings it stays"),
        pytest.param(rb'{"a\" ": " \\" }', rb'{"a\" ":" \\"}', id="escaped quotes and backslashes"),
        pytest.param(b'{"a": "b c', b'{"a": "b c', id="no JSON: a string that does not end"),
        pytest.param(b"[" * 10_000 + b" ", b"[" * 10_000 + b" ", id="no JSON: too deep"),
        pytest.param('{"ä": "ö ü"}'.encode(), '{"ä":"ö ü"}'.encode(), id="beyond ASCII"),
        pytest.param(b'\xff\xfe "\xff " \xff', b'\xff\xfe "\xff " \xff', id="not even UTF-8"),
        pytest.param(b'{"a": 1e999, "a": 1.10}', b'{"a":1e999,"a":1.10}', id="all else stays as it is"),
        pytest.param("\N{NO-BREAK SPACE}1".encode(), "\N{NO-BREAK SPACE}1".encode(), id="only JSON's white space"),
        pytest.param(b"", b"", id="nothing"),
    ],
)
def test_only_white_space_outside_strings_is_removed(body: bytes, expected: bytes) -> None:
    assert compact(body) == expected


@given(value=JSON, indent=st.sampled_from([None, 0, 1, 4, "\t"]), ascii_only=st.booleans())
def test_a_body_verifies_however_it_was_spaced_on_the_way(
    *, value: Any, indent: int | str | None, ascii_only: bool
) -> None:
    signed = json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    sent = json.dumps(value, indent=indent, separators=(" , ", " : "), ensure_ascii=ascii_only)
    verify(sent.encode("utf-8", "surrogatepass"), sign(signed, SECRET), [SECRET])


@given(st.binary(min_size=1, max_size=200), st.data())
def test_a_changed_byte_is_noticed(body: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(body) - 1))
    changed = bytearray(body)
    changed[place] ^= data.draw(st.integers(1, 255))
    if compact(bytes(changed)) not in (body, compact(body)):
        with pytest.raises(SignatureError):
            verify(bytes(changed), sign(body, SECRET), [SECRET])


@given(st.binary(max_size=300))
def test_removing_white_space_twice_changes_nothing_more(body: bytes) -> None:
    assert compact(compact(body)) == compact(body)


@pytest.mark.parametrize(
    "piece", [b'"', b"\\", b'"\\', b'\\"', b" ", b'" ', b'"a', b'"\\"', b"{"], ids=lambda piece: repr(piece)[2:-1]
)
@pytest.mark.parametrize("opening", [b"", b'"'], ids=["bare", "in a string"])
def test_a_megabyte_of_anything_takes_one_pass(opening: bytes, piece: bytes) -> None:
    # Work that grows with the square of a megabyte would not come back before the test's time is up.
    body = opening + piece * (1_000_000 // len(piece))
    with pytest.raises(SignatureError):
        verify(body, "0" * 64, [SECRET])
