# SPDX-License-Identifier: MIT
"""`dev.py bench`: how long commands take, next to core's own; a fleet; a long list."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from .command_line import parser
from .environment import BENCH_REQUIREMENTS, ensure, for_demo, run_command
from .private_az import install_extension, private_folder

PARTS = ("one_command", "fleets", "listing")  # modules of benchmarks/, in this order


def run(args: Sequence[str]) -> int:
    """Install the extension from its wheel and measure."""
    parse(args)
    venv = ensure(for_demo().folder, [], [BENCH_REQUIREMENTS], stamp="bench")
    with private_folder() as folder:
        return run_command([venv.python, "-m", "benchmarks", "--folder", str(folder),
                            "--extensions", str(install_extension(venv, folder)), *args], check=False)


def parse(args: Sequence[str] | None) -> argparse.Namespace:
    """The options; the two that the help doesn't show are our own."""
    command = parser("bench", "Measure commands, a fleet and long lists against the simulation. The exit code is 1 if "
                              "a bound isn't met.")
    command.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)} (default: all)")
    command.add_argument("--runs", type=int, default=15, help="runs of each single command (default: %(default)s)")
    command.add_argument("--microsoft", type=Path, help="the wheel of Microsoft's `communication`, to compare with")
    command.add_argument("--publish", action="store_true",
                         help="write the data to benchmarks/results, and the tables and pictures to the documentation")
    command.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    command.add_argument("--extensions", type=Path, help=argparse.SUPPRESS)
    parsed = command.parse_args(args)
    unknown = set(parsed.parts) - set(PARTS)
    if unknown:
        command.error(f"unknown part: {', '.join(sorted(unknown))}; the parts are {', '.join(PARTS)}")
    return parsed
