"""Rules of the sources that linters do not check.

They are missing reasons, and names that belong in one table.
"""

import re
from dataclasses import fields
from pathlib import Path

from bridge import settings, web
from bridge.bootstrap import SIDES
from bridge.directions import DIRECTIONS
from bridge.doors import DOORS
from bridge.messages import QUEUES
from bridge.translation.meaning import TRANSLATIONS

ROOT = Path(__file__).parents[1]
BRIDGE = ROOT / "bridge"

_SILENCED = re.compile(r"#\s*(?:noqa|type:\s*ignore)")
_WITH_REASON = re.compile(r"# (?:noqa: [A-Z0-9, ]+ - |type: ignore\[[a-z, -]+\] # )\S")


def test_whatever_silences_a_linter_has_its_reason_on_the_line() -> None:
    files = [*BRIDGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py"), ROOT / "wsgi.py", ROOT / "gunicorn.conf.py"]
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if _SILENCED.search(line) and not _WITH_REASON.search(line)
    ]
    assert bare == []


def test_nothing_but_the_table_names_a_direction() -> None:
    names = {f'"{name}"' for row in DIRECTIONS.values() for name in (row.key, row.label)}
    sources = (path for path in BRIDGE.rglob("*.py") if "migrations" not in path.parts)
    named = [path.name for path in sources if any(name in path.read_text() for name in names)]
    assert named == ["directions.py"]


def test_every_table_of_directions_has_a_row_for_each() -> None:
    assert SIDES.keys() == settings.READERS.keys() == DIRECTIONS.keys()
    assert DIRECTIONS.keys() <= {field.name for field in fields(settings.Settings)}
    assert {door.direction for door in DOORS.values()} == DIRECTIONS.keys()
    assert len({row.sink for row in DIRECTIONS.values()}) == len(DIRECTIONS)


def test_every_door_has_its_stem_in_intake_and_web() -> None:
    stems = {door.stem for door in DOORS.values()}
    assert web.BLUEPRINTS.keys() == stems
    for folder in (BRIDGE / "intake", BRIDGE / "web" / "doors"):
        assert stems <= {path.stem for path in folder.glob("*.py")}
    assert TRANSLATIONS.keys() == QUEUES.keys() == {door.queue for door in DOORS.values()}
