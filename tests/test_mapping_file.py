"""Mapping file: read again when it changes; no mappings while it is wrong."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.errors import InvalidMappings
from bridge.mapping_file import LOOK_SECONDS, MappingFile, in_force, read
from bridge.to_voucherify.raw_events.presets import PRESETS, ROWS
from tests.to_voucherify.raw import row

TOML = """
[[mappings]]
name = "Orders"
subscribe = 'type = "track"'
partnerAction = "addCustomEvent"

[mappings.mapping]
type = "order"
customer = { source_id = { "@path" = "$.userId" } }
metadata = { since = 2024-05-01, at = 2024-05-01T10:00:00Z }
"""


class Clock:
    """A clock that moves at every look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += LOOK_SECONDS
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "mappings.json", [row("first")])


@pytest.mark.parametrize(
    "around", [{"mappings": [row()]}, {"subscriptions": [row()]}, {"data": {"subscriptions": [row()]}}]
)
def test_the_list_may_stand_in_what_segment_s_public_api_answers(around: Any, tmp_path: Path) -> None:
    [one] = read(write(tmp_path / "export.json", around))
    assert one.name == row()["name"]


PAGES = [
    {"data": {"subscriptions": [row("first")], "pagination": {"current": "MA==", "next": "Mg==", "totalEntries": 2}}},
    {"data": {"subscriptions": [row("second")], "pagination": {"current": "Mg==", "totalEntries": 2}}},
]


@pytest.mark.parametrize("pages", [PAGES, [page["data"] for page in PAGES]], ids=["answers", "their data"])
def test_an_export_may_have_pages(pages: Any, tmp_path: Path) -> None:
    assert [one.name for one in read(write(tmp_path / "export.json", pages))] == ["first", "second"]
    assert [one.name for one in read(write(tmp_path / "export.json", pages[1]))] == ["second"]


@pytest.mark.parametrize("pages", [PAGES[0], PAGES[0]["data"], PAGES[:1]])
def test_an_export_without_its_last_page_is_refused(pages: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidMappings, match="ends before its last page"):
        read(write(tmp_path / "export.json", pages))


def test_a_page_without_mappings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidMappings, match="must be a list"):
        read(write(tmp_path / "export.json", [{"data": {}}]))


def write(path: Path, value: Any) -> Path:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    path.write_bytes(content)
    # Two changes within one tick of the file system's clock would be one.
    os.utime(path, ns=(0, path.stat().st_mtime_ns + len(content)))
    return path


def names(file: MappingFile) -> list[str]:
    return [one.name for one in file.current()]


def test_without_a_file_the_presets_are_in_force() -> None:
    assert in_force(None)() is PRESETS


@pytest.mark.parametrize("value", [list(ROWS), {"mappings": list(ROWS)}], ids=["a list", "an object with the list"])
def test_json_is_read(tmp_path: Path, value: Any) -> None:
    assert read(write(tmp_path / "mappings.json", value)) == PRESETS


def test_toml_is_read_and_its_dates_are_texts(tmp_path: Path) -> None:
    [one] = read(write(tmp_path / "Mappings.TOML", TOML.encode()))
    assert one.build({"userId": "anna-1"})["metadata"] == {"since": "2024-05-01", "at": "2024-05-01T10:00:00+00:00"}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("m.json", b"", "not JSON"),
        ("m.json", b'[{"name": "a" "b"}]', "line 1 column 15"),
        ("m.json", b"[NaN]", "not JSON"),
        ("m.json", b"\xff", "not UTF-8"),
        ("m.json", b"[" * 100_000, "nested too deeply"),
        ("m.json", b"{}", "must be a list"),
        ("m.toml", b"a = ", "not TOML"),
        ("m.toml", b"\xff", "not TOML"),
        ("m.toml", b"a = inf", "not TOML, or has values"),
        ("m.toml", b"a = 1", "must be a list"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    with pytest.raises(InvalidMappings, match=says):
        read(write(tmp_path / name, content))


def test_a_file_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidMappings, match="No such file"):
        read(tmp_path / "missing.json")


def test_a_file_is_in_force(file: Path) -> None:
    assert [one.name for one in in_force(file)()] == ["first"]


def test_a_change_is_in_force_after_the_next_look(file: Path) -> None:
    mappings = MappingFile(file, Clock())
    assert names(mappings) == ["first"]
    write(file, [row("second"), row("third")])
    with capture_logs() as logs:
        assert names(mappings) == names(mappings) == ["second", "third"]
    assert [(line["event"], line["mappings"]) for line in logs] == [("mappings changed", 2)]


def test_so_is_one_by_which_another_file_takes_its_place(file: Path, tmp_path: Path) -> None:
    mappings = MappingFile(file, Clock())
    assert names(mappings) == ["first"]
    write(tmp_path / "new", [row("other")]).replace(file)
    assert names(mappings) == ["other"]


def test_between_two_looks_the_file_is_not_read(file: Path) -> None:
    mappings = MappingFile(file, lambda: 0.0)
    assert names(mappings) == ["first"]
    write(file, [row("second")])
    assert names(mappings) == ["first"]


def wrong(mappings: MappingFile) -> str:
    """Return the problems of a wrong file."""
    with pytest.raises(InvalidMappings) as raised:
        mappings.current()
    return str(raised.value)


def test_while_it_is_wrong_there_are_none_and_the_log_says_once_what_is_wrong(file: Path) -> None:
    mappings = MappingFile(file, Clock())
    assert names(mappings) == ["first"]
    write(file, [row("second", partnerAction="sendMail"), 5])
    with capture_logs() as logs:
        said = wrong(mappings)
        assert wrong(mappings) == said
    assert said.startswith('mapping 1 "second": partnerAction: must be one of')
    assert "mapping 2: must be an object" in said
    [line] = logs
    assert (line["log_level"], line["problems"]) == ("error", said.splitlines())
    write(file, [row("mended")])
    assert names(mappings) == ["mended"]


def test_so_it_is_from_the_start(file: Path) -> None:
    write(file, b"[")
    mappings = MappingFile(file, Clock())
    assert "not JSON" in wrong(mappings)
    write(file, [row("mended")])
    assert names(mappings) == ["mended"]


def test_a_file_that_disappears_is_wrong_until_it_is_back(file: Path) -> None:
    mappings = MappingFile(file, Clock())
    assert names(mappings) == ["first"]
    file.unlink()
    assert "No such file" in wrong(mappings)
    write(file, [row("back")])
    assert names(mappings) == ["back"]
