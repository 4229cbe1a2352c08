import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Unusable
from bridge.json_text import LEVELS, digest, fingerprint, read, storable, write, write_ascii

Digest = Callable[[Any], bytes]

LOST = "\N{REPLACEMENT CHARACTER}"
ANY_TEXT = st.text(st.characters(exclude_categories=()))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b'{"a": "\xff"}', "not UTF-8", id="invalid UTF-8"),
        pytest.param(b'"\xed\xa0\x80"', "not UTF-8", id="a surrogate in UTF-8"),
        pytest.param('{"a": 1}'.encode("utf-16"), "not UTF-8", id="UTF-16"),
        pytest.param(b"", "not JSON", id="nothing"),
        pytest.param(b"{", "not JSON", id="cut off"),
        pytest.param(b'{"a": 1} {', "not JSON", id="something behind it"),
        pytest.param(b"a=1&b=2", "not JSON", id="a form"),
        pytest.param(b"\xef\xbb\xbf", "not JSON", id="nothing but a byte order mark"),
        pytest.param(b"\xef\xbb\xbf\xef\xbb\xbf{}", "not JSON", id="two byte order marks"),
        pytest.param(b'{"a": "\x00"}', "not JSON", id="a bare NUL"),
        pytest.param(b"NaN", "not JSON", id="NaN"),
        pytest.param(b'{"a": [Infinity]}', "not JSON", id="Infinity"),
        pytest.param(b'{"a": -Infinity}', "not JSON", id="-Infinity"),
        pytest.param(b"1e999", "a number is beyond any float", id="a number beyond any float"),
        pytest.param(b'{"a": [-' + b"9" * 5_000 + b"]}", "a number is beyond any float", id="a number of 5,000 digits"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="100,000 arrays"),
        pytest.param(b"[" * (LEVELS + 1) + b"]" * (LEVELS + 1), "nested too deeply", id="an array too many"),
        pytest.param(b'{"a":' * 600 + b"[]" + b"}" * 600, "nested too deeply", id="600 objects"),
        pytest.param(b"[" * 977 + b'"\\ud800"' + b"]" * 977, "nested too deeply", id="half a character below"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply", id="100,000 objects"),
    ],
)
def test_what_is_not_json_is_unusable(body: bytes, says: str) -> None:
    with pytest.raises(Unusable, match=says):
        read(body)


@given(JSON, st.booleans())
def test_it_is_read_as_python_reads_it(value: Any, ascii_only: bool) -> None:  # noqa: FBT001 - hypothesis'
    text = json.dumps(value, ensure_ascii=ascii_only)
    body = text.encode(errors="surrogatepass")
    try:
        told = json.loads(body.decode())
    except UnicodeDecodeError:
        with pytest.raises(Unusable):
            read(body)
    else:
        assert repr(read(body)) == repr(storable(told))


@given(st.binary(max_size=40) | st.text('[]{}",:0123456789.-+eE\\utrfalsn ', max_size=40).map(str.encode))
def test_what_python_does_not_read_is_not_read(body: bytes) -> None:
    try:
        told = json.loads(body.decode(), parse_constant=lambda _: 1 / 0)
        if "inf" in repr(told):
            raise ValueError  # noqa: TRY301 - a number beyond any float
    except (ValueError, ZeroDivisionError):
        with pytest.raises(Unusable):
            read(body)
    else:
        assert repr(read(body)) == repr(storable(told))


@pytest.mark.parametrize("inside", [b"7", b'"\\ud800"', b'"\\u0000"'], ids=["plain", "half a character", "NUL"])
def test_as_deep_as_allowed_it_is_read_from_any_depth_of_calls(inside: bytes) -> None:
    body = b'[{"a":' * (LEVELS // 2) + inside + b"}]" * (LEVELS // 2)

    def from_within(frames: int) -> Any:
        return from_within(frames - 1) if frames else read(body)

    value = from_within(150)
    for _ in range(LEVELS // 2):
        [value] = value[0].values()
    assert value in (7, LOST)


def test_many_objects_beside_each_other_are_not_deep() -> None:
    body = b"[" + b",".join([b'[{"a": []}]'] * LEVELS * 3) + b"]"
    assert len(read(body)) == LEVELS * 3


def test_a_byte_order_mark_is_skipped() -> None:
    assert read(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_no_reason_repeats_the_body() -> None:
    with pytest.raises(Unusable) as refused:
        read(b'{"email": "anna@example.com"')
    assert "anna" not in str(refused.value)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(rb'"a\u0000b"', f"a{LOST}b", id="NUL"),
        pytest.param(rb'"\ud800"', LOST, id="a high surrogate alone"),
        pytest.param(rb'["\uDC00x"]', [f"{LOST}x"], id="a low surrogate alone"),
        pytest.param(rb'{"k\u0000": {"\udfff": null}}', {f"k{LOST}": {LOST: None}}, id="in keys"),
        pytest.param(rb'"\ud83d\ude00"', "\N{GRINNING FACE}", id="a pair of surrogates stays"),
        pytest.param(rb'"\\u0000"', r"\u0000", id="an escaped backslash is no NUL"),
        pytest.param(rb'[1, 1.5, true, null, "\u0000"]', [1, 1.5, True, None, LOST], id="other values stay"),
    ],
)
def test_what_no_database_holds_is_replaced(body: bytes, value: Any) -> None:
    assert read(body) == value


@given(JSON)
def test_what_was_read_is_what_a_database_can_hold(value: Any) -> None:
    found = read(json.dumps(value).encode())
    assert found == storable(value)
    text = json.dumps(found, ensure_ascii=False)
    assert text.encode().decode() == text
    assert "\\u0000" not in text.replace("\\\\", "")


@given(JSON)
def test_what_is_written_reads_back(value: Any) -> None:
    assert read(write(storable(value))) == storable(value)
    assert read(write_ascii(storable(value))) == storable(value)


@given(JSON)
def test_the_sdks_text_is_ascii_and_at_most_three_times_as_long(value: Any) -> None:
    sdk, sent = write_ascii(storable(value)), write(storable(value))
    assert sdk == json.dumps(storable(value)).encode()
    assert len(sdk) <= 3 * len(sent)


@pytest.mark.parametrize("value", [float("nan"), float("inf")], ids=["NaN", "Infinity"])
def test_a_number_that_json_lacks_is_null_as_in_javascript(value: float) -> None:
    assert write({"a": value}) == b'{"a":null}'


@pytest.mark.parametrize("digest", [digest, fingerprint])
@given(st.dictionaries(ANY_TEXT, JSON, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_digest_does_not_depend_on_the_order_of_keys(
    digest: Digest, value: dict[str, Any], chance: random.Random
) -> None:
    value = storable(value)
    keys = list(value)
    chance.shuffle(keys)
    assert digest({key: value[key] for key in keys}) == digest(value)


@pytest.mark.parametrize("digest", [digest, fingerprint])
@given(JSON, JSON)
def test_the_digest_tells_values_apart(digest: Digest, one: Any, other: Any) -> None:
    one, other = storable(one), storable(other)
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest(one) == digest(other)) is same


def test_the_digest_is_the_same_on_any_machine_any_day() -> None:
    # The SHA-256 of ["proj_1", "\\u00e4"]. Should this ever change, what was delivered would be delivered again.
    assert digest(["proj_1", "ä"]).hex() == "6c079d0d51f5528138178051bdc8ffe20eef693b445a32e7a0b2a58fda2b8817"
