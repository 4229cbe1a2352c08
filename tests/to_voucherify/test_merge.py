import copy
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.to_voucherify.merge import BY_KEY, is_mergeable, merge
from tests.to_voucherify.calls import request

NULL_OR_TEXT = st.none() | st.sampled_from(["a", "b", "c"])
BY_KEYS = st.dictionaries(st.sampled_from(["x", "y", "z"]), NULL_OR_TEXT | st.integers(0, 3) | st.just({"deep": 1}))
BODIES = st.lists(
    st.fixed_dictionaries(
        {"source_id": st.just("anna-1")},
        optional={
            "name": NULL_OR_TEXT,
            "email": NULL_OR_TEXT,
            "birthdate": NULL_OR_TEXT,
            "address": BY_KEYS,
            "metadata": BY_KEYS,
        },
    ),
    min_size=1,
    max_size=8,
)


def upserted(customer: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Apply an upsert as Voucherify does: absent fields stay, null clears, two objects change key by key."""
    after = dict(customer)
    for name, value in body.items():
        if value is None:
            after.pop(name, None)
        elif name in BY_KEY:
            after[name] = upserted(after.get(name, {}), value)
        else:
            after[name] = value
    return after


def sent(customer: Mapping[str, Any], bodies: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    after = dict(customer)
    for body in bodies:
        after = upserted(after, body)
    return after


CUSTOMERS = st.builds(sent, st.just({}), BODIES)


@given(CUSTOMERS, BODIES)
@settings(max_examples=150)
def test_merging_upserts_equals_sending_them_one_by_one(customer: dict[str, Any], bodies: list[dict[str, Any]]) -> None:
    before = copy.deepcopy(bodies)
    assert sent(customer, [merge(bodies)]) == sent(customer, bodies)
    assert bodies == before, "what was handed in was changed"


@given(BODIES, st.integers(0, 8))
@settings(max_examples=100)
def test_merging_in_parts_is_merging_at_once(bodies: list[dict[str, Any]], place: int) -> None:
    parts = [part for part in (bodies[:place], bodies[place:]) if part]
    assert merge([merge(part) for part in parts]) == merge(bodies)


@given(BODIES)
@settings(max_examples=50)
def test_merging_is_repeatable(bodies: list[dict[str, Any]]) -> None:
    once = merge(bodies)
    assert is_mergeable(once)
    assert merge([once, once]) == once


@pytest.mark.parametrize(
    ("bodies", "merged"),
    [
        pytest.param([{"name": "A"}, {"name": "B"}], {"name": "B"}, id="the later wins"),
        pytest.param([{"name": "A"}, {"email": "e"}], {"name": "A", "email": "e"}, id="field by field"),
        pytest.param([{"name": "A"}, {"name": None}], {"name": None}, id="null overwrites"),
        pytest.param([{"name": None}, {"name": "A"}], {"name": "A"}, id="and is overwritten"),
        pytest.param(
            [{"metadata": {"a": 1, "b": 1}}, {"metadata": {"b": 2, "c": None}}],
            {"metadata": {"a": 1, "b": 2, "c": None}},
            id="metadata key by key",
        ),
        pytest.param(
            [{"address": {"city": "Lund", "state": "Skåne"}}, {"address": {"city": None}}],
            {"address": {"city": None, "state": "Skåne"}},
            id="address key by key",
        ),
        pytest.param(
            [{"metadata": {"a": {"x": 1}}}, {"metadata": {"a": {"y": 2}}}],
            {"metadata": {"a": {"y": 2}}},
            id="an object in metadata as a whole",
        ),
        pytest.param([{"metadata": {"a": 1}}, {"metadata": None}], {"metadata": None}, id="metadata cleared"),
        pytest.param([{"source_id": "1", "name": "A"}], {"source_id": "1", "name": "A"}, id="one alone"),
    ],
)
def test_the_later_upsert_wins(bodies: list[dict[str, Any]], merged: dict[str, Any]) -> None:
    assert merge(bodies) == merged


def test_an_upsert_that_clears_all_metadata_is_sent_alone() -> None:
    clearing = request("upsert_customer", metadata=None)
    setting = request("upsert_customer", metadata={"b": 1})
    assert not is_mergeable(clearing)
    assert is_mergeable(setting)
    # Merged, they do not clear what the first clears.
    customer = {"source_id": "anna-1", "metadata": {"a": 1}}
    assert sent(customer, [clearing, setting]) != sent(customer, [merge([clearing, setting])])


def test_a_customer_and_the_group_it_joins_are_one_upsert() -> None:
    identify = request("upsert_customer", email="anna@example.com", metadata={"tier": "gold"})
    group = request("assign_group", traits={"plan": "pro"})
    assert merge([identify, group]) == {
        "source_id": "anna-1",
        "email": "anna@example.com",
        "metadata": {"tier": "gold", "group_id": "g-9", "group_plan": "pro"},
    }
