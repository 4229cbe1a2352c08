"""Files for operators: every name in them exists."""

import json
import os
import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bridge.cli import main
from bridge.cli.serve import WEB_STOP_SECONDS, WORKER_STOP_SECONDS, WRONG_SETTINGS
from bridge.delivery.inbox.queues import QueueState
from bridge.delivery.outbox.sink_states import SinkState
from bridge.messages import Status
from bridge.operations.monitoring.measures import Histogram, Measures
from bridge.web import metrics

DEPLOY = Path(__file__).parents[1] / "deploy"
METRIC = re.compile(r"\bbridge_[a-z_]+")
BOARD: dict[str, Any] = json.loads((DEPLOY / "grafana.json").read_text())
RULES: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
QUERIES = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]

FOUND = Measures(
    totals=[("to_segment", "Customer Rewarded", what, 1) for what in (*Status, "delivered", "dead", "retried")],
    latencies={"segment": Histogram([(1.0, 1)], 0.5)},
    standing={("segment", "waiting"): 1},
    oldest_waiting={"segment": 1.0},
    sinks=[SinkState("segment", "running", None, "", 1.0)],
    queues=[QueueState("webhooks", "to_segment", 1, 2.0, 1.0, is_paused=False, problem="")],
    concerns=(),
)


@pytest.fixture(scope="module")
def samples() -> dict[str, set[str]]:
    """Return the names of all samples, with their labels."""
    text = metrics.exposition(FOUND, 2.0).decode()
    return {
        sample.name: {*sample.labels} for family in text_string_to_metric_families(text) for sample in family.samples
    }


def test_every_metric_that_is_asked_for_is_there(samples: dict[str, set[str]]) -> None:
    for query in [*QUERIES, *(rule["expr"] for rule in RULES)]:
        assert set(METRIC.findall(query)) <= set(samples), query


def test_every_metric_is_grouped_by_labels_that_it_has(samples: dict[str, set[str]]) -> None:
    for query in [*QUERIES, *(rule["expr"] for rule in RULES)]:
        labels = {label for names in re.findall(r"by \(([a-z, ]+)\)", query) for label in names.split(", ")}
        for name in METRIC.findall(query):
            assert labels <= samples[name], query


def test_every_metric_is_described_and_named_as_prometheus_wants_it() -> None:
    for family in text_string_to_metric_families(metrics.exposition(FOUND, 2.0).decode()):
        assert family.documentation
        assert family.name.startswith("bridge_")
        assert family.type in ("counter", "gauge", "histogram")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert set(rule["annotations"]) == {"summary", "action"}


def test_alerts_are_there_for_all_that_can_go_wrong() -> None:
    assert {rule["alert"].removeprefix("Bridge") for rule in RULES} == {
        "Down",
        "Refuses",
        "Silent",
        "OldestWaiting",
        "DeadLetters",
        "Uncertain",
        "SinkPaused",
        "NoWorker",
        "OldestPending",
        "TranslationProblem",
        "NoTranslator",
    }


def test_the_dashboards_panels_have_room_and_titles_of_their_own() -> None:
    places: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        assert panel["title"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & places, panel["title"]
        assert max(x for x, _ in cells) < 24
        places |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_the_unit_starts_what_there_is_and_gives_it_time_to_end() -> None:
    unit = ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # names are not lower case
    unit.read(DEPLOY / "bridge.service")
    service = unit["Service"]
    program, command, *_ = service["ExecStart"].split()
    assert program.endswith("/bin/bridge")
    assert command in main.commands
    assert float(service["TimeoutStopSec"]) > WEB_STOP_SECONDS + WORKER_STOP_SECONDS
    assert str(WRONG_SETTINGS) in service["RestartPreventExitStatus"].split()


UNIT = DEPLOY / "bridge.service"
HARDENED = """
UMask=0077 StateDirectoryMode=0700 RuntimeDirectoryMode=0700 ProtectSystem=strict ProtectHome=true PrivateTmp=true
PrivateDevices=true ProtectProc=invisible ProtectClock=true ProtectHostname=true ProtectControlGroups=true
ProtectKernelLogs=true ProtectKernelModules=true ProtectKernelTunables=true NoNewPrivileges=true
CapabilityBoundingSet= AmbientCapabilities= LockPersonality=true RemoveIPC=true RestrictNamespaces=true
RestrictRealtime=true RestrictSUIDSGID=true SystemCallArchitectures=native SystemCallFilter=@system-service
SystemCallFilter=~@privileged StateDirectory=bridge RuntimeDirectory=bridge User=bridge
"""


def test_the_unit_has_every_protection() -> None:
    lines = UNIT.read_text().splitlines()
    wanted = [*HARDENED.split(), "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"]
    assert [one for one in wanted if one not in lines] == []


def test_the_database_of_the_unit_is_where_it_may_write() -> None:
    [url] = re.findall(r"BRIDGE_DATABASE_URL=sqlite:///(\S+)", UNIT.read_text())
    assert Path(url).parent == Path("/var/lib") / "bridge"  # of StateDirectory


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], check=False, capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd's tools")
def test_systemd_reads_the_unit_and_finds_it_hardened(tmp_path: Path) -> None:
    unit = tmp_path / "bridge.service"
    unit.write_text(UNIT.read_text().replace("/opt/bridge/.venv/bin/bridge", "/bin/true"))
    # It also reads units of the system: only what it says of this one counts.
    assert "bridge.service" not in analyze("verify", str(unit)).stderr
    rated = analyze("security", "--offline=true", "--no-pager", "--threshold=20", str(unit))
    assert rated.returncode == 0, rated.stdout[-200:]


AUDIT = DEPLOY.parent / ".ci" / "audit"
FOUND_NONE = {"dependencies": [{"name": "flask", "version": "3.1.3", "vulns": []}]}
SKIPPED = {"dependencies": [{"name": "flask", "skip_reason": "not found"}]}
FOUND_ONE = {"dependencies": [{"name": "flask", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}]}


@pytest.mark.parametrize(
    ("answer", "exit_code", "code", "says"),
    [
        pytest.param(FOUND_NONE, 0, 0, "no known vulnerability", id="nothing"),
        pytest.param(FOUND_ONE, 1, 1, "flask 1.0: PYSEC-1", id="a vulnerability"),
        pytest.param(SKIPPED, 0, 0, "1 packages are not checked", id="an index without advisories"),
        pytest.param(None, 1, 0, "not checked", id="offline"),
    ],
)
def test_the_audit_fails_for_what_it_finds_and_may_be_offline(
    answer: object, exit_code: int, code: int, says: str, tmp_path: Path
) -> None:
    tool = tmp_path / "pip-audit"
    writes = f"printf '%s' '{json.dumps(answer)}' >\"${{@: -1}}\"" if answer else "true"
    tool.write_text(f"#!/usr/bin/env bash\n{writes}\nexit {exit_code}\n")
    tool.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "PIP_AUDIT": str(tool)}
    audited = subprocess.run([AUDIT], check=False, capture_output=True, text=True, env=environment, timeout=60)
    assert audited.returncode == code, audited.stderr
    assert says in audited.stdout


def test_a_deployment_has_the_versions_that_are_tested() -> None:
    def versions(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==(\S+)", path.read_text(), re.MULTILINE))

    deployed, tested = versions(DEPLOY / "constraints.txt"), versions(DEPLOY.parent / "constraints.txt")
    assert deployed.items() <= tested.items()
    assert {"flask", "gunicorn", "setuptools"} <= deployed.keys()
    assert "pytest" not in deployed
