"""The ``bridge`` command."""

import click


@click.group()
def main() -> None:
    """The bridge."""
