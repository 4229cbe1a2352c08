"""HTTP side: ``create_app()``, with one blueprint per door.

It decides nothing, and sends nothing to a service.
"""

import atexit
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from bridge import logs
from bridge.bootstrap import build
from bridge.doors import SEGMENT_DESTINATION, SEGMENT_WEBHOOKS, TRACKING_API, VOUCHERIFY_WEBHOOKS
from bridge.settings import Settings
from bridge.web import console, errors, health, metrics, openapi, request_log
from bridge.web.doors import paths, segment_destination, segment_webhooks, tracking_api, voucherify_webhooks
from bridge.web.doors.waiting import Waiting

BLUEPRINTS: Mapping[str, Callable[[Any, Waiting], Blueprint]] = {
    VOUCHERIFY_WEBHOOKS: voucherify_webhooks.blueprint,
    SEGMENT_DESTINATION: segment_destination.blueprint,
    SEGMENT_WEBHOOKS: segment_webhooks.blueprint,
    TRACKING_API: tracking_api.blueprint,
}
"""Routes of the doors, by stem."""


def create_app(settings: Settings | None = None) -> Flask:
    """Create the application, with a worker if ``BRIDGE_WORKER`` says so.

    Args:
        settings: from the environment if None.

    Raises:
        ConfigError: a setting is wrong or missing.
    """
    settings = settings or Settings.from_env()
    logs.configure(settings.log_level)
    bridge = build(settings)
    app = Flask("bridge", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = bridge.settings.max_body_bytes
    app.json = errors.Answers(app)
    app.extensions["bridge"] = bridge
    paths.register(app)
    waiting = Waiting(bridge.database)
    atexit.register(waiting.is_ending.set)
    for stem, intake in bridge.intakes.items():
        app.register_blueprint(BLUEPRINTS[stem](intake, waiting))
    app.register_blueprint(openapi.blueprint())
    app.register_blueprint(health.blueprint(bridge.keeper.problems))
    app.register_blueprint(metrics.blueprint(bridge.database))
    request_log.register(app)
    errors.register(app, bridge.refusals)
    if token := bridge.settings.admin_token:
        pages = console.application(bridge, token)
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {console.PATH: pages})  # type: ignore[method-assign] # as Flask documents it
    bridge.crew.start(delivers=bridge.settings.embedded_worker, elected=True)
    return app
