"""Write keys with their limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.messages import EVENT_TYPES, Message, credential_digest
from bridge.write_keys import Rate, WriteKey, parse

ALL = frozenset(EVENT_TYPES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key", WriteKey("key", ALL, None)),
        (" key ", WriteKey("key", ALL, None)),
        ("key:track", WriteKey("key", frozenset({"track"}), None)),
        ("key:identify+track", WriteKey("key", frozenset({"identify", "track"}), None)),
        ("key:100/m", WriteKey("key", ALL, Rate(100, 60))),
        ("key:track:5/s", WriteKey("key", frozenset({"track"}), Rate(5, 1))),
        ("key:identify+track:7/h", WriteKey("key", frozenset({"identify", "track"}), Rate(7, 3600))),
    ],
)
def test_parses(text: str, expected: WriteKey) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", ":track", "key:", "key::5/s", "key:tracks", "key:track+", "key:track:", "key:track:0/m", "key:track:5/d"),
        *("key:track:5/s:5/s", "key:5/s:track", "key:track:\N{ARABIC-INDIC DIGIT FIVE}/s", "key:Track", "key:5/m ago"),
    ],
)
def test_refuses_another_form_without_the_key(text: str) -> None:
    with pytest.raises(ValueError, match="identify") as refused:
        parse(f"secret-{text}" if text.startswith("key") else text)
    assert "secret" not in str(refused.value)


def test_knows_what_it_may_not_send() -> None:
    key = parse("key:identify+track")
    assert key.forbidden(["track", "group", "page", "unknown"]) == ["group", "page"]
    assert parse("key").forbidden(EVENT_TYPES) == []


@given(st.text(min_size=1))
def test_has_the_digest_of_its_messages_and_never_shows_itself(key: str) -> None:
    message = Message("", "", "", "", 0.0, "", credential_digest(key), b"")
    assert WriteKey(key).digest == message.credential
    assert repr(WriteKey("secret")) == repr(WriteKey("another"))
