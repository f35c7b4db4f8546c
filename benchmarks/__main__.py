# SPDX-License-Identifier: MIT
"""`dev.py bench`: measure, keep the raw data, print tables, draw pictures."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from armsim import Armsim
from az import Az, add_extension

from tools.bench import parse

from . import ROOT, fleets, pictures
from .measuring import Setting
from .report import PARTS, missed, report, write_into


def main(args: list[str] | None = None) -> int:
    """Measure, and say which bounds the parts that were measured don't meet; the exit code is 1 if there are any."""
    parsed = parse(args)
    results = ROOT / "benchmarks" / "results" if parsed.publish else ROOT / ".work" / "benchmarks"
    results.mkdir(parents=True, exist_ok=True)
    measured = measure(parsed, results)
    show(results, docs=ROOT / "docs" if parsed.publish else results)
    sentences = missed(measured)
    for sentence in sentences:
        sys.stderr.write(f"Bound not met: {sentence}\n")
    return 1 if sentences else 0


def measure(parsed: argparse.Namespace, results: Path) -> dict[str, Any]:
    """Run the parts, each with its raw data in a file; return the data of all."""
    measured: dict[str, Any] = {}
    with Armsim() as sim:
        az = Az(parsed.folder / "config", parsed.extensions, sim.env())
        for number, subscription in enumerate(fleets.SUBSCRIPTIONS):
            sim.state.add_subscription(subscription, f"sub{number}")
        az.log_in(sim.url)
        microsoft = None
        if parsed.microsoft:
            folder = parsed.folder / "microsoft"
            microsoft = Az(folder / "config", add_extension(parsed.microsoft.resolve(), folder, az.python), sim.env())
            microsoft.log_in(sim.url)
        setting = Setting(az, sim, microsoft, parsed.runs)
        for name in parsed.parts or PARTS:
            sys.stderr.write(f"Measuring {name} …\n")
            measured[name] = PARTS[name].measure(setting)
            (results / f"{name}.json").write_text(json.dumps(measured[name]) + "\n", encoding="utf-8")
    return measured


def show(results: Path, docs: Path) -> None:
    """Print the tables and draw the picture of all data that is there."""
    data: dict[str, Any] = {path.stem: json.loads(path.read_text(encoding="utf-8"))
                            for path in sorted(results.glob("*.json"))}
    text = report(data)
    sys.stdout.write(text)
    if "fleets" in data:
        pictures.draw_fleet(data["fleets"]["fleets"], docs / "fleet.svg")
    if docs != results:
        write_into(docs / "benchmarks.md", text)
    sys.stderr.write(f"Raw data in {results}, the picture in {docs}\n")


if __name__ == "__main__":
    sys.exit(main())
