# SPDX-License-Identifier: MIT

"""Fleets whose writes are answered 202 and go on for 13 seconds, as LoadTestService on ProviderHub was recorded to: in
one subscription, over six, and a large one.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from armsim import SHAPES, Throttle

from .measuring import Setting, machine, run

OPERATION_SECONDS = 13.0
LIMIT = 1.25  # times the ideal time
GETS_LIMIT = 3.5  # for each resource, polls included
MEMORY_LIMIT = 120.0  # MiB, for the large fleet
BUCKET, REFILL = 200, 20
SUBSCRIPTIONS = [f"00000000-0000-0000-0000-0000000000{number:02}" for number in range(1, 7)]
# Name: resources, subscriptions, whether ARM's bucket of reads (250, and 25 a second) is in force.
FLEETS = {"one subscription": (300, 1, False), "six subscriptions": (300, 6, False),
          "one subscription, reads throttled": (300, 1, True), "six subscriptions, reads throttled": (300, 6, True),
          "5,000 resources, six subscriptions": (5000, 6, False)}


def ideal(size: int, subscriptions: int) -> float:
    """The seconds that no client can go below: the last write is granted when the bucket has refilled often enough."""
    return max(0.0, size / subscriptions - BUCKET) / REFILL + OPERATION_SECONDS


def measure(setting: Setting) -> dict[str, Any]:
    """One run of `assign` for each fleet: seconds, memory, and the requests of each kind."""
    fleets = {}
    for name, (size, subscriptions, throttled) in FLEETS.items():
        setting.sim.reset()
        for number, subscription in enumerate(SUBSCRIPTIONS):
            setting.sim.state.add_subscription(subscription, f"sub{number}")
        ids = [setting.sim.state.add_resource(f"app{number:04}", "rg",
                                              subscription=SUBSCRIPTIONS[number % subscriptions])
               for number in range(size)]
        reads = (250, 25) if throttled else (10**6, 10**6)
        setting.sim.options.throttle = Throttle(read=reads, write=(BUCKET, REFILL))
        setting.sim.options.patch = replace(SHAPES["load-test"], seconds=OPERATION_SECONDS)
        took = run(setting.az, "communication identity assign --system-assigned --ids @- --output none",
                   stdin="\n".join(ids))
        reads_done = [request for request in setting.sim.requests if request.method == "GET"]
        fleets[name] = {**asdict(took), "resources": size, "subscriptions": subscriptions,
                        "ideal": ideal(size, subscriptions),
                        "gets": len(reads_done) / size,
                        "polls": sum("operationstatuses" in one.path.lower() for one in reads_done) / size,
                        "refused": sum(one.status == 429 for one in setting.sim.requests),
                        "granted": sorted(round(one.at - took.started, 3) for one in setting.sim.requests
                                          if one.method == "PATCH" and one.status < 300)}
    return {"machine": machine(), "operation_seconds": OPERATION_SECONDS, "bucket": BUCKET, "refill": REFILL,
            "fleets": fleets}
