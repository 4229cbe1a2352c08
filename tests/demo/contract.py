"""Voucherify's published OpenAPI files, held against every call that comes to the stand-in, and every answer."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from openapi_core import Config, OpenAPI
from openapi_core.contrib.werkzeug import WerkzeugOpenAPIRequest, WerkzeugOpenAPIResponse
from openapi_core.exceptions import OpenAPIError
from openapi_schema_validator import OAS30Validator

FILES = ("customers", "events", "async-actions", "metadata-schemas")
"""By the second part of a path, the file that describes it."""

NULLABLE = ("name", "description", "email", "phone", "birthdate", "metadata")
"""Fields of a customer that null clears, which the files do not say; so are all of an address."""


def shared() -> Path | None:
    """The folder of facts beside the checkout, or where the environment says, if there is one."""
    places = (Path(__file__).parents[2].parent / "shared", Path(os.environ.get("BRIDGE_SHARED", "/nowhere")))
    return next((place for place in places if (place / "voucherify").is_dir()), None)


class _AsSent(WerkzeugOpenAPIRequest):
    """A request whose path is as it was sent: WSGI has decoded it, and a slash in a parameter with it."""

    @property
    def path(self) -> str:
        return urlsplit(self.request.environ["RAW_URI"]).path


class Contract:
    """What the files say; nothing, where there are none.

    Attributes:
        problems: what was not as they say.
        checked: how many calls were looked at.
    """

    def __init__(self, folder: Path | None) -> None:
        described = FILES if folder else ()
        self._files = {name: _described(folder, name) for name in described if folder}
        # The files are taken as they are published, small mistakes (a default of another type) included.
        config = Config(spec_validator_cls=None)
        self._apis = {name: OpenAPI.from_dict(described, config=config) for name, described in self._files.items()}
        self.problems: list[str] = []
        self.checked = 0

    def watch(self, app: Flask) -> Flask:
        """Look at every call that ``app`` gets, and at every answer."""
        app.after_request(self._look)
        return app

    def _look(self, response: Response) -> Response:
        name = request.path.split("/")[2]
        if name in self._apis and not response.is_streamed and response.mimetype != "text/html":  # not a proxy's page
            self.checked += 1
            asked = _AsSent(request)
            answered = WerkzeugOpenAPIResponse(response)
            api = self._apis[name]
            if response.status_code < 300:
                self._try(f"{request.method} {request.path}", lambda: api.validate_request(asked))
            if response.status_code in (200, 202, 413):
                self._try(f"its {response.status_code}", lambda: api.validate_response(asked, answered))
            elif response.is_json:
                self._check_error(name, response)
        return response

    def _try(self, what: str, check: Any) -> None:
        try:
            check()
        except OpenAPIError as error:
            causes = [str(cause).splitlines()[0] for cause in getattr(error.__cause__, "schema_errors", ())]
            self.problems.append(f"{what}: {error!r} {error.__cause__!r} {causes}")

    def _check_error(self, name: str, response: Response) -> None:
        """The files name few of the errors that there are; they all have one form."""
        described = {"components": self._files[name]["components"], "$ref": "#/components/schemas/Error"}
        found = OAS30Validator(described).iter_errors(response.get_json(silent=True))
        self.problems += [f"its {response.status_code}: {problem.message}" for problem in found]


def _described(folder: Path, name: str) -> dict[str, Any]:
    described: dict[str, Any] = _inclusive(json.loads((folder / f"voucherify/{name}.openapi.json").read_text()))
    described["servers"] = [{"url": "/"}]
    described["components"]["schemas"].setdefault("Error", {"type": "object", "required": ["code", "message"]})
    customer = described["components"]["schemas"].get("CustomerBase", {"properties": {}})["properties"]
    clearable = [customer[name] for name in NULLABLE if name in customer]
    for field in (*clearable, *customer.get("address", {"properties": {}})["properties"].values()):
        field["nullable"] = True
    return described


def _inclusive(value: Any) -> Any:
    """``oneOf`` as ``anyOf``: the kinds of activities and jobs overlap, and none of them would be the only one."""
    if isinstance(value, dict):
        return {"anyOf" if key == "oneOf" else key: _inclusive(inner) for key, inner in value.items()}
    return [_inclusive(inner) for inner in value] if isinstance(value, list) else value
