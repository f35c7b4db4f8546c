# SPDX-License-Identifier: MIT
"""Many resources through ARM's token bucket: all done, none failed, nobody came back too soon. And no secret
is in sight.
"""

from __future__ import annotations

import re

import pytest
from armsim import Armsim, Throttle
from az import Az
from in_process import InProcessAz


@pytest.mark.slow
@pytest.mark.timing
def test_a_fleet_through_the_throttle(az: Az, sim: Armsim) -> None:
    """ARM's real bucket is 200 writes and 10 a second; this one is smaller and faster, to save time."""
    sim.options.throttle = Throttle(read=(250, 250), write=(100, 40))
    ids = [sim.state.add_resource(f"app{number}", "rg") for number in range(300)]
    done = az("communication identity assign --system-assigned --ids @-", stdin="\n".join(ids), timeout=300).ok()
    assert [item["id"] for item in done.json] == ids
    assert {item["type"] for item in done.json} == {"SystemAssigned"}
    assert done.stderr == ""
    _nobody_came_back_too_soon(sim)


def _nobody_came_back_too_soon(sim: Armsim) -> None:
    """After a 429, the same request comes again no sooner than its Retry-After of a second."""
    refused: dict[tuple[str, str], float] = {}
    throttled = 0
    for request in sim.requests:
        key = (request.method, request.path)
        if key in refused:
            assert request.at - refused.pop(key) >= 1.0
        if request.status == 429:
            refused[key] = request.at
            throttled += 1
    assert throttled  # else this tested nothing
    assert not refused


def test_waiting_for_many_resources_shares_the_throttle(in_process: InProcessAz, sim: Armsim) -> None:
    """The bucket of reads grants 250, then 25 a second: a few are refused, not each of the others every second."""
    sim.options.throttle = Throttle(read=(250, 25), write=(200, 10))
    ids = [sim.state.add_resource(f"app{number}", "rg", identity={"type": "SystemAssigned"}) for number in range(600)]
    run = in_process(["communication", "identity", "wait", "--custom", "identity.principalId", "--ids", *ids])
    assert run.exit_code == 0, run.error
    assert len(sim.requests) <= 1.5 * len(ids)


def test_each_thread_keeps_its_connection(az: Az, sim: Armsim) -> None:
    ids = [sim.state.add_resource(f"app{number}", "rg") for number in range(200)]
    sim.clear_log()
    az("communication identity assign --system-assigned --ids @-", stdin="\n".join(ids)).ok()
    assert len(sim.requests) == 400
    assert sim.connections <= 64 + 1  # a thread's own, and what the login may ask for


def test_a_fleet_and_a_fault_in_process(in_process: InProcessAz, sim: Armsim) -> None:
    ids = [sim.state.add_resource(f"app{number}", "rg") for number in range(50)]
    sim.state.lock_scope(ids[7])
    run = in_process(["communication", "identity", "assign", "--system-assigned", "--ids", *ids])
    assert run.exit_code == 1
    assert "1 of 50 resources failed; 49 succeeded." in str(run.error)
    assert [item["id"] for item in run.json] == [one for one in ids if one != ids[7]]


def test_a_terminal_shows_how_far_it_is(az: Az, sim: Armsim) -> None:
    ids = [sim.state.add_resource(f"app{number}", "rg") for number in range(30)]
    sim.state.lock_scope(ids[7])
    sim.options.throttle = Throttle(write=(20, 10))
    run = az.in_terminal(["communication", "identity", "assign", "--system-assigned", "--ids", *ids])
    assert run.exit_code == 1
    assert re.search(r"\d+ of 30 resources, 1 failed", run.stdout)
    assert re.search(r"[1-9]\d* waiting for the rate limit", run.stdout)
    assert "1 of 30 resources failed; 29 succeeded." in run.stdout


def test_no_secret_in_any_output(az: Az, sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    done = az("communication identity assign --system-assigned --role Reader -n myApp -g rg --debug --scope "
              + resource).ok()
    tokens = {request.header("Authorization") for request in sim.requests}
    assert tokens
    for token in tokens:
        assert token
        assert token.removeprefix("Bearer ") not in done.stdout + done.stderr
    assert not re.search(r"eyJ[\w-]{20,}\.", done.stdout + done.stderr)


def test_the_user_agent_says_no_more_than_cores(az: Az, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    az("communication identity show -n myApp -g rg").ok()
    ours = sim.requests[-1]
    az("identity list -g rg").ok()
    cores = sim.requests[-1]
    assert set(ours.headers) == set(cores.headers)
    assert re.sub(r"azsdk-python-\S+", "SDK", ours.header("User-Agent") or "").split()[0] == (
        cores.header("User-Agent") or "").split()[0]

