"""Formats of content, times and numbers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from bridge.delivery.rules.retry import Fate
from bridge.delivery.rules.sink import Happened
from bridge.operations.monitoring.overview import Point
from bridge.web.console.view.chart import HEIGHT, LEAST, WIDTH, chart
from bridge.web.console.view.content import pretty, split_response, value_of
from bridge.web.console.view.wording import OUTCOME_TEXTS, STATUS_TEXTS, count, duration, iso, when


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "none"),
        (0, "0 ms"),
        (0.0042, "4 ms"),
        (0.34, "340 ms"),
        (1.26, "1.3 s"),
        (9.94, "9.9 s"),
        (12.2, "12 s"),
        (60, "1 min"),
        (195, "3 min"),
        (7500, "2 h 5 min"),
        (7200, "2 h"),
        (4 * 86_400 + 7300, "4 d 2 h"),
    ],
)
def test_a_duration(seconds: float | None, text: str) -> None:
    assert duration(seconds).replace("\N{NO-BREAK SPACE}", " ") == text


@given(st.floats(min_value=0, max_value=1e9))
def test_every_duration_has_a_text(seconds: float) -> None:
    assert duration(seconds)[0].isdigit()


def test_times_and_numbers() -> None:
    assert when(0.0) == "1970-01-01 00:00:00"
    assert when(None) == ""
    assert iso(0.0) == "1970-01-01T00:00:00Z"
    assert count(1_234_567).split("\N{NARROW NO-BREAK SPACE}") == ["1", "234", "567"]


def test_every_status_and_outcome_has_a_text() -> None:
    assert {*Fate} <= STATUS_TEXTS.keys()
    assert {*Happened} <= OUTCOME_TEXTS.keys()


def test_json_is_shown_in_lines() -> None:
    shown = pretty({"a": [1, None, {}], "b": "•••"})
    assert shown.striptags() == '{ "a": [ 1, null, {} ], "b": ••• }'
    assert '<span class="k">&#34;a&#34;</span>: [\n    <span class="n">1</span>,' in shown


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "</pre><b>", "\"&'<"])
def test_content_never_becomes_markup(hostile: str) -> None:
    shown = pretty({hostile: [hostile]})
    assert Markup.escape(hostile.replace('"', '\\"')) in shown
    assert hostile not in shown


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(), one, max_size=3),
    )
)
def test_all_json_can_be_shown(value: Any) -> None:
    assert isinstance(pretty(value), Markup)


def test_deeply_nested_content_is_shown() -> None:
    assert "[[[" in pretty(value_of(b"[" * 500 + b"]" * 500))


@pytest.mark.parametrize(
    ("content", "value"),
    [(b'{"a": 1}', {"a": 1}), (b"no json", "no json"), (b"\xff", "\\xff"), (b"[" * 100_000, "[" * 100_000)],
)
def test_bytes_are_parsed_as_json_or_text(content: bytes, value: Any) -> None:
    assert value_of(content) == value


@pytest.mark.parametrize(
    ("answer", "words", "value"),
    [
        ('{"code": 400}', "", {"code": 400}),
        ('metadata left out: a (b)\n{"code": 400}', "metadata left out: a (b)", {"code": 400}),
        ("upstream connect error", "upstream connect error", None),
        ("{broken", "{broken", None),
        ("", "", None),
    ],
)
def test_a_response_is_split_into_text_and_json(answer: str, words: str, value: Any) -> None:
    assert split_response(answer) == (words, value)


def point(at: int, delivered: int, failed: int = 0) -> Point:
    return Point("to_segment", at, delivered, failed)


def test_bars_do_not_overlap() -> None:
    drawn = chart([point(0, 40, 10), point(300, 0), point(600, 100)])
    assert [(bar.delivered, bar.failed) for bar in drawn.bars] == [(40.0, 10.0), (0.0, 0.0), (100.0, 0.0)]
    assert (drawn.most, drawn.delivered, drawn.failed) == (100, 140, 10)
    assert drawn.ticks == ("00:00", "00:05", "00:10")
    edges = [edge for bar in drawn.bars for edge in (bar.x, bar.x + bar.width)]
    assert edges == sorted(edges)
    assert edges[0] > 0
    assert edges[-1] < WIDTH


def test_one_failure_in_a_million_is_visible() -> None:
    [bar] = chart([point(0, 1_000_000, 1)]).bars
    assert bar.failed == LEAST


@pytest.mark.parametrize(("number", "most"), [(0, 1), (1, 1), (3, 5), (10, 10), (11, 20), (4_321, 5_000)])
def test_the_top_is_a_round_number(number: int, most: int) -> None:
    assert chart([point(0, number)]).most == most


def test_a_week_names_its_days() -> None:
    assert chart([point(0, 1), point(7 * 86_400, 1)]).ticks == ("Thu 00:00", "Thu 00:00")


def test_without_points_there_are_no_bars() -> None:
    assert chart([]).bars == ()
    assert HEIGHT > 0
