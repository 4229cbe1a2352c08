"""Every error has one status, or is caught inside at a named place."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask

import bridge
from bridge import errors
from bridge.errors import BridgeError
from bridge.operations.monitoring.refusals import Refusals
from bridge.web import console
from bridge.web import errors as web

CAUGHT: Mapping[str, tuple[str, ...]] = {
    "BridgeError": ("bridge.cli.main",),
    "ConfigError": ("bridge.cli.main", "bridge.web.wsgi"),
    "InvalidMappings": ("bridge.mapping_file", "bridge.translation.translator", "bridge.cli.opening"),
    "DemoFailed": ("bridge.cli.main",),
    "Unusable": ("bridge.intake.receiving", "bridge.translation.meaning"),
    "BeyondFloat": ("bridge.to_voucherify.raw_events.posted",),
    "NotPlain": ("bridge.to_segment.translate",),
    "RoundLost": ("bridge.translation.translator",),
    "SeenMeanwhile": ("bridge.translation.translator",),
    "Unfit": ("bridge.to_voucherify.metadata",),
    "MappingFailed": ("bridge.to_voucherify.raw_events.apply",),
    "TemplateFailed": ("bridge.to_voucherify.language.mapping.texts",),
    "MappingError": ("bridge.to_voucherify.raw_events.mappings",),
    "TriggerError": ("bridge.to_voucherify.raw_events.mappings",),
    "DirectiveError": ("bridge.to_voucherify.language.mapping.compile",),
    "RowError": ("bridge.to_voucherify.raw_events.mappings",),
}
"""Modules that catch an error, so that it never reaches an HTTP caller."""

FOREIGN = {
    "bridge.cli.main": "WrongSettings",  # click catches it
    "bridge.demo.voucherify_project": "Refused",  # the stand-in for Voucherify answers with it
}
"""Exceptions that are no BridgeError, by module."""


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(bridge.__path__, "bridge."):
        if found.name.rpartition(".")[2] not in ("__main__", "wsgi", "env"):  # they run when they are imported
            yield importlib.import_module(found.name)


def defined() -> dict[type[BaseException], str]:
    """Return every exception class of the package, with its module."""
    return {
        one: module.__name__
        for module in modules()
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, BaseException) and one.__module__ == module.__name__
    }


def subclasses(root: type[BridgeError]) -> set[type[BridgeError]]:
    return {root}.union(*map(subclasses, root.__subclasses__()))


ALL = sorted(subclasses(BridgeError), key=lambda one: one.__name__)


def test_every_exception_of_the_package_is_defined_in_its_tree() -> None:
    elsewhere = {module: one.__name__ for one, module in defined().items() if module != errors.__name__}
    assert elsewhere == FOREIGN
    assert set(ALL) == {one for one in defined() if issubclass(one, BridgeError)}


def test_the_tree_names_every_error_once() -> None:
    drawn = re.findall(r"── (\w+)", errors.__doc__ or "")
    assert sorted([*drawn, "BridgeError"]) == [one.__name__ for one in ALL]


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_each_error_has_one_status_or_is_caught_inside(error: type[BridgeError]) -> None:
    assert (error in web.ERRORS) != (error.__name__ in CAUGHT)


def test_a_status_belongs_to_one_error_and_is_the_one_that_the_tree_shows() -> None:
    statuses = {error.__name__: status for error, (status, *_) in web.ERRORS.items()}
    assert len(set(statuses.values())) == len(statuses)
    drawn = re.findall(r"── (\w+) +(\d{3}) ", errors.__doc__ or "")
    assert {name: int(status) for name, status in drawn} == statuses


@pytest.mark.parametrize(("error", "module"), [(error, module) for error in CAUGHT for module in CAUGHT[error]])
def test_what_is_caught_inside_is_caught_where_the_table_says(error: str, module: str) -> None:
    names = caught_in(Path(*module.split(".")).with_suffix(".py"))
    assert names & {error, "BridgeError"}


def caught_in(path: Path) -> set[str]:
    tree = ast.parse((Path(bridge.__file__).parents[1] / path).read_text())
    handlers = [one.type for one in ast.walk(tree) if isinstance(one, ast.ExceptHandler) and one.type]
    suppressed = [
        argument
        for one in ast.walk(tree)
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == "suppress"
        for argument in one.args
    ]
    return {name.id for one in (*handlers, *suppressed) for name in ast.walk(one) if isinstance(name, ast.Name)}


def raising(app: Flask, error: type[BridgeError]) -> Flask:
    def view() -> str:
        raise error({} if error is errors.Invalid else "what happened")

    app.add_url_rule("/api/raise", view_func=view)
    return app


@pytest.mark.parametrize("error", web.ERRORS, ids=lambda error: error.__name__)
def test_the_front_doors_answer_with_that_status(error: type[BridgeError]) -> None:
    app = Flask("doors")
    web.register(app, Refusals())
    response = raising(app, error).test_client().get("/api/raise")
    assert response.json is not None
    assert (response.status_code, response.json["error"]["code"]) == web.ERRORS[error][:2]


@pytest.mark.parametrize("error", web.ERRORS, ids=lambda error: error.__name__)
def test_the_console_answers_with_the_same_status(error: type[BridgeError]) -> None:
    app = Flask(console.__name__)
    console.errors.register(app)
    assert raising(app, error).test_client().get("/api/raise").status_code == web.ERRORS[error].status
