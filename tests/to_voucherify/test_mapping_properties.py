"""Any mapping: compiled, it returns what an interpreter returns, and never crashes."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.errors import MappingError, MappingFailed
from bridge.to_voucherify.language.liquid.filters import FILTERS
from bridge.to_voucherify.language.mapping import UNDEFINED, compile_mapping
from bridge.to_voucherify.language.mapping.directives import DIRECTIVES
from tests.to_voucherify.plain_mapping import Failed, plain

KEYS = ["a", "b", "c", "0", "1", "2", "length", "x y", "é"]
TEXTS = ["", "a", "ab", "Ab aB", "$&", "{{a}}", "{{ b.c }}", "{{{a}}}", "0", "null", '{"b":1,"0":[2]}', "[1]", "é"]
SCALARS = st.one_of(st.sampled_from(TEXTS), st.integers(-2, 12), st.booleans(), st.none())
JSON = st.recursive(
    SCALARS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.sampled_from(KEYS), values, max_size=4),
    max_leaves=15,
)
EVENTS = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6)
NAMES = st.sampled_from(["a", "b", "c", "[0]", "[1]", "length"])
PATHS = st.builds(
    lambda root, first, rest: root + ".".join([first, *rest]).replace(".[", "["),
    st.sampled_from(["$.", ""]),
    st.sampled_from(["a", "b", "c"]),
    st.lists(NAMES, max_size=2),
)
TEMPLATES = st.lists(
    st.one_of(
        st.sampled_from(["x", "{", "}", " "]),
        PATHS.map(lambda path: f"{{{{ {path.removeprefix('$.')} }}}}"),
        st.just("{{{a}}}"),
    ),
    max_size=4,
).map("".join)
WORDS = st.sampled_from(["a", "b", "A", ".", "1", "é", "ab"])
REPLACEMENTS = st.sampled_from(["", "x", "$&", "$$", "$`", "$'", "[$&$1]"])


def only(name: str, arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return arguments.map(lambda given: {name: given})


def directives(nodes: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    paths = only("@path", PATHS)
    texts = st.one_of(paths, paths, only("@template", TEMPLATES), st.sampled_from(["", "ab", "$.a"]))
    objects = paths | st.dictionaries(st.sampled_from(KEYS), nodes, max_size=3)
    optional = {"then": nodes, "else": nodes}
    return st.one_of(
        paths,
        only("@path", texts.filter(lambda node: isinstance(node, dict))),
        only("@template", TEMPLATES),
        only("@literal", nodes),
        only("@excludeWhenNull", nodes),
        only("@if", st.fixed_dictionaries({"exists": paths}, optional=optional)),
        only("@if", st.fixed_dictionaries({"blank": paths}, optional=optional)),
        only("@case", st.fixed_dictionaries({"operator": st.sampled_from(["lower", "upper"]), "value": texts})),
        only(
            "@replace",
            st.fixed_dictionaries(
                {"pattern": WORDS, "value": texts},
                optional={
                    "replacement": REPLACEMENTS,
                    "pattern2": WORDS,
                    "replacement2": REPLACEMENTS,
                    "ignorecase": st.booleans(),
                    "global": st.booleans(),
                },
            ),
        ),
        only("@json", st.fixed_dictionaries({"mode": st.sampled_from(["encode", "decode"]), "value": objects})),
        only(
            "@flatten",
            st.fixed_dictionaries(
                {"separator": st.sampled_from([".", "__"]), "value": nodes}, optional={"omitArrays": SCALARS}
            ),
        ),
        only(
            "@merge",
            st.fixed_dictionaries(
                {"direction": st.sampled_from(["left", "right"]), "objects": st.lists(objects, max_size=3)}
            ),
        ),
        only("@arrayPath", st.tuples(PATHS | paths, objects).map(list)),
        only("@transform", st.fixed_dictionaries({"apply": objects, "mapping": objects})),
    )


NODES = st.recursive(
    SCALARS,
    lambda nodes: st.one_of(
        directives(nodes),
        directives(nodes),
        st.lists(nodes, max_size=2),
        st.dictionaries(st.sampled_from(KEYS), nodes, max_size=3),
    ),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.sampled_from(KEYS), NODES, max_size=3) | directives(NODES)


@given(MAPPINGS, EVENTS)
@settings(max_examples=250, deadline=None)
def test_a_compiled_mapping_returns_what_an_interpreter_returns(mapping: dict[str, Any], event: dict[str, Any]) -> None:
    compiled = compile_mapping(mapping)
    try:
        wanted = plain(mapping, event)
    except Failed:
        wanted = MappingFailed
    try:
        made = compiled(event)
    except MappingFailed:
        made = MappingFailed
    # As JSON: 1 is not True there.
    assert repr(sorted_keys(made)) == repr(sorted_keys(wanted))


def sorted_keys(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(sorted_keys, value))
    return {key: sorted_keys(value[key]) for key in sorted(value)} if isinstance(value, dict) else value


NEARLY = st.recursive(
    st.one_of(SCALARS, st.text(max_size=8), st.floats(), st.sampled_from(["{{ a | date: '%s' }}", "{% if a > b %}"])),
    lambda nodes: st.one_of(
        st.lists(nodes, max_size=3),
        st.dictionaries(
            st.sampled_from([*KEYS, *DIRECTIVES, "@nope", "_metadata", "value", "exists", "then"]), nodes, max_size=2
        ),
    ),
    max_leaves=15,
)
ANYTHING = st.one_of(NEARLY, MAPPINGS)


@given(ANYTHING, EVENTS | JSON | st.recursive(st.text() | st.floats() | st.integers(), st.lists))
@settings(max_examples=250, deadline=None)
def test_no_mapping_and_no_event_crash_the_compiler(mapping: Any, event: Any) -> None:
    try:
        made = compile_mapping(mapping)(event)
    except MappingError as error:
        outcome = bool(error.problems) and all(error.problems.values())
    except MappingFailed as failure:
        outcome = bool(failure.reason)
    else:
        outcome = made is UNDEFINED or bool(json.dumps(made))
    assert outcome


LIQUID_VALUES = st.one_of(
    PATHS.map(lambda path: path.removeprefix("$.")),
    st.sampled_from(["'a'", "''", "'%d %Q'", "2", "-1", "nil", "blank", "1.5"]),
)
FILTERED = st.builds(
    lambda value, filters: " | ".join([value, *filters]),
    LIQUID_VALUES,
    st.lists(
        st.builds(
            lambda name, arguments: f"{name}: {', '.join(arguments)}" if arguments else name,
            st.sampled_from([*FILTERS, "nope", "sort", "where"]),
            st.lists(LIQUID_VALUES, max_size=2),
        ),
        max_size=3,
    ),
)
CONDITIONS = st.builds(
    lambda left, sign, right: f"{left} {sign} {right}",
    LIQUID_VALUES,
    st.sampled_from(["==", "!=", "<", ">", "<=", ">=", "contains", "and", "or"]),
    LIQUID_VALUES,
)
LIQUID = st.lists(
    st.one_of(
        st.text(max_size=4),
        FILTERED.map(lambda filtered: f"{{{{ {filtered} }}}}"),
        st.builds(
            lambda condition, value: f"{{% if {condition} %}}{value}{{% else %}}x{{% endif %}}", CONDITIONS, FILTERED
        ),
        FILTERED.map(lambda filtered: f"{{% assign a = {filtered} %}}"),
    ),
    max_size=5,
).map("".join)


@given(LIQUID, EVENTS | st.dictionaries(st.sampled_from("abc"), st.text() | st.floats() | st.integers()))
@example("{{ a | date }}", {"a": 10**400})
@example("{{ a | round: b }}", {"a": 1.5, "b": 10**400})
@example("{{ a | url_encode }}", {"a": "\ud83d"})
@settings(max_examples=250, deadline=None)
def test_no_template_and_no_event_crash_liquid(template: str, event: dict[str, Any]) -> None:
    try:
        made = compile_mapping({"a": {"@liquid": template}})(event)
    except MappingError as error:
        outcome = error.problems.keys() == {"a.@liquid"}
    except MappingFailed as failure:
        outcome = failure.path == "a.@liquid" and bool(failure.reason)
    else:
        outcome = bool(json.dumps(made))
    assert outcome
