"""``python -m bridge.cli``: the ``bridge`` command of this interpreter."""

from bridge.cli import main

main(prog_name="bridge")
