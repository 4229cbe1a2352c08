"""``bridge pause``: pause deliveries to a service, or the translation."""

import click

from bridge.cli.opening import at_desk, opened, who
from bridge.cli.printing import json_option, print_json
from bridge.operations.desk import pausable


@click.command(short_help="Pause a service, or the translation.")
@click.argument("name", type=click.Choice(pausable()))
@json_option
def pause(name: str, as_json: bool) -> None:
    """Pause segment, voucherify or translation, until bridge resume.

    The bridge accepts messages meanwhile, and they wait. Calls in progress are finished.
    """
    with opened() as database:
        at_desk(database).pause(name, who())
    if as_json:
        print_json({"name": name, "state": "paused"})
    else:
        click.echo(f"{name} is paused: `bridge resume {name}` ends it.")
