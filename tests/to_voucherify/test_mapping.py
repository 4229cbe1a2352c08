"""Mappings: the recorded results of Segment's engine, by directive, and the errors."""

from __future__ import annotations

import copy
import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BridgeError, MappingError, MappingFailed
from bridge.to_voucherify.language.mapping import UNDEFINED, compile_mapping
from bridge.to_voucherify.raw_events.apply import apply
from bridge.to_voucherify.raw_events.mappings import load
from bridge.to_voucherify.raw_events.presets import ADD_CUSTOM_EVENT
from tests.to_voucherify.raw import row

RECORDED = json.loads(Path(__file__).with_name("mapping_vectors.json").read_text(encoding="utf-8"))
ROWS = [(directive, row) for directive, rows in RECORDED["cases"].items() for row in rows]
EVENT = RECORDED["event"]


def told(directive: str, row: dict[str, Any]) -> str:
    return f"{directive}: {json.dumps(row['mapping'], ensure_ascii=False):.100}"


def of(*outcomes: str) -> pytest.MarkDecorator:
    rows = [
        (name, row) for name, row in ROWS if row.keys() & {*outcomes} and not ("is" in outcomes and "refused" in row)
    ]
    return pytest.mark.parametrize("row", [row for _, row in rows], ids=[told(*one) for one in rows])


@of("is", "nothing")
def test_returns_segments_result(row: dict[str, Any]) -> None:
    mapping, event = copy.deepcopy(row["mapping"]), copy.deepcopy(row.get("event", EVENT))
    assert compile_mapping(mapping)(event) == row.get("is", UNDEFINED)
    assert (mapping, event) == (row["mapping"], row.get("event", EVENT)), "neither is changed"


@of("fails")
def test_fails_where_segment_fails(row: dict[str, Any]) -> None:
    if row["fails"] == "when compiled":
        with pytest.raises(MappingError):
            compile_mapping(row["mapping"])
    else:
        mapping = compile_mapping(row["mapping"])
        with pytest.raises(MappingFailed):
            mapping(row.get("event", EVENT))


@of("refused")
def test_refuses_mistakes_that_segment_ignores(row: dict[str, Any]) -> None:
    with pytest.raises(MappingError) as caught:
        compile_mapping(row["mapping"])
    assert str(caught.value) == row["refused"]


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(MappingError) as caught:
        compile_mapping(
            {
                "source_id": {"@path": 5},
                "email": {"@template": "{{traits.email}}", "else": ""},
                "metadata": {"plan": {"@if": {"exists": {"@pat": "$.traits.plan"}, "then": {"@case": {"value": []}}}}},
                "traits": {"@merge": {"direction": "up", "objects": [{}, 5, {"a": {"@replace": {"global": 1}}}]}},
                "born": datetime.date(2031, 1, 1),
                "ratio": float("nan"),
                "numbered": {1: "x"},
                "fine": {"@path": "$.userId"},
            }
        )
    assert isinstance(caught.value, BridgeError)
    assert caught.value.problems.keys() == {
        "source_id.@path",
        "email",
        "metadata.plan.@if.exists",
        "metadata.plan.@if.then.@case",
        "metadata.plan.@if.then.@case.value",
        "traits.@merge.direction",
        "traits.@merge.objects.1",
        "traits.@merge.objects.2.a.@replace",
        "traits.@merge.objects.2.a.@replace.global",
        "born",
        "ratio",
        "numbered",
    }
    assert caught.value.problems["source_id.@path"] == "must be a directive or a text, not a number"
    assert caught.value.problems["traits.@merge.objects.2.a.@replace"] == "needs value and pattern"
    assert all(line in str(caught.value) for line in caught.value.problems.values())


@pytest.mark.parametrize("source", [None, "x", 5, True, [{"@path": "$.userId"}]])
def test_a_mapping_is_an_object(source: Any) -> None:
    with pytest.raises(MappingError) as caught:
        compile_mapping(source)
    assert caught.value.problems == {"": "must be an object"}


@pytest.mark.parametrize("event", [None, "x", 5, [], UNDEFINED])
def test_an_event_is_an_object(event: Any) -> None:
    with pytest.raises(MappingFailed) as caught:
        compile_mapping({"a": 1})(event)
    assert caught.value.path == ""


def test_a_failure_names_the_place_and_no_personal_data() -> None:
    mapping = compile_mapping({"a": [{"b": {"@template": {"@path": "$.traits"}}}]})
    with pytest.raises(MappingFailed) as caught:
        mapping({"traits": {"email": "ada@example.com"}})
    assert isinstance(caught.value, BridgeError)
    assert (caught.value.path, caught.value.reason) == ("a.0.b.@template", "needs a text, and found an object")
    assert str(caught.value) == "a.0.b.@template: needs a text, and found an object"


