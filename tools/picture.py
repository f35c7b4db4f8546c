# SPDX-License-Identifier: MIT

"""`dev.py picture`: the terminal pictures, docs/terminal.svg and docs/fleet-progress.svg, from real runs against the
simulation.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from .command_line import parser
from .environment import ROOT, WORK, for_tests
from .environment import run as run_command
from .private_az import session

DOCS = ROOT / "docs"
SHOWN = (
    "az communication identity assign --system-assigned -n myApp -g myResourceGroup",
    "az communication identity assign --user-assigned myIdentty -n myApp -g myResourceGroup",
    "az communication identity assign --user-assigned myIdentity -n myApp -g myResourceGroup --dry-run --output table",
    "az communication identity assign --user-assigned myIdentity -n myApp -g myResourceGroup --output table",
    "az communication identity list --output table",
)


def run(args: Sequence[str]) -> int:
    """Run the commands, then draw what they printed."""
    parser("picture", "Run a few commands and a fleet against the simulation, and draw docs/terminal.svg and "
                      "docs/fleet-progress.svg.").parse_args(args)
    venv = for_tests()
    steps = []
    with session(venv, "--seed-demo") as running:
        running.az("identity create -g myResourceGroup -n myIdentity").ok()
        for line in SHOWN:
            done = running.az(shlex.split(line)[1:])
            steps.append([line, done.stderr + done.stdout])
        captured = WORK / "picture.json"
        WORK.mkdir(exist_ok=True)
        captured.write_text(json.dumps(steps), encoding="utf-8")
        fleet = [str(running.az.config.parent / "fleet"), str(running.az.extensions)]
        return (run_command([venv.python, str(DOCS / "draw_terminal.py"), str(captured), str(DOCS / "terminal.svg")])
                or run_command([venv.python, str(DOCS / "draw_progress.py"), *fleet, str(DOCS / "fleet-progress.svg")]))
