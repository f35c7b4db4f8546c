# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The options of `dev.py bench`. Standard library only: dev.py shows its help before anything is installed."""

from __future__ import annotations

import argparse
from pathlib import Path

# Modules of this package, in this order.
PARTS = ("one_command", "stages", "service_time", "fleet", "operations", "listing")


def parser() -> argparse.ArgumentParser:
    """The parser; the two options that it doesn't show are dev.py's own."""
    command = argparse.ArgumentParser(
        prog="dev.py bench", allow_abbrev=False,
        description="Measure commands, a fleet and long lists against the simulation. The exit code is 1 if a bound "
                    "isn't met.")
    command.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)} (default: all)")
    command.add_argument("--runs", type=int, default=15, help="runs of each single command (default: %(default)s)")
    command.add_argument("--microsoft", type=Path, help="the wheel of Microsoft's `communication`, to compare with")
    command.add_argument("--publish", action="store_true",
                         help="write the data to benchmarks/results, and the tables and pictures to the documentation")
    command.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    command.add_argument("--extensions", type=Path, help=argparse.SUPPRESS)
    return command


def parse(args: list[str] | None) -> argparse.Namespace:
    """Parse, and refuse parts that don't exist."""
    command = parser()
    parsed = command.parse_args(args)
    unknown = set(parsed.parts) - set(PARTS)
    if unknown:
        command.error(f"unknown part: {', '.join(sorted(unknown))}; the parts are {', '.join(PARTS)}")
    return parsed
