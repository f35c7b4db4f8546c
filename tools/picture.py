# SPDX-License-Identifier: MIT

"""`dev.py picture`: the terminal pictures in docs/, from real runs against the simulation."""

from __future__ import annotations

from collections.abc import Sequence

from .command_line import parser
from .environment import ROOT, for_tests, run_command
from .private_az import install_extension, private_folder

PICTURES = {"draw_terminal.py": "terminal.svg", "draw_progress.py": "fleet-progress.svg"}


def run(args: Sequence[str]) -> int:
    """Run the programs that run commands, and draw what these printed."""
    parser("picture", "Run a few commands and a fleet against the simulation, and draw docs/terminal.svg and "
                      "docs/fleet-progress.svg.").parse_args(args)
    venv = for_tests()
    with private_folder() as folder:
        extensions = install_extension(venv, folder)
        for program, picture in PICTURES.items():
            run_command([venv.python, f"docs/{program}", str(folder), str(extensions), str(ROOT / "docs" / picture)])
    return 0
