# SPDX-License-Identifier: MIT

"""One `assign` while armsim takes the real service's time: a PATCH 5 seconds, a PUT as in the recordings."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .measuring import Setting, machine, run

PATCH_SECONDS = 5.0
LIMIT = 7.0  # seconds
RECORDED = (79, 94)  # seconds that Microsoft's extension takes in the recordings
ASSIGN = "communication identity assign --name myApp --resource-group rg --system-assigned"


def measure(setting: Setting) -> dict[str, Any]:
    """A few runs of `assign`, and one of Microsoft's extension if it's there."""
    runs: dict[str, list[dict[str, float]]] = {"assign": [], "Microsoft's assign": []}
    lines = [("assign", setting.az)] * 3 + ([("Microsoft's assign", setting.microsoft)] if setting.microsoft else [])
    for name, az in lines:
        setting.sim.reset()
        setting.sim.state.add_resource("myApp", "rg")
        setting.sim.options.patch_seconds = PATCH_SECONDS
        runs[name].append(asdict(run(az, ASSIGN)))
    return {"machine": machine(), "patch_seconds": PATCH_SECONDS, "runs": runs}
