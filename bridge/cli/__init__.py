"""The ``bridge`` command: one file per subcommand.

Commands print tables for people, and JSON with ``--json``.
"""

from bridge.cli.main import main

__all__ = ["main"]
