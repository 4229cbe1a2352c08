import copy
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import Unusable
from bridge.json_text import read, write_ascii
from bridge.to_segment.fit import LIMIT, REPEATS, fit

KEYS = st.sampled_from(["a", "b", "items", "metadata", "note", "order"])
TEXTS = st.integers(0, 400).map("x".__mul__)
LEAVES = st.none() | st.booleans() | st.integers(0, 10**6) | TEXTS
ARRAYS = st.lists(LEAVES | st.dictionaries(KEYS, LEAVES, max_size=2), max_size=6)
OBJECTS = st.dictionaries(KEYS, LEAVES | ARRAYS | st.dictionaries(KEYS, LEAVES | ARRAYS, max_size=3), max_size=4)
NAMES = ["customer", "campaign", "order", "redemption", "redemption_rollback", "voucher", "publication", "balance"]
PROPERTIES = st.dictionaries(st.sampled_from(NAMES), OBJECTS, max_size=5)


class Rendering:
    """Renders as JSON, a limited number of times.

    Each rendering writes the whole event. One for each part of a webhook of a megabyte would need minutes.
    """

    def __init__(self, budget: int = 400) -> None:
        self._budget = budget

    def __call__(self, properties: Mapping[str, Any], reduced: list[str]) -> bytes:
        self._budget -= 1
        assert self._budget >= 0, "the work grows with the number of parts"
        return write_ascii({"properties": properties, "reduced": reduced})


def fitted(properties: dict[str, Any], limit: int = LIMIT) -> tuple[dict[str, Any], list[str]]:
    rendered = fit(properties, Rendering(), limit)
    assert len(rendered) <= limit
    value = read(rendered)
    return value["properties"], value["reduced"]


def test_an_event_within_the_limit_is_not_changed() -> None:
    properties = {"order": {"items": [1, 2], "metadata": {"a": 1}}}
    assert fitted(properties) == (properties, [])


def test_the_limit_itself_fits_and_one_byte_more_does_not() -> None:
    properties = {"order": {"note": "x" * 1_000, "code": "A"}}
    exactly = len(write_ascii({"properties": properties, "reduced": []}))
    assert fitted(properties, exactly) == (properties, [])
    assert fitted(properties, exactly - 1) == ({"order": {"code": "A"}}, ["order.note"])


def test_the_size_counts_bytes_not_characters() -> None:
    # 6,000 characters of six bytes each.
    assert fitted({"email": "a@b", "voucher": {"note": "ö" * 6_000}}) == (
        {"email": "a@b", "voucher": {}},
        ["voucher.note"],
    )


@pytest.mark.parametrize(("name", "part"), REPEATS, ids=[".".join(repeat) for repeat in REPEATS])
def test_repeated_objects_are_removed_first(name: str, part: str) -> None:
    large = {"note": "x" * 20_000}
    properties = {name: {"id": "1", part: large}, part: large, "metadata": {"a": 1}, "items": [1]}
    assert fitted(properties) == (properties | {name: {"id": "1"}}, [f"{name}.{part}"])


def test_a_single_object_is_not_a_repeat() -> None:
    properties = {"redemption": {"id": "1", "order": {"note": "x" * 40_000, "id": "ord_1"}}, "order": None}
    reduced = {"redemption": {"id": "1", "order": {"id": "ord_1"}}, "order": None}
    assert fitted(properties) == (reduced, ["redemption.order.note"])


def test_only_as_much_as_needed_is_removed() -> None:
    large = {"note": "x" * 9_000}
    repeats = {"id": "1", "order": large, "voucher": large, "customer": large}
    kept, reduced = fitted({"redemption": repeats, "order": large, "voucher": {"id": "v"}, "customer": {"id": "c"}})
    assert reduced == ["redemption.order"]
    assert kept["redemption"].keys() == {"id", "voucher", "customer"}


