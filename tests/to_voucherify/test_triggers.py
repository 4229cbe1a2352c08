"""Triggers: operators, refusals, mismatches, and the recorded verdicts of Segment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BridgeError, TriggerError
from bridge.to_voucherify.language.fql import compile_trigger

RECORDED = json.loads(Path(__file__).with_name("trigger_vectors.json").read_text(encoding="utf-8"))
ANYTHING = ["x", "", "5", "true", "null", 5, 0, -1.5, 10**400, True, False, None, [], ["x"], {}, {"x": 1}]


@pytest.mark.parametrize("source", RECORDED["matches"])
def test_matches_like_segments_engine(source: str) -> None:
    trigger = compile_trigger(source)
    assert [at for at, event in enumerate(RECORDED["events"]) if trigger.matches(event)] == RECORDED["matches"][source]


# https://segment.com/docs/connections/destinations/actions/#conditions names the conditions;
# https://segment.com/docs/api/public-api/fql/ shows them as text, in the single quotes of destination filters.
DOCUMENTED = [
    'type = "track"',
    'type != "identify"',
    'event = "Button Clicked" and type = "track"',
    'type = "identify" or type = "track"',
    'contains(event, "Order")',
    '!contains( context.library.name, "js" )',
    'match( context.library.version, "1.*" )',
    'match(event, "*Completed")',
    'type = "track" and ( event = "Click" or match( event, "Button *" ) )',
    'context.path.path = "/login"',
    'properties.product\\ 1.price = "19.99"',
    "properties.total < 5",
    "properties.total <= 5",
    "properties.total > 5",
    "properties.total >= 5",
    "properties.paid = true",
    "properties.paid = false",
    "properties.coupon != null",
    "properties.coupon = null",
    "context.device.type = ios",
    'context.os.name = "iPhone OS"',
]


@pytest.mark.parametrize("source", DOCUMENTED)
def test_accepts_the_documented_examples(source: str) -> None:
    trigger = compile_trigger(source)
    assert compile_trigger(str(trigger)) == trigger


# The values of ANYTHING, as properties.a, for which an operator holds.
OPERATORS: list[tuple[str, list[Any]]] = [
    ('properties.a = "5"', ["5"]),
    ('properties.a != "5"', [value for value in ANYTHING if value != "5"]),
    ("properties.a = 5", [5]),
    ("properties.a != 5", [0, -1.5, 10**400]),
    ("properties.a < 5", [0, -1.5]),
    ("properties.a <= 5", [5, 0, -1.5]),
    ("properties.a > 0", [5, 10**400]),
    ("properties.a >= 0", [5, 0, 10**400]),
    ("properties.a = true", [True]),
    ("properties.a = false", [False]),
    ("properties.a = null", [None]),
    ("properties.a != null", [value for value in ANYTHING if value is not None]),
    ('contains(properties.a, "u")', ["true", "null"]),
    ('!contains(properties.a, "u")', ["x", "", "5"]),
    ('match(properties.a, "tr*")', ["true"]),
    ('!match(properties.a, "tr*")', ["x", "", "5", "null"]),
    ('match(properties.a, "*ll")', ["null"]),
    ('!match(properties.a, "*ll")', ["x", "", "5", "true"]),
]


@pytest.mark.parametrize(("source", "taken"), OPERATORS, ids=[source for source, _ in OPERATORS])
def test_operator(source: str, taken: list[Any]) -> None:
    trigger = compile_trigger(source)
    found = [value for value in ANYTHING if trigger.matches({"properties": {"a": value}})]
    assert list(map(repr, found)) == list(map(repr, taken))


# The values at paths through other values than objects. The texts are JavaScript's names.
PATHS: list[tuple[str, Any, bool]] = [
    ("properties.a.b = 0", 0, True),
    ("properties.a.b = false", False, True),
    ('properties.a.b = ""', "", True),
    ("properties.a.b = null", {}, True),
    ("properties.a.length = 2", "😀", True),
    ('properties.a\\[1\\] = "b"', "ab", True),
    ("properties.a\\[9\\] = null", "ab", True),
    ("properties.a.\\01 = null", [5, 6], True),
    (f"properties.a.\\{'9' * 5000} = null", [5], True),
    ("properties.a.b = null", [5], True),
    ("properties.a.link != null", "ab", True),
    ("properties.a.link != null", 5, False),
    ("properties.a.link.length = 1", "ab", True),
    ('properties.a.trimLeft.name = "trimStart"', "ab", True),
    ("properties.a.link.call.length = 1", "ab", True),
    ("properties.a.filter != null", ["b"], True),
    ("properties.a.toFixed != null", 5, True),
    ("properties.a.toFixed = null", True, True),
]


@pytest.mark.parametrize(("source", "value", "matches"), PATHS, ids=[f"{row[0]:.40} in {row[1]!r}" for row in PATHS])
def test_path(*, source: str, value: Any, matches: bool) -> None:
    assert compile_trigger(source).matches({"properties": {"a": value}}) is matches


# Refused triggers: the position, and a part of the reason.
REFUSED = {
    "no text": ("", 0, "missing"),
    "a bare field": ("properties.enabled", 18, "operator"),
    "single quotes": ("event = 'Order'", 8, "single quotes"),
    "an escaped quote": ('event = "a \\"b\\""', 11, "backslash"),
    "an open text": ('event = "Order', 8, "not closed"),
    "no space after a text": ('type = "a"or type = "b"', 10, "text ends"),
    "no space before <": ("properties.a<5", 12, "space"),
    "no space before >": ("properties.a>5", 12, "space"),
    "no space after <=": ("properties.a <=5", 15, "space"),
    "no space after !=": ('event !="a"', 8, "space"),
    "no space after or": ('type = "a" or(type = "b")', 13, "white space"),
    "no space after and, before !": ('type = "a" and!contains(event, "b")', 14, "white space"),
    "no space around a last = after n": ("properties.n=5", 12, "space"),
    "a carriage return": ('type = "a"\r\nand event = "b"', 10, "text ends"),
    "a carriage return after a space": ('type = "a" \r\nand event = "b"', 11, "carriage return"),
    "and, or on one level": ('type = "a" and event = "b" or event = "c"', 27, "mixed"),
    "and, or in one group": ('(type = "a" or event = "b" and event = "c")', 27, "mixed"),
    "AND beside or": ('type = "a" AND event = "b" or event = "c"', 27, "joins all of it by the last, or"),
    "or beside a comma": ('type = "a" or event = "b", event = "c"', 25, "joins all of it by the last, and"),
    "a comma too many": ('type = "a",, event = "b"', 11, "a condition is missing"),
    "a comma at the end": ('type = "a",', 11, "a condition is missing"),
    "a comma behind a call in a group": (
        'type = "a" and (contains(event, "b"), name = "c")',
        35,
        "end of the group",
    ),
    "OR": ('type = "a" OR type = "b"', 11, "capitals"),
    "&&": ('type = "a" && event = "b"', 11, "&"),
    "||": ('type = "a" || event = "b"', 11, "|"),
    "==": ('type == "a"', 5, "single ="),
    "no joint": ('type = "a" event = "b"', 11, "and or or is missing"),
    "a joint in front": ('and type = "a"', 0, "cannot begin"),
    "a joint at the end": ('type = "a" and', 14, "missing"),
    "nested parentheses": ('((type = "a") or type = "b")', 1, "within parentheses"),
    "an open parenthesis": ('type = "a" and (event = "b"', 15, "not closed"),
    "a stray parenthesis": ('type = "a")', 10, "closes nothing"),
    "an empty group": ("()", 1, "missing"),
    "contains() first in a group": ('(contains(event, "a") or event = "b")', 20, "end of the group"),
    "match() twice in a group": ('(match(event, "a*") or match(event, "b*"))', 18, "end of the group"),
    "! before a group": ('!(type = "a")', 0, "skips this !"),
    "! before a path": ('!type = "a"', 0, "skips this !"),
    "! and a space": ('! contains(event, "a")', 0, "directly before"),
    "an unknown field": ('type = "track" and anonymousId = "a"', 19, "anonymousId"),
    "a field of JavaScript": ('constructor = "a"', 0, "constructor"),
    "an unknown field in contains()": ('contains(groupId, "a")', 9, "groupId"),
    "a field of type": ('type.a = "b"', 0, "no fields"),
    "all properties": ("properties = null", 0, "properties.properties"),
    "contains() on type": ('contains(type, "a")', 15, "skips contains()"),
    "a function of destination filters": ("length(properties.a) > 1", 0, "length()"),
    "in": ('type in ["track"]', 5, "operator"),
    "a list": ('type = ["track"]', 7, "lists"),
    "a value first": ('"a" = event', 0, "condition"),
    "= null on event": ("event = null", 8, "the text"),
    "!= null on type": ("type != null", 8, "the text"),
    "true on event": ("event = true", 8, "is text"),
    "a number on userId": ("userId = 5", 9, "is text"),
    "< on event": ("event < 5", 6, "numbers"),
    "!= true": ("properties.paid != true", 19, "true included"),
    "!= false": ("userId != false", 10, "false included"),
    "< and a text": ('properties.a < "5"', 13, "numbers"),
    "> and true": ("properties.a > true", 13, "numbers"),
    "TRUE": ("properties.a = TRUE", 15, "without quotes"),
    "a path as a value": ("properties.a = properties.b", 15, "without quotes"),
    "a field as a value": ("properties.a = event", 15, "without quotes"),
    "a short word": ("properties.a = no", 15, "without quotes"),
    "a keyword as a value": ("type = and", 7, "without quotes"),
    "an exponent": ("properties.a = 1e5", 15, "number"),
    "no digit before the point": ("properties.a = .5", 15, "number"),
    "a sign alone": ("properties.a = - 5", 15, "sign"),
    "a number JavaScript rounds": ("properties.a = 9007199254740993", 15, "whole numbers"),
    "a number in contains()": ("contains(event, 5)", 16, "looks for text"),
    "null in match()": ("match(event, null)", 13, "looks for text"),
    "match() without a star": ('match(event, "Order")', 14, "without a star"),
    "match() with an empty pattern": ('match(event, "")', 14, "without a star"),
    "match() with two stars": ('match(event, "*a*")', 16, "two stars"),
    "match() with a star within": ('match(event, "a*b")', 15, "within the pattern"),
    "match() with stars within and at the end": ('match(event, "a*b*")', 15, "within the pattern"),
    "three arguments": ('contains(event, "a", "b")', 19, "ends with a )"),
    "one argument": ("contains(event)", 14, "comma"),
    "arguments the other way round": ('match("a*", event)', 6, "path"),
    "square brackets in a path": ("properties.products[0] = 5", 19, "square brackets"),
    "a name that starts with a digit": ("properties.0.price = 5", 11, "digit"),
    "an escaped dot": ("properties.a\\.b = 5", 11, "separates names"),
    "escaped brackets around a name": ("properties.a\\[b\\] = 5", 11, "separates names"),
    "a keyword in a path": ("properties.null = 5", 11, "keyword"),
    "a name every object has": ("properties.a.toString = null", 13, "every object"),
    "a name that fails on a function": ("properties.a.link.caller = null", 0, "link.caller"),
    "two dots": ("properties..a = 5", 10, "single dots"),
    "a space in a path": ("properties. a = 5", 10, "single dots"),
    "a space in a name": ("properties.product 1 = 5", 19, "operator"),
    "an accent in a name": ("properties.café = 5", 14, "bare"),
    "an emoji in a name": ("properties.\\😀 = 5", 12, "U+FFFF"),
    "a backslash at the end": ("properties.a\\", 12, "backslash"),
    "half a character": ('event = "\ud83d"', 9, "surrogate"),
    "too long": (f'event = "{"a" * 50_000}"', 50_000, "50,000"),
    "deep nesting": ("(" * 49_000, 1, "within parentheses"),
    "not a text": (None, 0, "is a text"),
}


@pytest.mark.parametrize(("source", "position", "reason"), REFUSED.values(), ids=REFUSED)
def test_refuses(source: Any, position: int, reason: str) -> None:
    with pytest.raises(TriggerError) as caught:
        compile_trigger(source)
    assert (caught.value.position, reason in caught.value.reason) == (position, True), caught.value


def test_an_error_says_where_why_and_what_to_write() -> None:
    with pytest.raises(BridgeError) as caught:
        compile_trigger("properties.paid != true")
    assert str(caught.value) == (
        "character 20: Segment compares with the text, so this holds for every boolean, true included; "
        "write properties.paid = false, or (properties.paid = false or properties.paid = null) if it may be missing"
    )


CANONICAL = [
    ('type="track"', 'type = "track"'),
    ("type = track", 'type = "track"'),
    ('(type = "track")', 'type = "track"'),
    ('(type = "a" or type = "b")', 'type = "a" or type = "b"'),
    ('\ttype = "a"\nor  type = "b" ', 'type = "a" or type = "b"'),
    ('type = "a" and ( !match( event ,"b*" ) )', 'type = "a" and !match(event, "b*")'),
    ("properties.a = +5.0", "properties.a = 5"),
    ("properties.a = -0.00000010", "properties.a = -0.0000001"),
    ("properties.\\a\\b.\\or.\\0.\\-c.d\\ e = null", "properties.ab.\\or\\[0\\].\\-c.d\\ e = null"),
    ("properties.products\\[0\\].price = 5", "properties.products\\[0\\].price = 5"),
]


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [("[beta] x*", "[beta] xyz", "b xyz"), ("*[ab]", "x[ab]", "xa"), ("a?*", "a?b", "abc"), ("*?", "a?", "ab")],
)
def test_brackets_and_question_marks_of_a_pattern_are_plain(pattern: str, matching: str, other: str) -> None:
    trigger = compile_trigger(f'match(event, "{pattern}")')
    assert trigger.matches({"event": matching})
    assert not trigger.matches({"event": other})


@pytest.mark.parametrize(("source", "canonical"), CANONICAL)
def test_prints_in_canonical_form(source: str, canonical: str) -> None:
    trigger = compile_trigger(source)
    assert str(trigger) == canonical
    assert compile_trigger(canonical) == trigger


def test_triggers_with_operands_of_different_kinds_differ() -> None:
    one, true, text = (compile_trigger(f"properties.a = {operand}") for operand in ("1", "true", '"1"'))
    assert one != true
    assert one != text


MISMATCHES: list[tuple[str, Any, str | None]] = [
    ('type = "track"', {"type": "track"}, None),
    ('type = "track"', {"type": "page"}, 'type = "track" fails: type is another one'),
    ('type = "track"', {}, 'type = "track" fails: type is missing or null'),
    ('type = "track" and event = "A"', {"type": "track"}, 'event = "A" fails: event is missing or null'),
    ("properties.a >= 5", {"properties": {"a": "6"}}, "properties.a >= 5 fails: properties.a is text"),
    ("properties.a >= 5", {"properties": {"a": 4}}, "properties.a >= 5 fails: properties.a is a number"),
    ("properties.a = 5", {"properties": {"a": [5]}}, "properties.a = 5 fails: properties.a is a list"),
    ("properties.a = null", {"properties": {"a": {}}}, "properties.a = null fails: properties.a is an object"),
    ("properties.a = 1", {"properties": {"a": True}}, "properties.a = 1 fails: properties.a is a boolean"),
    ("properties.at = null", {"properties": "text"}, "properties.at = null fails: properties.at is a function"),
    (
        'type = "track" and (event = "A" or properties.a = true)',
        {"type": "track", "event": "B"},
        'event = "A" fails: event is another one; and properties.a = true fails: properties.a is missing or null',
    ),
    ('type = "a" or type = "b"', {"type": "b"}, None),
]


@pytest.mark.parametrize(("source", "event", "why"), MISMATCHES)
def test_names_the_condition_that_fails(source: str, event: Any, why: str | None) -> None:
    assert compile_trigger(source).mismatch(event) == why


@pytest.mark.parametrize("event", ANYTHING, ids=map("{!r:.10}".format, ANYTHING))
def test_json_that_is_no_event_has_no_fields(event: Any) -> None:
    assert not compile_trigger('type = "track"').matches(event)
    assert compile_trigger("userId = null").matches(event)