# Texts that multiply: by the value of {{{…}}}, by the references of a replacement, by the names above a leaf.
BOMBS = {
    "template": ({"@template": "{{{a}}}"}, {"a": "{{b}}" * 3_000, "b": "x" * 3_000}),
    "replace": ({"@replace": {"value": {"@path": "$.a"}, "pattern": "x", "replacement": "$`$'"}}, {"a": "x" * 3_000}),
    "plain replace": (
        {"@replace": {"value": {"@path": "$.a"}, "pattern": "x", "replacement": "y" * 10}},
        {"a": "x" * 200_000},
    ),
    "flatten": (
        {"@flatten": {"value": {"@path": ""}, "separator": "."}},
        {"x" * 3_000: {str(n): n for n in range(3_000)}},
    ),
}


@pytest.mark.parametrize(("directive", "event"), BOMBS.values(), ids=BOMBS)
def test_the_length_of_texts_is_limited(directive: Any, event: dict[str, Any]) -> None:
    mapping = compile_mapping({"a": directive})
    with pytest.raises(MappingFailed, match="more than 1,000,000 characters"):
        mapping(event)


LIQUID_BOMBS = {
    "doubled": "{% assign a = a | append: a %}" * 30,
    "captured": "{% capture a %}{{ a }}{{ a }}{% endcapture %}" * 20,
    "replaced": "{{ a | replace: 'x', a | size }}",
    "joined": "{{ a | split: '' | join: a | size }}",
    "encoded": "{{ a" + " | base64_encode" * 50 + " | size }}",
    "printed": "{{ a }}" * 100,
}


@pytest.mark.parametrize("template", LIQUID_BOMBS.values(), ids=LIQUID_BOMBS)
def test_the_length_of_templates_is_limited(template: str) -> None:
    mapping = compile_mapping({"a": {"@liquid": template}})
    with pytest.raises(MappingFailed, match="more than 100,000 characters"):
        mapping({"a": "x" * 3_000})


def test_a_liquid_error_has_no_personal_data() -> None:
    mapping = compile_mapping({"a": {"@liquid": "{{ traits.name | url_decode }}"}})
    with pytest.raises(MappingFailed) as caught:
        mapping({"traits": {"name": "Ada %"}})
    assert str(caught.value) == "a.@liquid: uses a filter on a value that it cannot take"


def test_liquid_has_no_state() -> None:
    mapping = compile_mapping({"a": {"@liquid": "{{ x }}{% assign x = 1 %}{{ x }}"}})
    assert [mapping({}), mapping({}), mapping({"x": 5})] == [{"a": "1"}, {"a": "1"}, {"a": "51"}]


def test_braces_are_read_once() -> None:
    hostile = "{" * 200_000 + "}x" * 200_000
    mapping = compile_mapping({"a": {"@template": "{{{a}}}"}})
    assert mapping({"a": hostile}) == {"a": hostile}


def test_too_deep_a_mapping_is_an_error() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(MappingError):
        compile_mapping(deep)
    mapping = compile_mapping({"a": {"@flatten": {"value": {"@path": "$.a"}, "separator": "."}}})
    with pytest.raises(MappingFailed):
        mapping(deep)
    assert compile_mapping({"a": {"@path": "$.a"}})(deep) is not UNDEFINED


@pytest.mark.parametrize(("levels", "compiles"), [(49, True), (51, False)])
def test_a_mapping_has_at_most_fifty_levels(levels: int, compiles: bool) -> None:  # noqa: FBT001 - a row
    deep: Any = {"@path": "$.a"}
    for _ in range(levels - 1):
        deep = {"a": deep}
    if not compiles:
        with pytest.raises(MappingError, match="at most 50 levels"):
            compile_mapping(deep)
        return
    made = compile_mapping(deep)({"a": 7})
    for _ in range(levels - 1):
        made = made["a"]
    assert made == 7


UNCLEAR = "finds a text that may be a date to Segment, but none that the bridge can read"
LIQUID_FAILURES = [
    ("{{ x | date: '%Y' }}", "now", "an event does not have the current time"),
    ("{{ x | date: '%Y' }}", 1_709_251_200_000, "finds a date that is not in the years 1 to 9999"),
    ("{{ x | date: '%Y' }}", "0000-01-01", "finds a date that is not in the years 1 to 9999"),
    ("{{ x | date: '%Y' }}", "1 May", UNCLEAR),
    ("{{ x | date: '%Y' }}", "Order 5", UNCLEAR),
    ("{{ x | date: '%Y' }}", "1.3.2026", UNCLEAR),
    ("{{ x | date_to_string }}", ["1 May"], UNCLEAR),
    ("{{ x | date_to_string }}", "today", "an event does not have the current time"),
    ("{{ x | where: x }}", "a[0]", "uses a filter on a value that it cannot take"),
    ("{{ '2031-03-01' | date: x }}", "%c", "%c prints differently at Segment"),
    ("{{ '2031-03-01' | date: x }}", "%101Y", "pads a date to more than 100 characters"),
    ("{{ x | url_decode }}", "%", "uses a filter on a value that it cannot take"),
]


