# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""How long one command takes, next to core's own `az identity show`: medians of interleaved runs on one machine,
against armsim answering at once. Run by `dev.py bench`; writes JSON, prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from armsim import Armsim  # noqa: E402  # found through the line above
from az import Az  # noqa: E402  # as above

APP = "-n myApp -g rg"


@dataclass(frozen=True)
class Measured:
    """A command, the core command it is held against, and the ratio to reach (issue 6)."""

    name: str
    words: str
    against: str
    limit: float


COMMANDS = (
    Measured("show", f"communication identity show {APP}", "identity show", 1.10),
    Measured("assign", f"communication identity assign {APP} --system-assigned", "identity show", 1.20),
    Measured("remove", f"communication identity remove {APP} --system-assigned --yes", "identity show", 1.20),
    Measured("show -h", "communication identity show -h", "identity show -h", 0.90),
    Measured("assign -h", "communication identity assign -h", "identity show -h", 0.90),
)
CORE = {"identity show": "identity show -n mi -g rg", "identity show -h": "identity show -h"}


def main(args: Sequence[str] | None = None) -> int:
    """Measure; the exit code is 0 whatever the figures are."""
    parser = argparse.ArgumentParser(prog="dev.py bench")
    parser.add_argument("--runs", type=int, default=15, help="runs of each command (default: %(default)s)")
    parser.add_argument("--config", required=True, help="a folder for the CLI's configuration")
    parser.add_argument("--extensions", required=True, help="the folder that the extension is installed in")
    parser.add_argument("--json", required=True, help="where to write the raw data")
    parsed = parser.parse_args(args)
    with Armsim() as sim:
        az = Az(Path(parsed.config), Path(parsed.extensions), sim.env())
        az.log_in(sim.url)
        sim.state.add_user_identity("mi", "rg")
        resource = sim.state.add_resource("myApp", "rg")
        seconds = measure(az, sim, resource, parsed.runs)
    Path(parsed.json).write_text(json.dumps({"machine": machine(), "seconds": seconds}, indent=1), encoding="utf-8")
    sys.stdout.write(table(seconds) + f"\n\n{machine()}, {parsed.runs} interleaved runs\n")
    return 0


def measure(az: Az, sim: Armsim, resource: str, runs: int) -> dict[str, list[float]]:
    """Seconds of each run of each command, interleaved, after one round that isn't counted."""
    lines = {**CORE, **{one.name: one.words for one in COMMANDS}}
    seconds: dict[str, list[float]] = {name: [] for name in lines}
    for number in range(runs + 1):
        for name, words in lines.items():
            prepare(sim, resource, name)
            started = time.perf_counter()
            subprocess.run(az.command(words), env=az.environment(), check=True, capture_output=True,
                           stdin=subprocess.DEVNULL)
            if number:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def prepare(sim: Armsim, resource: str, name: str) -> None:
    """Bring the resource to where the command has something to do."""
    kind = {"assign": "None", "remove": "SystemAssigned"}.get(name)
    if kind:
        sim.state.patch_resource(resource, {"identity": {"type": kind}})


def table(seconds: dict[str, list[float]]) -> str:
    """Medians, spreads (the middle half of the runs) and ratios."""
    rows = ["| command | median | middle half | against | ratio | to reach |", "|---|---|---|---|---|---|"]
    for name in CORE:
        rows.append(f"| `az {name}` | {_ms(seconds[name])} | {_spread(seconds[name])} | | | |")
    for one in COMMANDS:
        ratio = statistics.median(seconds[one.name]) / statistics.median(seconds[one.against])
        rows.append(f"| `{one.name}` | {_ms(seconds[one.name])} | {_spread(seconds[one.name])} | `az {one.against}` "
                    f"| {ratio:.2f} | {one.limit:.2f} |")
    return "\n".join(rows)


def machine() -> str:
    """What was measured on, and when."""
    return (f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {platform.system()}, Python "
            f"{platform.python_version()}")


def _ms(values: list[float]) -> str:
    return f"{statistics.median(values) * 1000:.0f} ms"


def _spread(values: list[float]) -> str:
    low, _, high = statistics.quantiles(values, n=4)
    return f"{low * 1000:.0f} to {high * 1000:.0f} ms"


if __name__ == "__main__":
    sys.exit(main())
