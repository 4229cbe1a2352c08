"""Check every call of the stand-in, and every response, against Voucherify's OpenAPI files."""

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
"""By the second part of a path: the file that describes it."""

NULLABLE = ("name", "description", "email", "phone", "birthdate", "metadata")
"""Fields of a customer that null clears, and so all of an address. The files do not mention it."""


def shared() -> Path | None:
    """Return the folder of the files: beside the checkout, or of the environment."""
    places = (Path(__file__).parents[2].parent / "shared", Path(os.environ.get("BRIDGE_SHARED", "/nowhere")))
    return next((place for place in places if (place / "voucherify").is_dir()), None)


class _AsSent(WerkzeugOpenAPIRequest):
    """A request with the path as sent. WSGI decodes it, including a slash in a parameter."""

    @property
    def path(self) -> str:
        return urlsplit(self.request.environ["RAW_URI"]).path


class Contract:
    """The content of the files. Without the files, no check fails.

    Attributes:
        problems: the deviations from the files.
        checked: the number of calls that were checked.
    """

    def __init__(self, folder: Path | None) -> None:
        described = FILES if folder else ()
        self._files = {name: _described(folder, name) for name in described if folder}
        # The files are used as published, with small mistakes such as a default of another type.
        config = Config(spec_validator_cls=None)
        self._apis = {name: OpenAPI.from_dict(described, config=config) for name, described in self._files.items()}
        self.problems: list[str] = []
        self.checked = 0

    def watch(self, app: Flask) -> Flask:
        """Check every call of ``app``, and every response."""
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
            elif response.is_json:  # otherwise it is a proxy's
                self._check_error(name, response)
        return response

    def _try(self, what: str, check: Any) -> None:
        try:
            check()
        except OpenAPIError as error:
            causes = [str(cause).splitlines()[0] for cause in getattr(error.__cause__, "schema_errors", ())]
            self.problems.append(f"{what}: {error!r} {error.__cause__!r} {causes}")

    def _check_error(self, name: str, response: Response) -> None:
        """Check the form of an error. The files name only some errors, and all have one form."""
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
    """Replace ``oneOf`` by ``anyOf``, because the kinds of activities and jobs overlap."""
    if isinstance(value, dict):
        return {"anyOf" if key == "oneOf" else key: _inclusive(inner) for key, inner in value.items()}
    return [_inclusive(inner) for inner in value] if isinstance(value, list) else value
