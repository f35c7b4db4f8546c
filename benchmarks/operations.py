# SPDX-License-Identifier: MIT

"""Fleets whose writes are answered 202 and go on for 13 seconds, as LoadTestService on ProviderHub was recorded to: in
one subscription, over six, and a large one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from armsim import SHAPES, Throttle

from .measuring import Data, Setting, machine, markdown, run

OPERATION_SECONDS = 13.0
LIMIT = 1.25  # times the ideal time
GETS_LIMIT = 5  # for each resource, polls included; one more for SLOWER operations
MEMORY_LIMIT = 120.0  # MiB, for the large fleet
BUCKET, REFILL = 200, 20
SUBSCRIPTIONS = [f"00000000-0000-0000-0000-0000000000{number:02}" for number in range(1, 7)]
# Name: resources, subscriptions, whether ARM's bucket of reads (250, and 25 a second) is in force.
FLEETS = {"one subscription": (300, 1, False), "six subscriptions": (300, 6, False),
          "one subscription, reads throttled": (300, 1, True), "six subscriptions, reads throttled": (300, 6, True),
          "5,000 resources, six subscriptions": (5000, 6, False), "operations of 90 seconds": (300, 1, False)}
SLOWER = {"operations of 90 seconds": 90.0}


def ideal(size: int, subscriptions: int, seconds: float) -> float:
    """The seconds that no client can go below: the last write is granted when the bucket has refilled often enough."""
    return max(0.0, size / subscriptions - BUCKET) / REFILL + seconds


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
        seconds = SLOWER.get(name, OPERATION_SECONDS)
        setting.sim.options.patch = replace(SHAPES["load-test"], seconds=seconds)
        took = run(setting.az, "communication identity assign --system-assigned --ids @- --output none",
                   stdin="\n".join(ids))
        reads_done = [request for request in setting.sim.requests if request.method == "GET"]
        fleets[name] = {**asdict(took), "resources": size, "subscriptions": subscriptions,
                        "ideal": ideal(size, subscriptions, seconds),
                        "gets": len(reads_done) / size,
                        "polls": sum("operationstatuses" in one.path.lower() for one in reads_done) / size,
                        "refused": sum(one.status == 429 for one in setting.sim.requests),
                        "granted": sorted(round(one.at - took.started, 3) for one in setting.sim.requests
                                          if one.method == "PATCH" and one.status < 300)}
    return {"machine": machine(), "operation_seconds": OPERATION_SECONDS, "bucket": BUCKET, "refill": REFILL,
            "fleets": fleets}


def table(data: Data) -> str:
    """What was measured, in Markdown."""
    rows = [[name, str(run["resources"]), f"{run['seconds']:.1f} s", f"{run['ideal']:.0f} s",
             f"{run['seconds'] / run['ideal']:.2f}", f"{run['gets']:.2f}", f"{run['polls']:.2f}", str(run["refused"]),
             f"{run['memory']:.0f} MiB"] for name, run in data["fleets"].items()]
    title = (f"`assign --ids` where each PATCH is answered 202 and takes {data['operation_seconds']:.0f} seconds; "
             f"a bucket of {data['bucket']} writes for each subscription, refilled with {data['refill']} a "
             f"second. Ideal: the last operation ends. At most {LIMIT:.2f} times that, with at most "
             f"{GETS_LIMIT} GETs for each resource, and {MEMORY_LIMIT:.0f} MiB. Where reads are throttled, ARM's "
             "bucket of 250 reads and 25 a second is in force too, and is the tighter bound in one subscription.")
    head = ["fleet", "resources", "time", "ideal", "ratio", "GETs each", "of them polls", "refused (429)", "memory"]
    return markdown(title, head, rows)


def missed(data: Data) -> Iterator[str]:
    """Where reads are throttled too, ARM's own bucket of reads is the bound, not the writes: no ratio is asked for."""
    for name, fleet in data["fleets"].items():
        ratio = fleet["seconds"] / fleet["ideal"]
        if fleet["resources"] < 1000 and "throttled" not in name and ratio > LIMIT:
            yield f"{name}: {ratio:.2f} times the ideal; the bound is {LIMIT:.2f}."
        gets = GETS_LIMIT + (name in SLOWER)
        if fleet["gets"] > gets:
            yield f"{name}: {fleet['gets']:.2f} GETs for each resource; the bound is {gets}."
        if fleet["memory"] > MEMORY_LIMIT:
            yield f"{name}: {fleet['memory']:.0f} MiB; the bound is {MEMORY_LIMIT:.0f} MiB."
        if len(fleet["granted"]) != fleet["resources"]:
            yield f"{name}: {len(fleet['granted'])} of {fleet['resources']} resources were written."