def test_then_long_arrays_are_cut_and_count_the_removed_items() -> None:
    items = [{"sku": f"{number:05}"} for number in range(5_000)]
    kept, reduced = fitted({"order": {"items": items, "metadata": {"a": 1}}})
    assert reduced == ["order.items"]
    assert kept["order"]["items"] == items[: len(kept["order"]["items"])]
    assert kept["order"]["items_omitted"] == 5_000 - len(kept["order"]["items"])
    assert kept["order"]["metadata"] == {"a": 1}
    one_more = {**kept["order"], "items": items[: len(kept["order"]["items"]) + 1]}
    assert len(write_ascii({"properties": {"order": one_more}, "reduced": reduced})) > LIMIT


def test_the_largest_array_is_shortened_first() -> None:
    properties = {"order": {"small": ["s" * 10] * 10, "large": ["l" * 100] * 400}}
    kept, reduced = fitted(properties)
    assert reduced == ["order.large"]
    assert kept["order"]["small"] == properties["order"]["small"]


def test_a_second_array_follows_when_one_is_not_enough() -> None:
    kept, reduced = fitted({"order": {"a": ["a" * 100] * 400, "b": ["b" * 100] * 390}})
    assert reduced == ["order.a", "order.b"]
    assert (kept["order"]["a"], kept["order"]["a_omitted"]) == ([], 400)
    assert 0 < kept["order"]["b_omitted"] < 390


def test_then_the_largest_metadata_is_removed() -> None:
    properties = {
        "voucher": {"metadata": {"a": "x" * 30_000}},
        "order": {"metadata": {"a": "y" * 8_000}},
        "email": "a@b",
    }
    assert fitted(properties) == (properties | {"voucher": {}}, ["voucher.metadata"])


def test_at_last_the_largest_values_are_removed() -> None:
    properties = {"voucher": {"note": "x" * 30_000, "code": "A"}, "order": {"note": "y" * 8_000}}
    assert fitted(properties) == (properties | {"voucher": {"code": "A"}}, ["voucher.note"])


# Useless cuts

SMALL: dict[str, Any] = {"order": {"items": [{"sku": "mug"}] * 5, "id": "ord_1"}}


@pytest.mark.parametrize(
    ("large", "reduced"),
    [
        pytest.param({"customer": {"id": "c", "metadata": {"note": "x" * 33_000}}}, "customer.metadata", id="metadata"),
        pytest.param({"voucher": {"id": "v", "note": "x" * 33_000}}, "voucher.note", id="a text"),
        pytest.param({"campaign": {f"k{n}": n for n in range(4_000)}}, "campaign", id="small fields"),
        pytest.param(
            {"campaign": {"id": "a", "m": {f"k{n}": n for n in range(4_000)}}}, "campaign.m", id="small parts"
        ),
        pytest.param({"campaign": {"list": ["x" * 33_000]}}, "campaign.list", id="an array"),
    ],
)
def test_useless_cuts_are_undone(large: dict[str, Any], reduced: str) -> None:
    # All of these are removed first: a repeat, an array, metadata.
    redemption = {"id": "r_1", "order": {**SMALL["order"], "note": "y" * 300}, "metadata": {"a": "z" * 300}}
    kept, named = fitted({"redemption": redemption, **SMALL, **large})
    assert named == [reduced]
    assert kept | large == {"redemption": redemption, **SMALL, **large}


def test_partial_cuts_are_undone_while_there_is_room() -> None:
    items = [{"sku": f"{number:05}"} for number in range(1_000)]
    order = {"a": items, "b": items, "metadata": {"c": "d" * 5_000}}
    kept, reduced = fitted({"voucher": {"note": "x" * 50_000}, "order": order})
    assert reduced == ["order.a", "voucher.note"]
    assert kept["order"]["metadata"] == order["metadata"]
    assert kept["order"]["b"] == items
    assert 0 < len(kept["order"]["a"]) < 1_000
    one_more = {**kept["order"], "a": items[: len(kept["order"]["a"]) + 1]}
    assert len(write_ascii({"properties": {"order": one_more, "voucher": {}}, "reduced": reduced})) > LIMIT


