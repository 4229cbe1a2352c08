from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.to_segment.shape import LEVELS, NAME_LENGTH, shape

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab_", max_size=3), inner, max_size=4),
    max_leaves=30,
)


def nested(depth: int, innermost: Any, key: str = "a") -> Any:
    for _ in range(depth):
        innermost = {key: innermost}
    return innermost


@pytest.mark.parametrize(
    ("keyed", "listed"),
    [
        pytest.param(
            {"r_0e2905d4e6985a04b5": {"date": "2031-04-05", "related_object_type": "voucher"}, "rr_2": {"amount": 5}},
            [
                {"id": "r_0e2905d4e6985a04b5", "date": "2031-04-05", "related_object_type": "voucher"},
                {"id": "rr_2", "amount": 5},
            ],
            id="order.redemptions",
        ),
        pytest.param(
            {"ern_FQxftbKUq9E93k00Z3qkC0sX": {"type": "MULTIPLY", "multiplier": 1}},
            [{"id": "ern_FQxftbKUq9E93k00Z3qkC0sX", "type": "MULTIPLY", "multiplier": 1}],
            id="loyalty_tier.earning_rules",
        ),
        pytest.param({"rewa_1": {"id": None, "points": 3}}, [{"id": "rewa_1", "points": 3}], id="a null id"),
        pytest.param({"rewa_1": {"id": "rew_7"}}, [{"id": "rewa_1", "value": {"id": "rew_7"}}], id="an id of its own"),
        pytest.param(
            {"cat_7": 5, "cat_8": None}, [{"id": "cat_7", "value": 5}, {"id": "cat_8", "value": None}], id="5"
        ),
        pytest.param(
            {"camp_1": {"rewards": {"rewa_1": {}}}},
            [{"id": "camp_1", "rewards": [{"id": "rewa_1"}]}],
            id="in each other",
        ),
    ],
)
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [{"x": value}]], ids=["object", "in an array"])
def test_an_object_keyed_by_ids_becomes_an_array(keyed: Any, listed: Any, wrap: Any) -> None:
    assert shape({"order": {"parts": wrap(keyed)}}) == ({"order": {"parts": wrap(listed)}}, [])


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"total_redeemed": 0, "gift": {"redeemed_amount": 0}}, id="customer.summary.redemptions"),
        pytest.param({"r_1": {}, "total": 1}, id="not ids alone"),
        pytest.param({"promo_code": "A", "cat_food": 1}, id="words"),
        pytest.param({"line_1": "Main Street", "line_2": "7"}, id="an address"),
        pytest.param({"xyz_0e2905d4e6985a04b5": {}}, id="no prefix of Voucherify's"),
        pytest.param({"r_1 ": {}}, id="a space"),
    ],
)
def test_other_objects_stay_objects(value: Any) -> None:
    assert shape({"order": {"parts": value}}) == ({"order": {"parts": value}}, [])


@given(st.dictionaries(st.text("ab_", max_size=3), VALUES, max_size=5))
def test_other_data_is_not_changed(properties: dict[str, Any]) -> None:
    assert shape(properties) == (properties, [])


def test_the_longest_name_stays_and_a_longer_one_is_left_out_and_named() -> None:
    longest = "k" * (NAME_LENGTH - len("order_metadata_"))
    order = {"metadata": {longest: 1, f"{longest}k": 2, "b": {f"{longest}": 3, "c": 4}}}
    assert shape({"order": order}) == (
        {"order": {"metadata": {longest: 1, "b": {"c": 4}}}},
        ["order.metadata", "order.metadata.b"],
    )


def test_names_in_items_are_measured_from_the_item() -> None:
    longest = "k" * NAME_LENGTH
    assert shape({"order": {"items": [{longest: 1, f"{longest}k": 2}]}}) == (
        {"order": {"items": [{longest: 1}]}},
        ["order.items"],
    )


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"": value}], ids=["arrays", "objects"])
def test_values_that_are_nested_too_deeply_are_left_out_and_named(wrap: Any) -> None:
    deep: Any = 1
    for _ in range(900):
        deep = wrap(deep)
    shaped, left_out = shape({"order": {"id": "ord_1", "x": {"y": deep}}})
    assert shaped["order"]["id"] == "ord_1"
    assert "order.x.y" in left_out[0]
    levels, inside = 0, shaped["order"]["x"]["y"]
    while inside:
        levels, inside = levels + 1, next(iter(inside.values() if isinstance(inside, dict) else inside), None)
    assert LEVELS - 5 < levels <= LEVELS


def test_of_thousands_of_places_larger_ones_are_named() -> None:
    many = {f"key_{number}": nested(40, 1, "k" * 10) for number in range(1_000)}
    assert shape({"order": {"id": "ord_1", "lines": many}})[1] == ["order.lines"]
    assert shape({"order": many})[1] == ["order"]
