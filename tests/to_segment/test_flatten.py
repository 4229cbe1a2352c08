import copy
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.json_text import write
from bridge.to_segment.flatten import flatten, flatten_each

# Keys of few letters and underscores, so that paths often have the same name.
KEYS = st.text("ab_", min_size=1, max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=30,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=5)


@pytest.mark.parametrize(
    ("nested", "flat"),
    [
        pytest.param({"code": "A"}, {"code": "A"}, id="flat already"),
        pytest.param({"discount": {"percent_off": 10}}, {"discount_percent_off": 10}, id="one level"),
        pytest.param({"a": {"b": {"c": {"d": 1}}}}, {"a_b_c_d": 1}, id="many levels"),
        pytest.param({"gift": None, "card": {"points": None}}, {}, id="nulls are left out"),
        pytest.param({"metadata": {}, "a": {"b": {}}}, {}, id="empty objects are left out"),
        pytest.param({"a": 0, "b": False, "c": "", "d": []}, {"a": 0, "b": False, "c": "", "d": []}, id="falsy stays"),
        pytest.param({"items": [{"product": {"name": "Mug"}}]}, {"items": [{"product_name": "Mug"}]}, id="items"),
        pytest.param({"a": {"ids": ["x", "y"]}}, {"a_ids": ["x", "y"]}, id="arrays stay arrays"),
        pytest.param({"a": [1, None, {"b": None}]}, {"a": [1, None, {}]}, id="nulls in arrays keep their place"),
        pytest.param({"a": [[{"b": {"c": 1}}]]}, {"a": [[{"b_c": 1}]]}, id="arrays of arrays"),
        pytest.param({"a": {"b": 1}, "a_b": 2}, {"a_b": 2, "a_b_2": 1}, id="of two the deeper is numbered, before"),
        pytest.param({"a_b": 2, "a": {"b": 1}}, {"a_b": 2, "a_b_2": 1}, id="of two the deeper is numbered, after"),
        pytest.param({"a_b": 2, "a": {"b": 2}}, {"a_b": 2}, id="of two that are equal one is enough"),
        pytest.param({"a_b": 1, "a": {"b": True}}, {"a_b": 1, "a_b_2": True}, id="true is not 1"),
        pytest.param(
            {"a_b": 1, "a": {"b": 2}, "a_b_2": 3}, {"a_b": 1, "a_b_3": 2, "a_b_2": 3}, id="a number that is taken"
        ),
        pytest.param({"aB": 1, "a_b": 2}, {"a_b": 2, "aB_2": 1}, id="one column in snake case"),
        pytest.param({"HTTPCode": 1, "http code": 2}, {"http code": 2, "HTTPCode_2": 1}, id="spaces and capitals"),
        pytest.param({"aB": 1, "a_b": 1}, {"a_b": 1, "aB": 1}, id="equal values of one column keep their names"),
        pytest.param(
            {"a_b": 1, "a": {"b": [2]}, "aB": [2]},
            {"a_b": 1, "aB_2": [2], "a_b_2": [2]},
            id="equal values have one number",
        ),
        pytest.param({"x": [{"a": {"b": 1}, "a_b": 2}]}, {"x": [{"a_b": 2, "a_b_2": 1}]}, id="in items, too"),
        pytest.param({"a": {"b": 1}, "a_b": None}, {"a_b": 1}, id="a null takes no name"),
        pytest.param({}, {}, id="nothing"),
    ],
)
def test_objects_become_columns(nested: dict[str, Any], flat: dict[str, Any]) -> None:
    assert flatten(nested) == flat


@given(OBJECTS)
def test_the_result_has_depth_one(nested: dict[str, Any]) -> None:
    flat = flatten(nested)
    assert not any(isinstance(value, dict) or value is None for value in flat.values())
    assert all(_is_flat(item) for value in flat.values() if isinstance(value, list) for item in value)


@given(OBJECTS)
def test_no_value_is_lost(nested: dict[str, Any]) -> None:
    flat = list(flatten(nested).values())
    for path in _leaves(nested):
        value = _at(nested, path)
        assert [_flat(item) for item in value] in flat if isinstance(value, list) else value in flat


@given(OBJECTS)
def test_different_values_have_different_columns(nested: dict[str, Any]) -> None:
    columns: dict[str, list[str]] = {}
    for name, value in flatten(nested).items():
        columns.setdefault(re.sub("_+", "_", name.lower()).strip("_"), []).append(write(value).decode())
    assert all(len(set(values)) == 1 for values in columns.values())


@given(OBJECTS, st.randoms())
def test_names_do_not_depend_on_the_order_of_keys(nested: dict[str, Any], chance: random.Random) -> None:
    keys = list(nested)
    chance.shuffle(keys)
    assert flatten({key: nested[key] for key in keys}) == flatten(nested)


def test_columns_are_unique_across_properties() -> None:
    properties = {"reward": {"assignment_id": "a", "id": "r"}, "reward_assignment": {"id": "b"}, "email": "x"}
    assert flatten_each(properties) == {
        "reward": {"assignment_id_2": "a", "id": "r"},
        "reward_assignment": {"id": "b"},
        "email": "x",
    }


def test_thousands_of_names_of_one_column_are_numbered_quickly() -> None:
    nested = {f"{'!' * number}": number for number in range(3_000)}
    assert sorted(flatten(nested).values()) == list(range(3_000))


@given(OBJECTS)
def test_flattening_twice_changes_nothing_more(nested: dict[str, Any]) -> None:
    assert flatten(flatten(nested)) == flatten(nested)


@given(OBJECTS)
def test_the_input_is_not_changed(nested: dict[str, Any]) -> None:
    before = copy.deepcopy(nested)
    flatten(nested)
    assert nested == before


def _is_flat(item: Any) -> bool:
    match item:
        case dict():
            return not any(isinstance(value, dict) or value is None for value in item.values())
        case list():
            return all(_is_flat(one) for one in item)
        case _:
            return True


def _leaves(nested: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in nested.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        elif value is not None:
            yield (*path, key)


def _at(nested: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        nested = nested[key]
    return nested


def _flat(item: Any) -> Any:
    if isinstance(item, dict):
        return flatten(item)
    return [_flat(one) for one in item] if isinstance(item, list) else item
