"""The ``bridge`` command: one file per subcommand. Tables for people, ``--json`` for programs."""

from bridge.cli.main import main

__all__ = ["main"]
