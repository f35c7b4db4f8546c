# SPDX-License-Identifier: MIT
"""`list` over 10,000 resources: how long, how much of it until the last page came, and how much memory."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .measuring import Data, Setting, machine, markdown, run

SIZES = (1000, 10_000)
COMMANDS = ("list", "list --resource-group rg", "list --all-subscriptions")


def measure(setting: Setting) -> dict[str, Any]:
    """One run of each command for each size. `pages`: the seconds from the first request to the last page's."""
    result: dict[str, Any] = {"machine": machine(), "runs": {}}
    for size in SIZES:
        setting.sim.reset()
        shared = setting.sim.state.add_user_identity("mi", "rg")
        block = {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {shared: {}}}
        for number in range(size):
            setting.sim.state.add_resource(f"app{number:05}", "rg", identity=block)
        for command in COMMANDS:
            setting.sim.clear_log()
            took = run(setting.az, f"communication identity {command}")
            requests = setting.sim.requests
            result["runs"].setdefault(command, {})[str(size)] = {
                **asdict(took), "requests": len(requests), "first": requests[0].at - took.started,
                "pages": requests[-1].at - requests[0].at}
    return result


def table(data: Data) -> str:
    """What was measured, in Markdown."""
    rows = [[f"`{command}`", size, f"{run['seconds']:.1f} s", f"{run['first'] + run['pages']:.1f} s",
             str(run["requests"]), f"{run['processor']:.1f} s", f"{run['memory']:.0f} MiB",
             f"{run['output'] / 1e6:.1f} MB"]
            for command, sizes in data["runs"].items() for size, run in sizes.items()]
    title = "A long list, each resource with both kinds of identity, printed as JSON."
    return markdown(title, ["command", "resources", "time", "asked for the last page after", "requests",
                                    "processor", "memory", "output"], rows)


def missed(_: Data) -> list[str]:
    """No bounds."""
    return []
