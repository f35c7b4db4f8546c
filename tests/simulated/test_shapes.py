# SPDX-License-Identifier: MIT
"""Every way a service can answer PATCH, over the commands that write and wait: what they print and how they end. Most
commands see a sample: test_golden_runs.py has all of them, and so has `-m full`.
"""

from __future__ import annotations

from typing import Any

import pytest
from armsim import Armsim
from armsim.patch_shapes import ALLOWED, FAILURES, SHAPES
from in_process import InProcessAz

GOOD = {**SHAPES, **ALLOWED}
APP = ["-n", "myApp", "-g", "rg"]
ASSIGN = ["communication", "identity", "assign", "--system-assigned", *APP]
REMOVE = ["communication", "identity", "remove", "--system-assigned", "--yes", *APP]


# Ways that differ in more than a header.
SAMPLE = ("communication", "load-test", "202 and no address", "202 and a Location of the resource", "204 at once",
          "the operation ends before the resource", "failed", "ignored")


def shaped(table: dict[str, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("shape", table.values(), ids=list(table))


def sampled(table: dict[str, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("shape", [
        pytest.param(shape, id=name, marks=[pytest.mark.full] * (name not in SAMPLE)) for name, shape in table.items()])


def gets(sim: Armsim) -> int:
    return sum(request.method == "GET" for request in sim.requests)


@shaped(GOOD)
def test_assign(in_process: InProcessAz, sim: Armsim, shape: Any) -> None:
    one = sim.state.add_user_identity("one", "rg")
    sim.options.patch = shape
    resource = sim.state.add_resource("myApp", "rg")
    run = in_process([*ASSIGN, "--user-assigned", "one"])
    assert run.exit_code == 0, run.error
    block = sim.state.identity_of(resource)
    assert run.json == {**block, "type": "SystemAssigned,UserAssigned"}
    assert run.json["userAssignedIdentities"][one]["clientId"]
    assert [request.method for request in sim.requests].count("PATCH") == 1


@sampled(GOOD)
def test_remove(in_process: InProcessAz, sim: Armsim, shape: Any) -> None:
    one = sim.state.add_user_identity("one", "rg")
    resource = sim.state.add_resource("myApp", "rg", identity={
        "type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {one: {}}})
    sim.options.patch = shape
    run = in_process(REMOVE)
    assert run.exit_code == 0, run.error
    assert run.json == sim.state.identity_of(resource)
    assert run.json["type"] == "UserAssigned"


@sampled(GOOD)
def test_no_wait_and_then_wait(in_process: InProcessAz, sim: Armsim, shape: Any) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    sim.options.patch = shape
    run = in_process([*ASSIGN, "--no-wait"])
    assert run.exit_code == 0, run.error
    assert run.json["type"] == "SystemAssigned"
    assert [request.method for request in sim.requests] == ["GET", "PATCH"]
    run = in_process(["communication", "identity", "wait", "--custom", "identity.principalId", "--interval", "5", *APP])
    assert run.exit_code == 0, run.error
    run = in_process(["communication", "identity", "wait", "--updated", *APP])
    assert run.exit_code == 0, run.error
    assert sim.state.identity_of(resource)["type"] == "SystemAssigned"


@sampled(GOOD)
def test_with_a_role(in_process: InProcessAz, sim: Armsim, shape: Any) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    sim.options.patch = shape
    run = in_process([*ASSIGN, "--role", "Reader", "--scope", resource])
    assert run.exit_code == 0, run.error
    assert run.json["roleAssignments"][0]["principalId"] == sim.state.identity_of(resource)["principalId"]


@sampled(GOOD)
def test_fleet(in_process: InProcessAz, sim: Armsim, shape: Any) -> None:
    ids = [sim.state.add_resource(f"app{number}", "rg") for number in range(5)]
    sim.options.patch = shape
    run = in_process(["communication", "identity", "assign", "--system-assigned", "--ids", *ids])
    assert run.exit_code == 0, run.error
    assert [(item["id"], item["principalId"]) for item in run.json] == [
        (one, sim.state.identity_of(one)["principalId"]) for one in ids]


@shaped(FAILURES)
def test_failure(in_process: InProcessAz, sim: Armsim, shape: Any) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    before = sim.state.identity_of(resource)
    sim.options.patch = shape
    started = in_process.clock.time
    run = in_process(ASSIGN)
    assert run.exit_code == 1
    assert "accepted the change to 'myApp', but" in str(run.error)
    assert "None" not in str(run.error)
    if shape.headers and shape.ends in ("Failed", "Canceled"):
        assert f"({shape.code}) {shape.message}" in str(run.error)
    assert in_process.clock.time - started <= shape.seconds + 60
    assert sim.state.identity_of(resource) == before


@sampled(FAILURES)
def test_failure_in_a_fleet(in_process: InProcessAz, sim: Armsim, shape: Any, caplog: pytest.LogCaptureFixture) -> None:
    ids = [sim.state.add_resource(f"app{number}", "rg") for number in range(3)]
    done = sim.state.add_resource("done", "rg", identity={"type": "SystemAssigned"})
    sim.options.patch = shape
    run = in_process(["communication", "identity", "assign", "--system-assigned", "--ids", *ids, done])
    assert run.exit_code == 1
    assert [item["id"] for item in run.json] == [done]
    for number in range(3):
        assert any(f"app{number}" in one and "accepted the change to" in one for one in caplog.messages)


@pytest.mark.parametrize("seconds", [1, 2, 3, 5, 8, 9.5, 11, 11.55, 12, 12.6, 13])
def test_the_end_of_an_operation_is_seen_soon(in_process: InProcessAz, sim: Armsim, seconds: float) -> None:
    from dataclasses import replace
    sim.state.add_resource("myApp", "rg")
    sim.options.patch = replace(SHAPES["load-test"], seconds=seconds)
    run = in_process(ASSIGN)
    assert run.exit_code == 0, run.error
    polls = [request for request in sim.requests if "operationstatuses" in request.path.lower()]
    patch = next(request for request in sim.requests if request.method == "PATCH")
    assert polls[-1].at - patch.at - seconds <= 1.5 + 0.3  # what the requests themselves take
    assert polls[0].at - patch.at <= 1.0
    assert len(polls) <= 8


def test_a_second_command_waits_for_the_first_ones_operation(in_process: InProcessAz, sim: Armsim) -> None:
    one = sim.state.add_user_identity("one", "rg")
    resource = sim.state.add_resource("myApp", "rg")
    sim.options.patch = SHAPES["load-test"]
    assert in_process([*ASSIGN, "--no-wait"]).exit_code == 0
    run = in_process(["communication", "identity", "assign", "--user-assigned", "one", *APP])
    assert run.exit_code == 0, run.error
    has = sim.state.identity_of(resource)
    assert has["principalId"]
    assert list(has["userAssignedIdentities"]) == [one]


def test_retry_after_is_kept(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.options.patch = ALLOWED["Retry-After"]
    assert in_process(ASSIGN).exit_code == 0
    times = [request.at for request in sim.requests if request.method == "PATCH" or "operation" in request.path.lower()]
    assert all(later - earlier >= 5 for earlier, later in zip(times, times[1:], strict=False))
