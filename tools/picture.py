# SPDX-License-Identifier: MIT
"""`dev.py picture`: the terminal pictures in docs/, from real runs against the simulation."""

from __future__ import annotations

from collections.abc import Sequence

from .command_line import parser
from .environment import for_tests, run_command
from .private_az import install_extension, private_folder


def run(args: Sequence[str]) -> int:
    """Install the extension, run the commands with it, and draw what they print."""
    parser("picture", "Run a few commands and a fleet against the simulation, and draw docs/terminal.svg and "
                      "docs/fleet-progress.svg.").parse_args(args)
    venv = for_tests()
    with private_folder() as folder:
        extensions = install_extension(venv, folder)
        return run_command([venv.python, "docs/draw_terminal.py", str(folder), str(extensions)])