@pytest.mark.parametrize(("template", "value", "reason"), LIQUID_FAILURES)
def test_liquid_fails_with_a_reason(template: str, value: Any, reason: str) -> None:
    mapping = compile_mapping({"a": {"@liquid": template}})
    with pytest.raises(MappingFailed) as caught:
        mapping({"x": value})
    assert caught.value.reason == reason


@pytest.mark.parametrize("value", ["2031-13-01", "2031-03-01T25:00", "a1 May 1st", 10**40, "9" * 400])
def test_a_value_that_is_not_a_date_stays(value: Any) -> None:
    assert compile_mapping({"a": {"@liquid": "{{ x | date | size }}"}})({"x": value}) in (
        {"a": str(len(str(value)))},
        {"a": "0"},
    )


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% if a <> 'b' %}x{% endif %}", "Segment does not know <>"),
        ("{{ properties . x }}", "white space within a path"),
        ("{{ properties [0] }}", "white space within a path"),
        ("{% comment %}{% comment %}x{% endcomment %}{% endcomment %}", "must not nest comments"),
        ("{{ x | date: '%N' }}", "prints differently"),
    ],
)
def test_liquid_refuses_what_segment_reads_differently(template: str, reason: str) -> None:
    with pytest.raises(MappingError, match=reason):
        compile_mapping({"a": {"@liquid": template}})


@pytest.mark.parametrize(
    ("text", "is_"),
    [
        ("aGVsbG8=", "hello"),
        ("aGVsbG8", "hello"),
        ("aGVs bG8=\n", "hello"),
        ("!!aGVs", "hel"),
        ("4pyTIMOgIGxhIG1vZGU", "✓ à la mode"),
        ("8J+YgA==", "😀"),
        ("-_-_", "\N{REPLACEMENT CHARACTER}" * 3),
        ("abc", "i\N{REPLACEMENT CHARACTER}"),
        ("aGV=sbG8=", "he"),
        ("YQ===YQ==", "a"),
        ("Y=Q=", ""),
        ("=YQ==", ""),
        ("a", ""),
        ("é", ""),
        (None, ""),
    ],
)
def test_base64_is_read_as_liquidjs_10_27_2_reads_it(text: str | None, is_: str) -> None:
    assert compile_mapping({"a": {"@liquid": "{{ x | base64_decode }}|"}})({"x": text}) == {"a": f"{is_}|"}


@pytest.mark.parametrize(("name", "instead"), [("sample", "use first or slice"), ("squish", "normalize_whitespace")])
def test_a_filter_that_would_give_another_text_names_one_that_does_not(name: str, instead: str) -> None:
    with pytest.raises(MappingError, match=instead):
        compile_mapping({"a": {"@liquid": f"{{{{ x | {name} }}}}"}})


def test_quoted_texts_may_look_like_anything() -> None:
    mapping = compile_mapping({"a": {"@liquid": "{{ 'a <> b . c [0]' }}{% comment %}x{% endcomment %}"}})
    assert mapping({}) == {"a": "a <> b . c [0]"}


def test_a_number_beyond_any_float_in_a_json_text_is_infinity_and_null_when_it_is_sent() -> None:
    decode = {"@json": {"mode": "decode", "value": {"@path": "$.a"}}}
    assert compile_mapping({"x": decode})({"a": '{"b":1e400,"c":1}'}) == {"x": {"b": float("inf"), "c": 1}}
    event = {"type": "track", "messageId": "m-1", "userId": "u", "event": "E", "a": '{"b":[-1e400],"c":1}'}
    [mapping] = load([row(mapping={**ADD_CUSTOM_EVENT, "metadata": decode})])
    outgoing = apply(mapping, event).outgoing
    assert outgoing is not None
    assert json.loads(outgoing.payload)["body"]["metadata"] == {"b": [None], "c": 1}


def test_a_json_text_that_is_too_deep_fails() -> None:
    mapping = compile_mapping({"x": {"@json": {"mode": "decode", "value": {"@path": "$.a"}}}})
    with pytest.raises(MappingFailed, match="nested too deeply"):
        mapping({"a": "[" * 300 + "]" * 300})


@pytest.mark.parametrize("tag", ["doc", "ifchanged"])
def test_liquid_refuses_tags_of_python_liquid_alone(tag: str) -> None:
    with pytest.raises(MappingError):
        compile_mapping({"a": {"@liquid": f"{{% {tag} %}}x{{% end{tag} %}}"}})
