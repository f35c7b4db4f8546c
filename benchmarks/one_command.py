# SPDX-License-Identifier: MIT

"""How long one command takes and how much memory, next to core's own `az identity show`: interleaved runs on one
machine, against armsim answering at once.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from armsim import Armsim
from az import Az

from .measuring import Run, Setting, machine, run

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
    return float(re.findall(r"^DEBUG: .*communication-identity +(\d+\.\d+) +\d+ +5 ", log, re.MULTILINE)[0])


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
