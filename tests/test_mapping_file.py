"""The file of mappings: read, read again when it changes, and never put out of force by a mistake."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.delivery.database import Database
from bridge.delivery.memory import Memory
from bridge.errors import ConfigError, InvalidMappings
from bridge.mapping_file import LOOKING, MappingFile, in_force, read
from bridge.to_voucherify.presets import PRESETS, ROWS
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


class Remembering:
    """A memory in memory."""

    def __init__(self, content: bytes | None = None) -> None:
        self.content = content

    def recall(self) -> bytes | None:
        return self.content

    def remember(self, source: bytes) -> None:
        self.content = source


class Clock:
    """Moves on at every look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += LOOKING
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "mappings.json", [row("first")])


def write(path: Path, value: Any) -> Path:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    path.write_bytes(content)
    # Two changes within one tick of the file system's clock would be one.
    os.utime(path, ns=(0, path.stat().st_mtime_ns + len(content)))
    return path


def names(file: MappingFile) -> list[str]:
    return [one.name for one in file.current()]


def test_without_a_file_the_presets_are_in_force() -> None:
    assert in_force(None, Remembering())() is PRESETS


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
        ("m.toml", b"a = inf", "not TOML that JSON could say"),
        ("m.toml", b"a = 1", "must be a list"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    with pytest.raises(InvalidMappings, match=says):
        read(write(tmp_path / name, content))


def test_a_file_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidMappings, match="No such file"):
        read(tmp_path / "missing.json")


def test_a_change_is_in_force_after_the_next_look(file: Path) -> None:
    mappings = MappingFile(file, Remembering(), Clock())
    assert names(mappings) == ["first"]
    write(file, [row("second"), row("third")])
    with capture_logs() as logs:
        assert names(mappings) == ["second", "third"]
    assert [(line["event"], line["mappings"]) for line in logs] == [("mappings changed", 2)]


def test_so_is_one_by_which_another_file_takes_its_place(file: Path, tmp_path: Path) -> None:
    mappings = MappingFile(file, Remembering(), Clock())
    write(tmp_path / "new", [row("other")]).replace(file)
    assert names(mappings) == ["other"]


def test_between_two_looks_nobody_looks(file: Path) -> None:
    mappings = MappingFile(file, Remembering(), lambda: 0.0)
    write(file, [row("second")])
    assert names(mappings) == ["first"]


def test_a_wrong_change_changes_nothing_and_the_log_says_what_is_wrong(file: Path) -> None:
    memory = Remembering()
    mappings = MappingFile(file, memory, Clock())
    write(file, [row("second", partnerAction="sendMail")])
    with capture_logs() as logs:
        assert names(mappings) == names(mappings) == ["first"]
    [line] = logs
    assert line["log_level"] == "error"
    assert line["problems"][0].startswith('mapping 1 "second": partnerAction: must be one of')
    assert memory.content == json.dumps([row("first")]).encode()
    write(file, [row("mended")])
    assert names(mappings) == ["mended"]


def test_a_file_that_disappears_stays_in_force(file: Path) -> None:
    mappings = MappingFile(file, Remembering(), Clock())
    file.unlink()
    assert names(mappings) == ["first"]
    write(file, [row("back")])
    assert names(mappings) == ["back"]


def test_a_process_that_begins_with_a_wrong_file_goes_on_with_what_was_right(file: Path) -> None:
    memory = Remembering()
    MappingFile(file, memory)
    write(file, b"[")
    with capture_logs() as logs:
        later = MappingFile(file, memory, Clock())
    assert names(later) == ["first"]
    assert [line["log_level"] for line in logs] == ["error"]
    write(file, [row("mended")])
    assert names(later) == ["mended"]


@pytest.mark.parametrize("remembered", [None, b"{", b"[5]"], ids=["nothing", "no JSON", "none by today's rules"])
def test_if_there_was_never_a_right_one_nothing_starts(file: Path, remembered: bytes | None) -> None:
    write(file, [row("a", partnerAction="sendMail"), 5])
    with pytest.raises(ConfigError) as refused:
        MappingFile(file, Remembering(remembered))
    told = refused.value.problems["BRIDGE_MAPPINGS"]
    assert str(file) in told
    assert 'mapping 1 "a": partnerAction:' in told
    assert "mapping 2: must be an object" in told


def test_the_memory_is_the_databases(database: Database) -> None:
    first, other = Memory(database, "a"), Memory(database, "b")
    assert first.recall() is None
    for content in (b"one", b"two"):
        first.remember(content)
        assert Memory(database, "a").recall() == content
    assert other.recall() is None


def test_without_a_database_nothing_is_remembered_and_nothing_fails() -> None:
    memory = Memory(Database("sqlite:////nowhere/bridge.db"), "a")
    with capture_logs() as logs:
        memory.remember(b"one")
        assert memory.recall() is None
    assert [line["event"] for line in logs] == ["not remembered", "not recalled"]
