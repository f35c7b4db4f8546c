# SPDX-License-Identifier: MIT

"""The bounds that the measurements have to meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from .fleet import LIMIT as FLEET_LIMIT
from .one_command import CORE_SHOW, MEMORY_LIMIT, OURS, TABLE_LIMIT
from .operations import GETS_LIMIT
from .operations import LIMIT as OPERATIONS_LIMIT
from .operations import MEMORY_LIMIT as OPERATIONS_MEMORY
from .service_time import LIMIT as SERVICE_LIMIT

Data = Mapping[str, Any]


def missed(data: Mapping[str, Data]) -> list[str]:
    """What isn't met, a sentence each, of the parts for which there is data."""
    checks = {"one_command": _one_command, "service_time": _service_time, "fleet": _fleet,
              "operations": _operations}
    return [sentence for part, check in checks.items() if part in data for sentence in check(data[part])]


def _one_command(data: Data) -> Iterator[str]:
    seconds = {name: median(run["seconds"] for run in runs) for name, runs in data["runs"].items()}
    memory = {name: median(run["memory"] for run in runs) for name, runs in data["runs"].items()}
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


def _service_time(data: Data) -> Iterator[str]:
    slowest = max(run["seconds"] for run in data["runs"]["assign"])
    if slowest >= SERVICE_LIMIT:
        yield f"assign takes {slowest:.1f} s at the service's pace; the bound is {SERVICE_LIMIT:.0f} s."


def _fleet(data: Data) -> Iterator[str]:
    for verb in ("assign", "remove"):
        ratio = data[verb]["seconds"] / data["ideal"]
        if ratio > FLEET_LIMIT:
            yield f"{verb} of a fleet takes {ratio:.3f} times the ideal; the bound is {FLEET_LIMIT:.2f}."
        granted = len(data[verb]["granted"])
        if granted != data["resources"]:
            yield f"{verb} of a fleet wrote {granted} of {data['resources']} resources."


def _operations(data: Data) -> Iterator[str]:
    """Where reads are throttled too, ARM's own bucket of reads is the bound, not the writes: no ratio is asked for."""
    for name, run in data["fleets"].items():
        ratio = run["seconds"] / run["ideal"]
        if run["resources"] < 1000 and "throttled" not in name and ratio > OPERATIONS_LIMIT:
            yield f"{name}: {ratio:.2f} times the ideal; the bound is {OPERATIONS_LIMIT:.2f}."
        if run["gets"] > GETS_LIMIT:
            yield f"{name}: {run['gets']:.2f} GETs for each resource; the bound is {GETS_LIMIT}."
        if run["memory"] > OPERATIONS_MEMORY:
            yield f"{name}: {run['memory']:.0f} MiB; the bound is {OPERATIONS_MEMORY:.0f} MiB."
        if len(run["granted"]) != run["resources"]:
            yield f"{name}: {len(run['granted'])} of {run['resources']} resources were written."
