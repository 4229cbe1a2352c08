"""Write keys and the signatures of Segment's webhooks."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.credentials import Basic, basic, is_known, is_signed, sign


def header(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        (header("key:"), Basic("key", "")),
        (header("key"), Basic("key", "")),
        (header("segment:sécret:with colon"), Basic("segment", "sécret:with colon")),
        (header("key:").replace("Basic", "basic"), Basic("key", "")),
        (header(""), Basic("", "")),
        (None, None),
        ("", None),
        ("Basic", Basic("", "")),
        ("Bearer a2V5Og==", None),
        ("Basic a2V5Og", None),
        ("Basic ****", None),
        ("Basic /w==", None),
        ("Basic é", None),
    ],
)
def test_what_a_header_says(authorization: str | None, said: Basic | None) -> None:
    assert basic(authorization) == said


@pytest.mark.parametrize(
    ("given", "valid", "verdict"),
    [
        (["a"], ["a"], True),
        (["a"], ["b", "a"], True),
        ([None, "a"], ["a"], True),
        (["b", "a"], ["a"], True),
        (["A"], ["a"], False),
        (["a "], ["a"], False),
        ([None], ["a"], False),
        ([""], ["a"], False),
        ([], ["a"], False),
        (["a"], [], False),
        (["é☃"], ["é☃"], True),
    ],
)
def test_what_is_known(given: list[str | None], valid: list[str], verdict: bool) -> None:  # noqa: FBT001 - a row
    assert is_known(given, valid) is verdict


def test_the_signature_is_that_of_segments_published_code() -> None:
    # createHmac('sha1', 'secret').update('{"a":"ö"}', 'utf8').digest('hex') in Node.
    assert sign('{"a":"ö"}'.encode(), "secret") == "5ebbe87ff1ec28f2e32ec0c049bf00b04c890d87"
    body = b'{"a":1}'
    assert is_signed(body, sign(body, "new"), ["old", "new"])
    assert not is_signed(body, sign(body, "another"), ["old", "new"])
    assert not is_signed(body, sign(body, "new").upper(), ["new"])
    assert not is_signed(body + b" ", sign(body, "new"), ["new"])
    assert not is_signed(body, None, ["new"])


@given(st.text() | st.binary().map(lambda raw: "Basic " + b64encode(raw).decode()))
def test_no_header_is_a_danger(authorization: str) -> None:
    said = basic(authorization)
    assert said is None or not is_known([said.user], ["a key of more than a few characters"])
