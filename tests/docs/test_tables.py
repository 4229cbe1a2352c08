"""The tables of the documents are those of the code."""

import re
from collections.abc import Iterator

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bridge.delivery.rules.sink import Happened
from bridge.doors import TRACKING
from bridge.messages import Status
from bridge.operations.history import PENDING, STATUSES
from bridge.operations.monitoring import health
from bridge.operations.monitoring.measures import Measures
from bridge.settings import DAY, Settings
from bridge.to_segment.catalogue import EVENTS
from bridge.to_voucherify.actions import ACTIONS, BY_SLUG, Action, documentation
from bridge.to_voucherify.raw_events.presets import PRESETS
from bridge.web.errors import ERRORS
from bridge.web.metrics import exposition
from tests.acceptance.chromium import VARIABLE as BROWSER
from tests.docs import columns
from tests.docs.documents import CHECKOUT, DOCUMENTS, code, page, table

VARIABLE = r"((?:SEGMENT|VOUCHERIFY|BRIDGE)_[A-Z_]+)"
OF_THE_TESTS = {BROWSER, "BRIDGE_SCREENSHOTS"}


def test_the_table_of_events_is_the_catalogue() -> None:
    rows = table(page("events"), "| event | warehouse table | Voucherify type |")
    assert rows == [
        [event.name, f"`{event.name.lower().replace(' ', '_')}`", f"`{event.type}`", ", ".join(event.fields)]
        for event in EVENTS
    ]


def test_the_table_of_columns_is_what_the_samples_have() -> None:
    assert "\n".join([columns.HEAD, "| --- | --- |", *columns.rows(), ""]) in page("events")


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.name)
def test_the_table_of_a_call_is_its_action(action: Action) -> None:
    assert f"**{action.title}** → `POST {action.path}`\n\n{documentation(action)}\n\n" in page("calls")


def test_the_tables_of_calls_are_those_of_the_actions() -> None:
    assert re.findall(r"^\*\*(.+)\*\* → `POST (.+)`$", page("calls"), re.MULTILINE) == [
        (action.title, action.path) for action in ACTIONS.values()
    ]


def test_the_table_of_presets_is_the_presets() -> None:
    rows = table(page("mappings"), "| call | mapping | action |")
    documented = {(f'type = "{row[0]}"', row[1], row[2].partition(",")[0]) for row in rows if row[1] != "none"}
    assert documented == {(str(one.trigger), one.name, one.action.title) for one in PRESETS}


def test_the_actions_of_a_mapping_file_are_named() -> None:
    [meaning] = [row[1] for row in table(page("mappings"), "| key | meaning |") if row[0] == "`partnerAction`"]
    assert code(meaning) == list(BY_SLUG)


@pytest.mark.parametrize("stem", ["raw-events", "http"])
def test_every_path_of_the_tracking_api_is_named(stem: str) -> None:
    [kinds] = re.findall(r"`POST /v1/{([\w,]+)}`", page(stem))
    assert [f"v1/{kind}" for kind in kinds.split(",")] == list(TRACKING)


def _settings() -> Iterator[tuple[str, str]]:
    rows = re.findall(rf"^\| `{VARIABLE}` \| .*? \| ([^|]*) \|$", page("settings"), re.MULTILINE)
    yield from rows


def test_the_tables_of_settings_are_what_is_read() -> None:
    documented = [name for name, _ in _settings()]
    read = set(re.findall(f'"{VARIABLE}"', (CHECKOUT / "bridge" / "settings.py").read_text()))
    assert len(documented) == len(set(documented))
    assert set(documented) == read


def test_the_defaults_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))
    documented = dict(_settings())
    for name in documented:
        monkeypatch.delenv(name, raising=False)
    for name in ("SEGMENT_WRITE_KEY", "VOUCHERIFY_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, "any")
    settings = Settings.from_env()
    assert settings.to_segment
    found = {
        "SEGMENT_GZIP": str(settings.to_segment.gzip).lower(),
        "VOUCHERIFY_API_URL": settings.voucherify_url,
        "BRIDGE_DATABASE_URL": settings.database_url,
        "BRIDGE_RETENTION_DAYS": f"{settings.retention / DAY:g}",
        "BRIDGE_MAX_AGE_DAYS": f"{settings.max_age / DAY:g}",
        "BRIDGE_MAX_BODY_BYTES": str(settings.max_body_bytes),
        "BRIDGE_LOG_LEVEL": settings.log_level,
        "BRIDGE_WORKER": "embedded" if settings.embedded_worker else "external",
    }
    assert {name: documented[name] for name in found} == {name: f"`{value}`" for name, value in found.items()}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_variable_that_is_spoken_of_is_a_setting(path: object) -> None:
    text = path.read_text()  # type: ignore[attr-defined] # a Path
    assert set(re.findall(VARIABLE, text)) <= {name for name, _ in _settings()} | OF_THE_TESTS


def test_the_table_of_metrics_is_what_is_served() -> None:
    found = Measures([], {}, {}, {}, [], [], ())
    served = {family.name for family in text_string_to_metric_families(exposition(found, 1.0).decode())}
    cells = [name for row in table(page("operations"), "| metric | labels |") for name in code(row[0])]
    documented = [name.removesuffix("_total") for name in cells]
    assert len(documented) == len(set(documented))
    assert set(documented) == served


def test_the_table_of_health_is_what_is_checked() -> None:
    documented = [code(row[0])[0] for row in table(page("operations"), "| check | problem |")]
    checks = (health.DATABASE, health.SCHEMA, health.WORKER, health.TRANSLATION, health.PAUSES, health.ERRORS)
    assert documented == list(checks)


def test_the_table_of_alerts_is_the_rules() -> None:
    documented = [name for row in table(page("operations"), "| alert | meaning |") for name in code(row[0])]
    rules = yaml.safe_load((CHECKOUT / "deploy" / "alerts.yml").read_text())["groups"][0]["rules"]
    assert sorted(documented) == sorted(rule["alert"] for rule in rules)


def test_the_table_of_statuses_is_what_can_be_filtered_by() -> None:
    documented = [code(row[0])[0] for row in table(page("console"), "| status | meaning |")]
    assert len(documented) == len(set(documented))
    assert set(documented) == {*STATUSES, PENDING}


def test_the_table_of_outcomes_is_what_is_answered() -> None:
    documented = [code(row[0])[0] for row in table(page("http"), "| `status` | meaning |")]
    assert sorted(documented) == sorted(map(str, Status))


def test_the_table_of_errors_has_every_error() -> None:
    documented = {(int(row[0]), code(row[1])[0]) for row in table(page("http"), "| code | `error.code` |")}
    assert {(one.status, one.code) for one in ERRORS.values()} <= documented


def test_the_table_of_decisions_has_every_outcome_of_a_sink() -> None:
    documented = [row[0] for row in table(page("architecture"), "| outcome of a sink | decision |")]
    assert documented == list(map(str, Happened))


def test_the_glossary_has_every_status_and_outcome() -> None:
    terms = {term for row in re.findall(r"^\| ([^|]+) \|", page("glossary"), re.MULTILINE) for term in row.split(", ")}
    assert {*map(str, Status), *STATUSES, PENDING} <= {term.strip() for term in terms}
