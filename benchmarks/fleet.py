# SPDX-License-Identifier: MIT

"""1,000 resources through ARM's token bucket, with a service that takes 5 seconds for a PATCH."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from armsim import Throttle

from .measuring import Data, Setting, machine, markdown, run

PATCH_SECONDS = 5.0
SIZE = 1000
LIMIT = 1.10  # times the ideal time


def ideal(bucket: float, refill: float) -> float:
    """The seconds that no client can go below: the last write is granted when the bucket has refilled often enough."""
    return (SIZE - bucket) / refill + PATCH_SECONDS


def measure(setting: Setting) -> dict[str, Any]:
    """One run of `assign` and one of `remove`: how long, and when each write was granted, completed or
    refused, in seconds.
    """
    throttle = Throttle()
    bucket, refill = throttle.write
    result: dict[str, Any] = {"machine": machine(), "resources": SIZE, "bucket": bucket, "refill": refill,
                              "patch_seconds": PATCH_SECONDS, "ideal": ideal(bucket, refill)}
    for verb, before in (("assign", None), ("remove", {"type": "SystemAssigned"})):
        setting.sim.reset()
        ids = [setting.sim.state.add_resource(f"app{number:04}", "rg", identity=before) for number in range(SIZE)]
        setting.sim.options.throttle = Throttle()
        setting.sim.options.patch_seconds = PATCH_SECONDS
        took = run(setting.az, f"communication identity {verb} --system-assigned --ids @- --output none"
                   + (" --yes" if verb == "remove" else ""), stdin="\n".join(ids))
        writes = [request for request in setting.sim.requests if request.method == "PATCH"]
        result[verb] = {**asdict(took),
                        "completed": sorted(round(one.answered - took.started, 3) for one in writes
                                            if one.status == 200),
                        "granted": [round(one.at - took.started, 3) for one in writes if one.status == 200],
                        "refused": [round(one.at - took.started, 3) for one in writes if one.status == 429]}
    return result


def table(data: Data) -> str:
    """What was measured, in Markdown."""
    rows = [[f"`{verb} --ids`", f"{data[verb]['seconds']:.1f} s", f"{data['ideal']:.0f} s",
             f"{data[verb]['seconds'] / data['ideal']:.3f}", f"{LIMIT:.2f}", str(len(data[verb]["granted"])),
             str(len(data[verb]["refused"])), f"{data[verb]['memory']:.0f} MiB"] for verb in ("assign", "remove")]
    title = (f"{data['resources']} resources, {data['patch_seconds']:.0f} seconds for a PATCH, a bucket of "
             f"{data['bucket']} writes that refills with {data['refill']} a second. Ideal: the last write begins the "
             "moment the bucket grants it.")
    head = ["command", "time", "ideal", "ratio", "at most", "writes", "refused (429)", "memory"]
    return markdown(title, head, rows)


def missed(data: Data) -> Iterator[str]:
    """The bounds that aren't met, a sentence each."""
    for verb in ("assign", "remove"):
        ratio = data[verb]["seconds"] / data["ideal"]
        if ratio > LIMIT:
            yield f"{verb} of a fleet takes {ratio:.3f} times the ideal; the bound is {LIMIT:.2f}."
        granted = len(data[verb]["granted"])
        if granted != data["resources"]:
            yield f"{verb} of a fleet wrote {granted} of {data['resources']} resources."
