"""The HTTP side: ``create_app()``, one blueprint per front door. Nothing is decided here, and nothing is sent."""

import atexit

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from bridge import logs
from bridge.bootstrap import build
from bridge.settings import Settings
from bridge.web import console, errors, health, metrics, openapi, request_log
from bridge.web.doors import paths, segment_destination, segment_webhooks, tracking_api, voucherify_webhooks
from bridge.web.doors.waiting import Waiting


def create_app(settings: Settings | None = None) -> Flask:
    """The application, delivering too if ``BRIDGE_WORKER`` says so.

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
    if bridge.webhooks:
        app.register_blueprint(voucherify_webhooks.blueprint(bridge.webhooks, waiting))
    if bridge.calls:
        app.register_blueprint(segment_destination.blueprint(bridge.calls, waiting))
    if bridge.tracking:
        app.register_blueprint(tracking_api.blueprint(bridge.tracking, waiting))
    if bridge.event_webhooks:
        app.register_blueprint(segment_webhooks.blueprint(bridge.event_webhooks, waiting))
    app.register_blueprint(openapi.blueprint())
    app.register_blueprint(health.blueprint(bridge.keeper.problems))
    app.register_blueprint(metrics.blueprint(bridge.database))
    request_log.register(app)
    errors.register(app, bridge.refusals)
    if token := bridge.settings.admin_token:
        pages = console.application(bridge, token)
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {console.PATH: pages})  # type: ignore[method-assign]
    bridge.crew.start(delivers=bridge.settings.embedded_worker, elected=True)
    return app
