"""``bridge mappings``: check a file, try it with an event, show mappings."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.to_voucherify.raw_events.presets import ADD_CUSTOM_EVENT, ROWS, UPSERT_CUSTOMER
from tests.cli.conftest import Run
from tests.to_voucherify.raw import row

EVENT = {
    "type": "track",
    "userId": "anna-1",
    "event": "Paid",
    "properties": {"total": 5, "metadata": {"total": 5}, "email": "anna@example.com"},
}
WRONG = row("Wrong", partnerAction="sendMail", mapping={"x": 1})


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Any], str]:
    def to(name: str, value: Any) -> str:
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return str(path)

    return to


Write = Callable[[str, Any], str]


def test_what_is_in_force_is_a_file_to_start_from(run: Run, write: Write) -> None:
    shown = run("mappings", "show").output
    assert json.loads(shown) == list(ROWS)
    assert "5 mappings, no mistakes" in run("mappings", "check", write("m.json", shown)).output


def test_that_of_a_file_is_shown_as_it_is_read(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_MAPPINGS", write("m.json", [row("Orders")]))
    assert json.loads(run("mappings", "show").output) == [row("Orders", enabled=True)]


def test_a_right_file_is_right(told: Callable[..., Any], write: Write) -> None:
    assert told("mappings", "check", write("m.json", [row("a"), row("b")])) == {"mappings": 2, "problems": []}


def test_everything_wrong_is_in_a_table_and_in_the_exit_code(run: Run, write: Write) -> None:
    file = write("m.json", [row("a"), WRONG])
    result = run("mappings", "check", file)
    assert result.exit_code == 1
    assert '2 "Wrong"' in result.output
    assert "partnerAction" in result.output
    as_json = run("mappings", "check", file, "--json")
    assert as_json.exit_code == 1
    [problem] = json.loads(as_json.output)["problems"]
    assert (problem["mapping"], problem["path"]) == ('2 "Wrong"', "partnerAction")


def test_what_each_mapping_makes_of_an_event(told: Callable[..., Any], write: Write) -> None:
    unfit = {**ADD_CUSTOM_EVENT, "metadata": {"@path": "$.event"}}
    file = write(
        "m.json",
        [
            row("Taken"),
            row("Large", subscribe='type = "track" and properties.total > 100'),
            row("Off", enabled=False),
            row("Unfit", mapping=unfit),
        ],
    )
    taken, large, off, unfit_one = told("mappings", "test", file, write("event.json", EVENT))
    assert taken == {
        "mapping": "Taken",
        "matched": True,
        "why": "",
        "payload": {
            "customer": {"source_id": "anna-1", "email": "anna@example.com"},
            "referral": {},
            "loyalty": {},
            "metadata": {"total": 5},
            "event": "Paid",
            "type": "track",
        },
        "request": {
            "method": "POST",
            "path": "/v1/events",
            "body": {
                "event": "Paid",
                "customer": {"source_id": "anna-1", "email": "anna@example.com"},
                "metadata": {"total": 5},
            },
        },
        "left_out": {},
    }
    assert (large["matched"], large["payload"], large["request"]) == (False, None, None)
    assert "properties.total > 100 fails" in large["why"]
    assert (off["matched"], off["why"], off["request"]) == (True, "disabled", None)
    assert (unfit_one["matched"], unfit_one["why"]) == (True, "metadata: Not an object.")
    assert unfit_one["payload"]["metadata"] == "Paid"


def test_what_is_left_out_of_a_request_is_shown(told: Callable[..., Any], run: Run, write: Write) -> None:
    identify = {"type": "identify", "userId": "anna-1", "traits": {"name": "Anna", "birthdate": "in May"}}
    upsert = row("Taken", subscribe='type = "identify"', partnerAction="upsertCustomer", mapping=UPSERT_CUSTOMER)
    files = (write("m.json", [upsert]), write("event.json", identify))
    [taken] = told("mappings", "test", *files)
    assert taken["payload"]["birthdate"] == "in May"
    assert taken["request"]["body"] == {"source_id": "anna-1", "name": "Anna"}
    assert taken["left_out"].keys() == {"birthdate"}
    output = run("mappings", "test", *files).output
    assert "Taken: left out" in output
    assert taken["left_out"]["birthdate"] in output


def test_the_same_for_people(run: Run, write: Write) -> None:
    output = run("mappings", "test", write("m.json", [row("Taken")]), write("event.json", EVENT)).output
    for shown in ("Taken: payload", "Taken: request", "POST /v1/events", '"total": 5'):
        assert shown in output


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"integrations": {"Voucherify (Actions)": False}}, "integrations"),
        ({"context": {"voucherify": {}}}, "the bridge's own event"),
    ],
)
def test_an_excluded_event_is_shown_with_its_reason(
    told: Callable[..., Any], write: Write, more: dict[str, Any], why: str
) -> None:
    [one] = told("mappings", "test", write("m.json", [row()]), write("event.json", {**EVENT, **more}))
    assert why in one["why"]
    assert one["request"] is None


@pytest.mark.parametrize(
    ("event", "says"),
    [("{", "not JSON"), ([], "Not an object"), ({**EVENT, "userId": ""}, "userId"), ({**EVENT, "type": "x"}, "type")],
)
def test_what_is_no_event_is_said(run: Run, write: Write, event: Any, says: str) -> None:
    result = run("mappings", "test", write("m.json", [row()]), write("event.json", event))
    assert result.exit_code == 1
    assert says in result.output


def test_a_wrong_file_cannot_be_tried_or_shown(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write("m.json", [WRONG])
    monkeypatch.setenv("BRIDGE_MAPPINGS", file)
    for code, *words in ((1, "mappings", "test", file, write("event.json", EVENT)), (3, "mappings", "show")):
        result = run(*words)
        assert result.exit_code == code
        assert 'mapping 1 "Wrong": partnerAction' in result.output


# bridge check


def finding(run: Run) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(run("check", "--json").output)
    [one] = [one for one in found if one["what"] == "BRIDGE_MAPPINGS"]
    return one


@pytest.mark.usefixtures("both")
def test_check_says_what_is_in_force(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (finding(run)["verdict"], finding(run)["detail"]) == ("ok", "the five presets")
    monkeypatch.setenv("BRIDGE_MAPPINGS", write("m.json", [row("a"), row("b", enabled=False)]))
    told = finding(run)
    assert (told["verdict"], told["detail"]) == ("warning", "1 of 2 enabled, but no door accepts raw events")
    monkeypatch.setenv("BRIDGE_WRITE_KEYS", "a-write-key")
    assert finding(run)["verdict"] == "ok"
    assert "a-write-key" not in run("check").output


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("worker", ["embedded", "wrong"])
def test_check_says_what_is_wrong_with_them_whatever_else_is(
    run: Run, write: Write, monkeypatch: pytest.MonkeyPatch, worker: str
) -> None:
    monkeypatch.setenv("BRIDGE_WORKER", worker)
    monkeypatch.setenv("BRIDGE_MAPPINGS", write("m.json", [WRONG]))
    told = finding(run)
    assert told["verdict"] == "wrong"
    assert 'mapping 1 "Wrong": partnerAction' in told["detail"]
    assert "bridge mappings check" in told["remedy"]
    assert "raw events wait until it is right" in told["remedy"]
    assert run("check").exit_code == 1