def test_of_repeated_objects_only_the_largest_is_removed_if_it_suffices() -> None:
    parts = {"order": {"note": "x" * 1_000}, "voucher": {"note": "y" * 20_000}}
    assert fitted({"redemption": {"id": "r_1", **parts}, **parts})[1] == ["redemption.voucher"]


def test_earlier_removals_are_named_unless_a_larger_place_is_removed() -> None:
    properties = {"order": {"metadata": {"a": "x" * 40_000}}, "email": "a@b"}
    left_out = ["order.metadata.b", "voucher.metadata"]
    rendered = read(fit(properties, Rendering(), reduced=left_out))
    assert rendered["reduced"] == ["voucher.metadata", "order.metadata"]
    assert read(fit({"email": "a@b"}, Rendering(), reduced=left_out))["reduced"] == left_out


def test_properties_that_are_too_large_to_render_are_reduced() -> None:
    def render(properties: dict[str, Any], reduced: list[str]) -> bytes:
        if "x" in properties.get("order", {}):
            raise Unusable("far too large")
        return Rendering()(properties, reduced)

    assert read(fit({"order": {"x": "y" * 80, "id": "1"}}, render))["reduced"] == ["order.x"]


def test_an_event_that_is_too_large_without_properties_is_unusable() -> None:
    with pytest.raises(Unusable, match="even without its properties"):
        fit({"email": "x" * 100}, Rendering(), limit=10)


@given(PROPERTIES, st.integers(700, 2_500))
@settings(max_examples=150)
def test_the_result_is_never_over_the_limit_and_names_all_that_was_reduced(
    properties: dict[str, Any], limit: int
) -> None:
    before = copy.deepcopy(properties)
    try:
        kept, reduced = fitted(properties, limit)
    except Unusable:
        pytest.fail("made to fit, never dropped")
    finally:
        assert properties == before, "what was handed in was changed"
    lost = [path for path, value in _leaves(before) if _at(kept, path) != value]
    assert all(any(_covers(name.split("."), path) for name in reduced) for path in lost)
    assert len(reduced) == len(set(reduced))


@given(PROPERTIES, st.integers(700, 2_500))
@settings(max_examples=100)
def test_the_same_event_is_reduced_to_the_same_text_each_time(properties: dict[str, Any], limit: int) -> None:
    try:
        first = fit(properties, Rendering(), limit)
    except Unusable:
        return
    assert fit(copy.deepcopy(properties), Rendering(), limit) == first


MANY = 6_000
LARGE = {
    "small fields": {"voucher": {f"key_{number}": number for number in range(MANY)}},
    "small objects": {"voucher": {f"key_{number}": {"a": number} for number in range(MANY)}},
    "small arrays": {"voucher": {f"key_{number}": [number] for number in range(MANY)}},
    "small arrays in metadata": {"voucher": {"metadata": {f"key_{number}": [number] for number in range(MANY)}}},
    "metadata in metadata": {
        "order": {"lines": {f"line_{number}": {"metadata": {"a": number}} for number in range(MANY)}}
    },
    "one array": {"order": {"items": [{"sku": number} for number in range(MANY)]}},
}


@pytest.mark.parametrize("properties", LARGE.values(), ids=LARGE)
def test_thousands_of_small_parts_are_made_to_fit_in_a_bounded_number_of_steps(properties: dict[str, Any]) -> None:
    kept, reduced = fitted({"email": "anna@example.com", **properties})
    assert reduced
    assert kept != properties


def _leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and value:
        return [leaf for key, child in value.items() for leaf in _leaves(child, (*path, key))]
    return [(path, value)] if value not in (None, {}, []) else []


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _covers(name: list[str], path: tuple[str, ...]) -> bool:
    return tuple(name) == path[: len(name)]
