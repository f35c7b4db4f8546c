# SPDX-License-Identifier: MIT
"""What all measurements share: one run of `az`, medians and spreads, and a word on the machine."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from armsim import Armsim
from az import Az

Data = Mapping[str, Any]
LAUNCH = Path(__file__).parent / "launch.py"


@dataclass(frozen=True)
class Setting:
    """What a part measures with: `az` with our extension, and with Microsoft's if its wheel was given."""

    az: Az
    sim: Armsim
    microsoft: Az | None
    runs: int


@dataclass(frozen=True)
class Run:
    """One run of a command. `seconds` from start to end, of which `processor` at work; `memory`: the peak, in MiB;
    `output`: bytes on standard output; `started`: by the machine's clock, as armsim's log.
    """

    seconds: float
    processor: float
    memory: float
    output: int
    started: float


def run(az: Az, words: str, stdin: str = "") -> Run:
    """Run `az` and take its measure. Raises RuntimeError with what the command said if it fails."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        took, output = Path(folder) / "took.json", Path(folder) / "output"
        started = time.time()
        with output.open("wb") as file:
            done = subprocess.run([sys.executable, str(LAUNCH), str(took), *az.command(words)], env=az.environment(),
                                  input=stdin.encode(), stdout=file, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            raise RuntimeError(f"az {words} ended with {done.returncode}:\n{done.stderr.decode()}")
        what = json.loads(took.read_text(encoding="utf-8"))
        return Run(what["seconds"], what["processor"], what["memory"], output.stat().st_size, started)


def middle_half(values: Sequence[float]) -> tuple[float, float]:
    """Between these two lies the middle half."""
    low, _, high = statistics.quantiles(values, n=4)
    return low, high


def machine() -> dict[str, Any]:
    """What was measured on, and when."""
    return {"date": time.strftime("%Y-%m-%d"), "system": platform.system(), "processor": platform.machine(),
            "processors": os.cpu_count(), "python": platform.python_version(), "azure-cli": version("azure-cli")}


def markdown(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table under its title."""
    return f"{title}\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
