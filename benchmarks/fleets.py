# SPDX-License-Identifier: MIT
"""Fleets through ARM's token bucket: where a PATCH is answered after 5 seconds, and where it is answered 202 and the
operation goes on for 13 or 90, as LoadTestService on ProviderHub was recorded to; in one subscription and over six.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from armsim import SHAPES, Throttle

from .measuring import Data, Setting, machine, markdown, run

BUCKET = 200  # writes that ARM grants a subscription at once
MEMORY_LIMIT = 120.0  # MiB
SUBSCRIPTIONS = [f"00000000-0000-0000-0000-0000000000{number:02}" for number in range(1, 7)]


@dataclass(frozen=True)
class Fleet:
    """`seconds`: of the PATCH, or of the operation that it starts (`shape`). `refill`: writes that ARM grants a second.
    `reads_throttled`: ARM's bucket of reads (250, and 25 a second) is in force too. `limit`: times the ideal time.
    """

    resources: int
    subscriptions: int = 1
    verb: str = "assign"
    shape: str = "load-test"
    seconds: float = 13.0
    refill: int = 20
    reads_throttled: bool = False
    limit: float | None = 1.25
    gets_limit: float = 5  # for each resource, polls included

    @property
    def ideal(self) -> float:
        """The seconds that no client can go below: the last write is granted when the bucket has refilled enough."""
        return max(0.0, self.resources / self.subscriptions - BUCKET) / self.refill + self.seconds


FLEETS = {
    **{f"{verb}, a PATCH takes 5 s": Fleet(1000, verb=verb, shape="communication", seconds=5.0, refill=10,
                                           reads_throttled=True, limit=1.1)
       for verb in ("assign", "remove")},
    "one subscription": Fleet(300),
    "six subscriptions": Fleet(300, 6),
    "one subscription, reads throttled": Fleet(300, reads_throttled=True, limit=None),
    "six subscriptions, reads throttled": Fleet(300, 6, reads_throttled=True, limit=None),
    "5,000 resources, six subscriptions": Fleet(5000, 6, limit=None),
    "operations of 90 seconds": Fleet(300, seconds=90.0, gets_limit=6),
}


def measure(setting: Setting) -> dict[str, Any]:
    """One run of each fleet."""
    return {"machine": machine(), "fleets": {name: _measured(setting, fleet) for name, fleet in FLEETS.items()}}


def _measured(setting: Setting, fleet: Fleet) -> dict[str, Any]:
    """How long, memory, the requests of each kind, and when each write was granted and completed, in seconds."""
    setting.sim.reset()
    for number, subscription in enumerate(SUBSCRIPTIONS):
        setting.sim.state.add_subscription(subscription, f"sub{number}")
    before = {"type": "SystemAssigned"} if fleet.verb == "remove" else None
    ids = [setting.sim.state.add_resource(f"app{number:04}", "rg", identity=before,
                                          subscription=SUBSCRIPTIONS[number % fleet.subscriptions])
           for number in range(fleet.resources)]
    reads = (250, 25) if fleet.reads_throttled else (10**6, 10**6)
    setting.sim.options.throttle = Throttle(read=reads, write=(BUCKET, fleet.refill))
    if fleet.shape == "communication":
        setting.sim.options.patch_seconds = fleet.seconds
    else:
        setting.sim.options.patch = replace(SHAPES[fleet.shape], seconds=fleet.seconds)
    took = run(setting.az, f"communication identity {fleet.verb} --system-assigned --ids @- --output none"
               + (" --yes" if before else ""), stdin="\n".join(ids))
    gets = [request.path.lower() for request in setting.sim.requests if request.method == "GET"]
    writes = [request for request in setting.sim.requests if request.method == "PATCH" and request.status < 300]
    return {**asdict(took), "gets": len(gets) / fleet.resources,
            "polls": sum("operationstatuses" in path for path in gets) / fleet.resources,
            "refused": sum(one.status == 429 for one in setting.sim.requests),
            "granted": [round(one.at - took.started, 3) for one in writes],
            "completed": sorted(round(one.answered - took.started, 3) for one in writes)}


def table(data: Data) -> str:
    """What was measured, in Markdown."""
    rows = []
    for name, one in data["fleets"].items():
        fleet = FLEETS[name]
        rows.append([name, str(fleet.resources), f"{one['seconds']:.1f} s", f"{fleet.ideal:.0f} s",
                     f"{one['seconds'] / fleet.ideal:.2f}", f"{fleet.limit:.2f}" if fleet.limit else "",
                     f"{one['gets']:.2f}", f"{one['polls']:.2f}", str(one["refused"]), f"{one['memory']:.0f} MiB"])
    title = (f"Fleets, with a bucket of {BUCKET} writes for each subscription that refills with 20 a second, or 10 "
             "where a PATCH takes 5 seconds. Elsewhere a PATCH is answered 202, and the operation takes 13 seconds. "
             "Ideal: the last write begins the moment the bucket grants it. At most 5 GETs for each resource (6 for "
             f"operations of 90 seconds) and {MEMORY_LIMIT:.0f} MiB. Where reads are throttled, ARM's bucket of 250 "
             "reads and 25 a second is in force too, and is the tighter bound in one subscription.")
    head = ["fleet", "resources", "time", "ideal", "ratio", "at most", "GETs each", "of them polls", "refused (429)",
            "memory"]
    return markdown(title, head, rows)


def missed(data: Data) -> Iterator[str]:
    """The bounds that aren't met, a sentence each."""
    for name, one in data["fleets"].items():
        fleet = FLEETS[name]
        for what, value, limit in (("times the ideal", one["seconds"] / fleet.ideal, fleet.limit),
                                   ("GETs for each resource", one["gets"], fleet.gets_limit),
                                   ("MiB", one["memory"], MEMORY_LIMIT)):
            if limit is not None and value > limit:
                yield f"{name}: {value:.2f} {what}; the bound is {limit:.2f}."
        if len(one["granted"]) != fleet.resources:
            yield f"{name}: {len(one['granted'])} of {fleet.resources} resources were written."
