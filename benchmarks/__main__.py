# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""`dev.py bench`: measure, keep the raw data, print tables, draw pictures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from armsim import Armsim
from az import Az, add_extension

from . import ROOT, fleet, listing, one_command, pictures, service_time, stages
from .measuring import Setting
from .report import report, write_into

PARTS = {part.__name__.rsplit(".", 1)[-1]: part for part in (one_command, stages, service_time, fleet, listing)}
PICTURES = {"stages": ("one-command.svg", pictures.draw_stages), "fleet": ("fleet.svg", pictures.draw_fleet)}


def main(args: Sequence[str] | None = None) -> int:
    """Measure; the exit code is 0 whatever the figures are."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--runs", type=int, default=15, help="runs of each single command (default: %(default)s)")
    parser.add_argument("--microsoft", type=Path, help="the wheel of Microsoft's `communication`, to compare with")
    parser.add_argument("--publish", action="store_true",
                        help="keep the data in benchmarks/results, and table and pictures in README.md and docs/")
    parser.add_argument("--folder", type=Path, required=True, help=argparse.SUPPRESS)  # dev.py's
    parser.add_argument("--extensions", type=Path, required=True, help=argparse.SUPPRESS)
    parsed = parser.parse_args(args)
    unknown = set(parsed.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    results = ROOT / "benchmarks" / "results" if parsed.publish else ROOT / ".work" / "benchmarks"
    results.mkdir(parents=True, exist_ok=True)
    measure(parsed, results)
    show(results, docs=ROOT / "docs" if parsed.publish else results)
    return 0


def measure(parsed: argparse.Namespace, results: Path) -> None:
    """Run the parts, each with its raw data in a file."""
    with Armsim() as sim:
        az = Az(parsed.folder / "config", parsed.extensions, sim.env())
        az.log_in(sim.url)
        microsoft = None
        if parsed.microsoft:
            folder = parsed.folder / "microsoft"
            microsoft = Az(folder / "config", add_extension(parsed.microsoft.resolve(), folder), sim.env())
            microsoft.log_in(sim.url)
        setting = Setting(az, sim, microsoft, parsed.runs)
        for name in parsed.parts or PARTS:
            sys.stderr.write(f"Measuring {name} …\n")
            data = PARTS[name].measure(setting)
            (results / f"{name}.json").write_text(json.dumps(data) + "\n", encoding="utf-8")


def show(results: Path, docs: Path) -> None:
    """Print the tables and draw the pictures of all data that is there."""
    data: dict[str, Any] = {path.stem: json.loads(path.read_text(encoding="utf-8"))
                            for path in sorted(results.glob("*.json"))}
    text = report(data)
    sys.stdout.write(text)
    for part, (name, draw) in PICTURES.items():
        if part in data:
            draw(data[part], docs / name)
    if docs != results:
        write_into(ROOT / "README.md", text)
    sys.stderr.write(f"Raw data in {results}, pictures in {docs}\n")


if __name__ == "__main__":
    sys.exit(main())
