"""Write keys and the signatures of Segment's webhooks."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.credentials import Basic, basic, known, sign, signed


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
    ("given", "valid", "found"),
    [
        (["a"], ["a"], "a"),
        (["a"], ["b", "a"], "a"),
        ([None, "a"], ["a"], "a"),
        (["b", "a"], ["a"], "a"),
        (["b", "a"], ["a", "b"], "b"),
        (["A"], ["a"], None),
        (["a "], ["a"], None),
        ([None], ["a"], None),
        ([""], ["a"], None),
        ([], ["a"], None),
        (["a"], [], None),
        (["é☃"], ["é☃"], "é☃"),
    ],
)
def test_which_is_known(given: list[str | None], valid: list[str], found: str | None) -> None:
    assert known(given, valid) == found


def test_the_signature_is_that_of_segments_published_code() -> None:
    # createHmac('sha1', 'secret').update('{"a":"ö"}', 'utf8').digest('hex') in Node.
    assert sign('{"a":"ö"}'.encode(), "secret") == "5ebbe87ff1ec28f2e32ec0c049bf00b04c890d87"
    body = b'{"a":1}'
    assert signed(body, sign(body, "new"), ["old", "new"]) == "new"
    assert signed(body, sign(body, "another"), ["old", "new"]) is None
    assert signed(body, sign(body, "new").upper(), ["new"]) is None
    assert signed(body + b" ", sign(body, "new"), ["new"]) is None
    assert signed(body, None, ["new"]) is None


@given(st.text() | st.binary().map(lambda raw: "Basic " + b64encode(raw).decode()))
def test_no_header_is_a_danger(authorization: str) -> None:
    said = basic(authorization)
    assert said is None or known([said.user], ["a key of more than a few characters"]) is None
