from typing import Any

import pytest

from bridge.to_voucherify.limits import LIMITS
from bridge.to_voucherify.metadata import fit
from tests.to_voucherify.schemata import schema


def fitted(value: Any, **definition: Any) -> Any:
    """Return the value fitted to this definition, or the reason."""
    made, left_out = fit({"it": value}, schema(it=definition))
    assert made.keys() | left_out.keys() == {"it"}
    return left_out.get("it", made.get("it"))


@pytest.mark.parametrize(
    ("type_", "value", "becomes"),
    [
        ("string", "12", "12"),
        ("string", 12, "12"),
        ("string", 7.0, "7"),
        ("string", 1.5, "1.5"),
        ("string", 1e300, "1e+300"),
        ("string", True, "true"),
        ("string", False, "false"),
        ("string", "", ""),
        ("string", ["a"], "not a text"),
        ("string", {"a": 1}, "not a text"),
        ("number", 12, 12),
        ("number", 1.5, 1.5),
        ("number", "12", 12),
        ("number", " -1.50 ", -1.5),
        ("number", "+.5", 0.5),
        ("number", "1e3", 1000),
        ("number", "1e300", 1e300),
        ("number", "1e999", "not a number"),
        ("number", "12 kg", "not a number"),
        ("number", "1,5", "not a number"),
        ("number", "0x1f", "not a number"),
        ("number", "NaN", "not a number"),
        ("number", "Infinity", "not a number"),
        ("number", "", "not a number"),
        ("number", "٣", "not a number"),
        ("number", "9" * 5_000, "not a number"),
        ("number", True, "not a number"),
        ("number", [1], "not a number"),
        ("boolean", True, True),
        ("boolean", "true", True),
        ("boolean", " False ", False),
        ("boolean", "yes", "not true or false"),
        ("boolean", 1, "not true or false"),
        ("boolean", "", "not true or false"),
        ("date", "2031-03-01", "2031-03-01"),
        ("date", "2031-03-01T23:30:00-08:00", "2031-03-01"),
        ("date", "March 1st", "not a date"),
        ("date", 1_900_000_000, "not a date"),
        ("datetime", "2031-03-01T08:00:00.000Z", "2031-03-01T08:00:00.000Z"),
        ("datetime", "2031-03-01T08:00:00+02:00", "2031-03-01T06:00:00.000Z"),
        ("datetime", "2031-03-01T08:00:00.123456Z", "2031-03-01T08:00:00.123Z"),
        ("datetime", "2031-03-01 08:00", "2031-03-01T08:00:00.000Z"),
        ("datetime", "2031-03-01", "2031-03-01T00:00:00.000Z"),
        ("datetime", "0001-01-01T00:00:00+02:00", "not a date and time"),
        ("datetime", "soon", "not a date and time"),
        ("datetime", 1_900_000_000, "not a date and time"),
        ("geopoint", "55.605, 13.003", "55.605, 13.003"),
        ("geopoint", "-55.605,-13", "-55.605,-13"),
        ("geopoint", {"lat": 55.605, "lng": 13.003}, "55.605, 13.003"),
        ("geopoint", {"latitude": "55.605", "longitude": "13"}, "55.605, 13"),
        ("geopoint", {"lat": 55.605}, "not a latitude and a longitude"),
        ("geopoint", {"lat": "north", "lng": 1}, "not a number"),
        ("geopoint", "91, 0", "not a latitude and a longitude"),
        ("geopoint", "0, 181", "not a latitude and a longitude"),
        ("geopoint", "Malmö", "not a latitude and a longitude"),
        ("geopoint", [55.605, 13.003], "not a latitude and a longitude"),
        ("image_url", "https://example.com/anna.png", "https://example.com/anna.png"),
        ("image_url", "HTTP://example.com", "HTTP://example.com"),
        ("image_url", "ftp://example.com/a.png", "not the URL of an image"),
        ("image_url", "https://", "not the URL of an image"),
        ("image_url", "https://example.com/a b.png", "not the URL of an image"),
        ("image_url", 7, "not the URL of an image"),
        ("object", {"a": [1]}, {"a": [1]}),
        ("object", '{"a": "1"}', {"a": "1"}),
        ("object", "a", "not an object"),
        ("object", "[1]", "not an object"),
        ("object", [1], "not an object"),
        ("colour", ["anything"], ["anything"]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_value_is_converted_or_left_out_with_the_reason(type_: str, value: Any, becomes: Any) -> None:
    found = fitted(value, type=type_)
    assert (found, type(found)) == (becomes, type(becomes))


@pytest.mark.parametrize(
    ("type_", "value", "becomes"),
    [
        ("string", ["a", 7], ["a", "7"]),
        ("string", "a", ["a"]),
        ("string", "a,b", ["a,b"]),
        ("string", '["a", "b"]', ["a", "b"]),
        ("string", "[a]", ["[a]"]),
        ("number", ["1", 2.5], [1, 2.5]),
        ("number", "3", [3]),
        ("number", "[1, 2]", [1, 2]),
        ("boolean", [], []),
        ("number", ["1", "x"], "not a number"),
        ("number", [1, None], "not a number"),
        ("string", [["a"]], "not a text"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_an_array_converts_each_item(type_: str, value: Any, becomes: Any) -> None:
    assert fitted(value, type=type_, array=True) == becomes


def test_a_list_is_not_accepted_as_a_single_value() -> None:
    assert fitted(["a"], type="string", array=False) == "not a text"


@pytest.mark.parametrize(
    ("definition", "fits", "broken"),
    [
        pytest.param({"type": "string", "eq": ["a", "b"]}, ["a", "b"], ["c", "A", ""], id="eq of texts"),
        pytest.param({"type": "number", "eq": [1, 2]}, [1, "2", 1.0], [3, "0"], id="eq of numbers"),
        pytest.param({"type": "boolean", "eq": [1]}, [], [True], id="true is not 1"),
        pytest.param({"type": "number", "ne": [1, 2]}, [3, "0"], [1, "2"], id="ne"),
        pytest.param({"type": "number", "lt": 10}, [9, "9.9"], [10, "11"], id="lt"),
        pytest.param({"type": "number", "lte": 10}, [10, "9"], [10.5], id="lte"),
        pytest.param({"type": "number", "gt": 0}, [1, "0.1"], [0, -1], id="gt 0"),
        pytest.param({"type": "number", "gte": 0}, [0, "1"], [-1], id="gte 0"),
        pytest.param({"type": "number", "gte": 1, "lte": 5}, [1, 5], [0, 6], id="between"),
        pytest.param({"type": "string", "minLength": 2}, ["ab", 12], ["a", 1], id="minLength"),
        pytest.param({"type": "string", "maxLength": 2}, ["ab", ""], ["abc"], id="maxLength"),
        pytest.param({"type": "string", "exactLength": 2}, ["ab"], ["a", "abc"], id="exactLength"),
        pytest.param({"type": "string", "array": True, "eq": ["a", "b"]}, [["a"], []], [["a", "c"]], id="each item"),
        pytest.param({"type": "string", "lt": 1, "eq": [], "ne": None}, ["a"], [], id="demands that do not apply"),
        pytest.param(
            {"type": "number", "maxLength": 1, "lt": "5", "eq": "x"}, [77], [], id="demands that make no sense"
        ),
    ],
)
def test_a_value_must_satisfy_the_limits_of_the_schema(
    definition: dict[str, Any], fits: list[Any], broken: list[Any]
) -> None:
    reasons = [limit.violation for limit in LIMITS.values()]
    assert [value for value in fits if fitted(value, **definition) in reasons] == []
    assert [value for value in broken if fitted(value, **definition) not in reasons] == []
