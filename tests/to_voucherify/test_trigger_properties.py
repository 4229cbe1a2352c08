"""Any trigger: it prints as an equal one, and matches like an interpreter."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import TriggerError
from bridge.to_voucherify.language.fql import Trigger, compile_trigger
from bridge.to_voucherify.language.fql.conditions import Condition, Group, Path
from bridge.to_voucherify.language.fql.operators import FIELDS, FUNCTIONS, OPERATORS, SIGNS, Operand
from bridge.to_voucherify.language.fql.paths import OBJECT_MEMBERS

WORDS = ["a", "b", "or", "null", "0", "1", "01", "-", "a b", "é", "type", "x" * 30]
TEXTS = st.one_of(
    st.sampled_from(["", "a", "ab", "b", "0", "null", "é😀"]),
    st.text(st.characters(exclude_characters='"\\', exclude_categories=["Cs"]), max_size=8),
)
NUMBERS = st.one_of(
    st.integers(-3, 3).map(float),
    st.floats(-(2**53 - 1), 2**53 - 1, allow_nan=False).map(lambda number: number + 0.0),
)
NAMES = st.text(st.characters(max_codepoint=0xFFFF, exclude_characters=".[]", exclude_categories=["Cs"]), min_size=1)
PATTERNS = st.text("ab +é", max_size=4).flatmap(lambda part: st.sampled_from([f"{part}*", f"*{part}"]))
OPERANDS: dict[type, st.SearchStrategy[Operand]] = {
    str: TEXTS,
    float: NUMBERS,
    bool: st.booleans(),
    type(None): st.none(),
}


@st.composite
def conditions(draw: st.DrawFn, names: st.SearchStrategy[str]) -> Condition:
    root = draw(st.sampled_from(sorted(FIELDS)))
    path = Path(root, tuple(draw(st.lists(names, min_size=1, max_size=3))) if FIELDS[root].nested else ())
    operator = OPERATORS[draw(st.sampled_from(sorted(FIELDS[root].takes, key=str)))]
    return Condition(path, operator, draw(PATTERNS if "match" in operator.sign else OPERANDS[operator.takes]))


def groups(members: st.SearchStrategy[Any]) -> st.SearchStrategy[Group]:
    return st.builds(Group, st.sampled_from(["and", "or"]), st.lists(members, min_size=2, max_size=4).map(tuple))


def ends_with_its_only_function(group: Group) -> bool:
    return all(isinstance(member, Condition) and member.operator.sign in SIGNS for member in group.members[:-1])


def roots(names: st.SearchStrategy[str]) -> st.SearchStrategy[Condition | Group]:
    one = conditions(names)
    return st.one_of(one, groups(one), groups(one | groups(one).filter(ends_with_its_only_function)))


JSON = st.recursive(
    st.one_of(st.sampled_from(["a", "ab", "", "0", "null", "aé b", 0, 1, -2, 0.5, True, False, None]), TEXTS, NUMBERS),
    lambda values: st.lists(values, max_size=2) | st.dictionaries(st.sampled_from(WORDS), values, max_size=6),
    max_leaves=20,
)
EVENTS = st.dictionaries(st.sampled_from(sorted(FIELDS)), JSON)


@given(roots(st.sampled_from(WORDS) | NAMES.filter(lambda name: name not in OBJECT_MEMBERS | {"arguments", "caller"})))
@settings(max_examples=200, deadline=None)
def test_a_printed_trigger_compiles_to_an_equal_one(root: Condition | Group) -> None:
    trigger = Trigger(root)
    again = compile_trigger(str(trigger))
    assert again == trigger
    assert str(again) == str(trigger)


@given(roots(st.sampled_from(WORDS)), EVENTS)
@settings(max_examples=300, deadline=None)
def test_a_compiled_trigger_matches_like_an_interpreter(root: Condition | Group, event: dict[str, Any]) -> None:
    trigger = Trigger(root)
    assert trigger.matches(event) is plain_reading(root, event)
    assert (trigger.mismatch(event) is None) is trigger.matches(event)


PIECES = [*FIELDS, *SIGNS, *FUNCTIONS, *"()!,.\\[]\"'*\n\r= ", " and ", " or ", "null", "true", "5", '"a"', "é", "😀"]


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=20).map("".join)), JSON)
@settings(max_examples=500, deadline=None)
def test_no_text_and_no_event_crash_the_compiler(text: str, event: Any) -> None:
    try:
        trigger = compile_trigger(text)
    except TriggerError as error:
        outcome = 0 <= error.position <= len(text) and bool(error.reason and error.remedy)
    else:
        outcome = trigger.matches(event) is (trigger.mismatch(event) is None)
    assert outcome


@pytest.mark.parametrize("joint", ["and", "or"])
def test_a_long_trigger_works(joint: str) -> None:
    trigger = compile_trigger(f" {joint} ".join(['type = "track"'] * 2_500))
    assert trigger.matches({"type": "track"})
    assert not trigger.matches({"type": "page"})


def plain_reading(node: Condition | Group, event: dict[str, Any]) -> bool:
    """Interpret a trigger as Segment documents it, without tables or closures."""
    if isinstance(node, Group):
        verdicts = [plain_reading(member, event) for member in node.members]
        return all(verdicts) if node.joint == "and" else any(verdicts)
    found, wanted, sign = plain_look_up(node.path, event), node.operand, node.operator.sign
    if sign.startswith("!") and sign != "!=":
        return isinstance(found, str) and not plain_search(sign[1:], found, str(wanted))
    if sign in FUNCTIONS:
        return isinstance(found, str) and plain_search(sign, found, str(wanted))
    if isinstance(wanted, float):
        if not isinstance(found, int | float) or isinstance(found, bool):
            return False
        order = "<" if found < wanted else ">" if found > wanted else "="
        return (order != "=") if sign == "!=" else order in sign
    same = type(found) is type(wanted) and found == wanted
    return same if sign == "=" else not same


def plain_search(function: str, text: str, wanted: str) -> bool:
    if function == "contains":
        return text.find(wanted) >= 0
    part = wanted.strip("*")
    return text[: len(part)] == part if wanted[-1] == "*" else text[len(text) - len(part) :] == part


def plain_look_up(path: Path, event: dict[str, Any]) -> Any:
    value: Any = event.get(path.root)
    for name in path.names:
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, str | list) and value != "":
            characters = value if isinstance(value, list) else [*value.encode("utf-16").decode("utf-16")]
            value = characters[int(name)] if name in {str(at) for at in range(len(characters))} else None
        elif value:
            value = None
    return value
