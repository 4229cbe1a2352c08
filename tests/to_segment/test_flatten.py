import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.to_segment.flatten import flatten

# Keys of few letters and underscores: so that paths often make the same name.
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
        pytest.param({"a": {"b": 1}, "a_b": 2}, {"a_b": 2}, id="of two the shallower, after"),
        pytest.param({"a_b": 2, "a": {"b": 1}}, {"a_b": 2}, id="of two the shallower, before"),
        pytest.param({"a": {"b": 1}, "a_b": None}, {"a_b": 1}, id="a null takes no name"),
        pytest.param({}, {}, id="nothing"),
    ],
)
def test_objects_become_columns(nested: dict[str, Any], flat: dict[str, Any]) -> None:
    assert flatten(nested) == flat


@given(OBJECTS)
def test_what_comes_out_has_depth_one(nested: dict[str, Any]) -> None:
    flat = flatten(nested)
    assert not any(isinstance(value, dict) or value is None for value in flat.values())
    assert all(_is_flat(item) for value in flat.values() if isinstance(value, list) for item in value)


@given(OBJECTS)
def test_nothing_is_lost_but_to_a_shallower_value_of_the_same_name(nested: dict[str, Any]) -> None:
    flat = flatten(nested)
    names: dict[str, int] = {}
    for path in _leaves(nested):
        name = "_".join(path)
        names[name] = min(len(path), names.get(name, len(path)))
    assert flat.keys() == names.keys()
    for path in _leaves(nested):
        value = _at(nested, path)
        if len(path) == names["_".join(path)] and not isinstance(value, list) and _alone(nested, path):
            assert flat["_".join(path)] == value


@given(OBJECTS)
def test_flattening_twice_changes_nothing_more(nested: dict[str, Any]) -> None:
    assert flatten(flatten(nested)) == flatten(nested)


@given(OBJECTS)
def test_what_goes_in_is_left_as_it_was(nested: dict[str, Any]) -> None:
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


def _alone(nested: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Whether no other value at the same depth has the same name."""
    same = [one for one in _leaves(nested) if "_".join(one) == "_".join(path) and len(one) == len(path)]
    return len(same) == 1
