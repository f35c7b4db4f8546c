# SPDX-License-Identifier: MIT
"""How long one command takes and how much memory, next to core's own `az identity show`: interleaved runs on one
machine, against armsim answering at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from armsim import Armsim
from az import Az

from .measuring import Data, Run, Setting, machine, markdown, middle_half, run

APP = "--name myApp --resource-group rg"
CORE_SHOW, CORE_HELP = "az identity show", "az identity show -h"


@dataclass(frozen=True)
class Measured:
    """A command, the core command it is held against, and the ratio to reach."""

    words: str
    against: str
    limit: float


CORE = {CORE_SHOW: "identity show --name mi --resource-group rg", CORE_HELP: "identity show -h"}
OURS = {
    "show": Measured(f"communication identity show {APP}", CORE_SHOW, 1.08),
    "assign": Measured(f"communication identity assign {APP} --system-assigned", CORE_SHOW, 1.15),
    "remove": Measured(f"communication identity remove {APP} --system-assigned --yes", CORE_SHOW, 1.18),
    "show -h": Measured("communication identity show -h", CORE_HELP, 0.85),
    "assign -h": Measured("communication identity assign -h", CORE_HELP, 0.85),
    "remove -h": Measured("communication identity remove -h", CORE_HELP, 0.85),
    "list -h": Measured("communication identity list -h", CORE_HELP, 0.85),
    "wait -h": Measured("communication identity wait -h", CORE_HELP, 0.85),
}
MICROSOFT = {"Microsoft's show": (f"communication identity show {APP}", CORE_SHOW),
             "Microsoft's show -h": ("communication identity show -h", CORE_HELP)}  # and what they are held against
MEMORY_LIMIT = 10  # MiB over `az identity show`
TABLE_LIMIT = 0.005  # seconds


def measure(setting: Setting) -> dict[str, Any]:
    """All runs of each command, after one round that isn't counted."""
    resource = scene(setting.sim)
    lines: list[tuple[str, Az, str]] = [(name, setting.az, words) for name, words in CORE.items()]
    lines += [(name, setting.az, one.words) for name, one in OURS.items()]
    lines += [(name, setting.microsoft, words) for name, (words, _) in MICROSOFT.items() if setting.microsoft]
    runs: dict[str, list[Run]] = {name: [] for name, _, _ in lines}
    for number in range(setting.runs + 1):
        for name, az, words in lines:
            prepare(setting.sim, resource, name)
            took = run(az, words)
            if number:
                runs[name].append(took)
    return {"machine": machine(), "runs": {name: [asdict(one) for one in all_of] for name, all_of in runs.items()},
            "command table": [command_table_seconds(setting.az) for _ in range(setting.runs)]}


def command_table_seconds(az: Az) -> float:
    """How long the CLI takes to load our command table, by its own watch (whole milliseconds)."""
    log = az("communication identity show -h --debug").ok().stderr
    return float(re.findall(r"^DEBUG: .*communication-identity +(\d+\.\d+) +\d+ +6 ", log, re.MULTILINE)[0])


def scene(sim: Armsim) -> str:
    """The identity and the resource that the commands are about; the resource's ID."""
    sim.reset()
    sim.state.add_user_identity("mi", "rg")
    return sim.state.add_resource("myApp", "rg")


def prepare(sim: Armsim, resource: str, name: str) -> None:
    """Bring the resource to where the command has something to do."""
    kind = {"assign": "None", "remove": "SystemAssigned"}.get(name)
    if kind:
        sim.state.patch_resource(resource, {"identity": {"type": kind}})


def table(data: Data) -> str:
    """What was measured, in Markdown."""
    runs = data["runs"]
    middle, memory = _medians(data, "seconds"), _medians(data, "memory")

    def row(name: str, shown: str, against: str = "", limit: str = "") -> list[str]:
        low, high = middle_half([run["seconds"] for run in runs[name]])
        ratio = f"{middle[name] / middle[against]:.2f}" if against else ""
        return [shown, f"{middle[name] * 1000:.0f} ms", f"{low * 1000:.0f} to {high * 1000:.0f} ms",
                f"`{against}`" if against else "", ratio, limit, f"{memory[name]:.1f} MiB"]

    rows = [row(name, f"`{name}`") for name in CORE]
    rows += [row(name, f"`{name}`", one.against, f"{one.limit:.2f}") for name, one in OURS.items()]
    rows += [row(name, name, against) for name, (_, against) in MICROSOFT.items() if name in runs]
    table = [seconds * 1000 for seconds in data["command table"]]
    low, high = middle_half(table)
    rows.append(["loading the command table", f"{median(table):.0f} ms", f"{low:.0f} to {high:.0f} ms", "", "",
                 f"{TABLE_LIMIT * 1000:.0f} ms", ""])
    title = (f"One command, {len(runs[CORE_SHOW])} interleaved runs of each, the simulation answering at once. Memory: "
             f"the peak, which must stay within {MEMORY_LIMIT} MiB of that of `{CORE_SHOW}`.")
    return markdown(title, ["command", "median", "middle half", "against", "ratio", "at most", "memory"], rows)


def _medians(data: Data, what: str) -> dict[str, float]:
    return {name: median(run[what] for run in runs) for name, runs in data["runs"].items()}


def missed(data: Data) -> Iterator[str]:
    """The bounds that aren't met, a sentence each."""
    seconds, memory = _medians(data, "seconds"), _medians(data, "memory")
    for name, one in OURS.items():
        ratio = seconds[name] / seconds[one.against]
        if ratio > one.limit:
            yield f"{name} takes {ratio:.2f} times as long as {one.against}; the bound is {one.limit:.2f}."
        more = memory[name] - memory[CORE_SHOW]
        if more > MEMORY_LIMIT:
            yield f"{name} needs {more:.1f} MiB more than {CORE_SHOW}; the bound is {MEMORY_LIMIT} MiB."
    table = median(data["command table"])
    if table > TABLE_LIMIT:
        yield f"Loading the command table takes {table * 1000:.0f} ms; the bound is {TABLE_LIMIT * 1000:.0f} ms."
