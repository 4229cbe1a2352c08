"""Entry point of the ``bridge`` command.

Every subcommand reports an error as one line.
"""

import io
import sys
from typing import Any

import click

from bridge import __version__
from bridge.cli.audit import audit
from bridge.cli.check import check
from bridge.cli.decide import decide
from bridge.cli.demo import demo
from bridge.cli.discard import discard
from bridge.cli.events import events
from bridge.cli.mappings import mappings
from bridge.cli.pause import pause
from bridge.cli.replay import replay
from bridge.cli.resume import resume
from bridge.cli.serve import WRONG_SETTINGS, serve
from bridge.cli.status import status
from bridge.cli.trigger import trigger
from bridge.cli.worker import worker
from bridge.errors import BridgeError, ConfigError
from bridge.settings import in_words


class WrongSettings(click.ClickException):
    """Wrong settings, with an exit code after which a supervisor does not restart."""

    exit_code = WRONG_SETTINGS


class Commands(click.Group):
    """A group whose commands report an error as one line, without a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand, and report errors of the bridge as one line."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # an unencodable character is printed as its code
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise WrongSettings(in_words(error)) from error
        except UnicodeEncodeError as error:
            raise click.ClickException("an argument is not UTF-8") from error
        except BridgeError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="bridge")
def main() -> None:
    """Bridge between Voucherify and Segment: webhooks, events and customers.

    Settings come from the environment and from .env in the working directory. To serve requests, run bridge serve.
    """


for command in (
    demo,
    check,
    serve,
    worker,
    mappings,
    trigger,
    status,
    events,
    replay,
    decide,
    discard,
    pause,
    resume,
    audit,
):
    main.add_command(command)
