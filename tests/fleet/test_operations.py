# SPDX-License-Identifier: MIT
"""Fleets whose operations take their time: waiting holds no write up, and few reads are spent. Time is simulated: it
passes only while no request is under way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from armsim import Armsim, Fault, Throttle
from armsim.patch_shapes import SHAPES, PatchShape
from azure.cli.core.azclierror import AzureResponseError
from in_process import InProcessAz

SECONDS = 13.0
SHAPE = replace(SHAPES["load-test"], seconds=SECONDS)
LATER = {"Retry-After": "15"}
POLLS = "operationStatuses"
ANY, FEW = (10**6, 10**6), (250, 25)  # reads that the service grants


def fleet(sim: Armsim, size: int, subscriptions: int) -> list[str]:
    known = [sim.state.SUBSCRIPTION, "00000000-0000-0000-0000-000000000002"]
    known += [f"00000000-0000-0000-0000-0000000001{number:02}" for number in range(subscriptions - 2)]
    for number, subscription in enumerate(known[1:subscriptions]):
        sim.state.add_subscription(subscription, f"sub{number}")
    return [sim.state.add_resource(f"app{number}", "rg", subscription=known[number % subscriptions])
            for number in range(size)]


@pytest.mark.parametrize(("size", "subscriptions"), [(150, 1), (120, 2)])
def test_a_fleet_is_as_fast_as_the_service_grants(in_process: InProcessAz, sim: Armsim, size: int, subscriptions: int
                                                  ) -> None:
    rate = size / subscriptions / 15  # writes a second: the last third of the writes takes 5 seconds
    sim.options.throttle = Throttle(read=(10**6, 10**6), write=(200 / 300 * size / subscriptions, rate))
    sim.options.patch = SHAPE
    ids = fleet(sim, size, subscriptions)
    started = in_process.clock.time
    run = in_process(["communication", "identity", "assign", "--system-assigned", "--ids", *ids])
    assert run.exit_code == 0, run.error
    assert len(run.json) == size
    waiting = size / subscriptions / 3 / rate  # seconds until the bucket has granted the last write
    assert in_process.clock.time - started <= 1.25 * (SECONDS + waiting)
    assert sum(request.method == "GET" for request in sim.requests) <= 3.5 * size


@pytest.mark.parametrize(("seconds", "reads"), [
    (13.0, FEW), (35.0, ANY), (90.0, FEW),
    *(pytest.param(*case, marks=pytest.mark.full) for case in ((13.0, ANY), (35.0, FEW), (70.0, ANY), (70.0, FEW),
                                                               (90.0, ANY)))])
def test_long_operations_take_no_more_reads(in_process: InProcessAz, sim: Armsim, seconds: float,
                                            reads: tuple[float, float]) -> None:
    sim.options.throttle = Throttle(read=reads)
    sim.options.patch = replace(SHAPE, seconds=seconds)
    ids = fleet(sim, 100, 1)
    run = in_process(["communication", "identity", "assign", "--system-assigned", "--ids", *ids])
    assert run.exit_code == 0, run.error
    gets = [request for request in sim.requests if request.method == "GET"]
    assert len(gets) <= (3.5 if seconds == SECONDS else 4.5) * len(ids)
    assert in_process.clock.time <= 1.25 * seconds + 3
    polled: dict[str, list[float]] = {}
    for request in gets:
        polled.setdefault(request.path, []).append(request.at)
    for at in polled.values():
        assert all(later - earlier >= 0.99 for earlier, later in zip(at, at[1:], strict=False))


def test_a_fleet_does_not_wait_for_one_scout_that_hangs(in_process: InProcessAz, sim: Armsim) -> None:
    ids = fleet(sim, 40, 1)
    calls = iter(range(10**6))
    real = sim.state.patch_resource

    def patch(*args: Any, **kwargs: Any) -> Any:
        sim.options.patch = replace(SHAPE, seconds=300.0 if next(calls) == 1 else SECONDS)
        return real(*args, **kwargs)

    sim.state.patch_resource = patch  # type: ignore[method-assign]  # the second operation takes longer
    run = in_process(["communication", "identity", "assign", "--system-assigned", "--ids", *ids])
    assert run.exit_code == 0, run.error
    assert len({request.path for request in sim.requests
                if POLLS in request.path and request.at <= sim.requests[0].at + 40}) == len(ids)
    assert in_process.clock.time <= 320


@pytest.mark.parametrize("fault", [
    None, Fault(path=POLLS, kind="raw", status=200, body='{"status": "Accepted"}', content_type="application/json",
                headers=LATER),
    Fault(path=POLLS, status=429, code="TooManyRequests", headers=LATER)])
def test_no_polls_are_made_up_for_after_a_long_wait(in_process: InProcessAz, sim: Armsim, fault: Fault | None) -> None:
    sim.options.patch = replace(SHAPE, seconds=40.0, retry_after=None if fault else 15)
    if fault:
        sim.add_fault(replace(fault))
    (resource,) = fleet(sim, 1, 1)
    started = in_process.clock.time
    run = in_process(["communication", "identity", "assign", "--system-assigned", "--ids", resource])
    assert run.exit_code == 0, run.error
    polls = [request.at for request in sim.requests if POLLS in request.path]
    gaps = [later - earlier for earlier, later in zip(polls, polls[1:], strict=False)]
    assert min(gaps) >= 0.99
    assert (14.9 <= max(gaps) <= 20) if fault else max(gaps) <= 2
    assert in_process.clock.time - started <= 42


@pytest.mark.parametrize("shape", [replace(SHAPE, retry_after=86400), replace(SHAPE, poll_retry_after=999999999)])
def test_a_wait_of_a_day_ends_in_an_error(in_process: InProcessAz, sim: Armsim, shape: PatchShape) -> None:
    sim.options.patch = shape
    (resource,) = fleet(sim, 1, 1)
    run = in_process(["communication", "identity", "assign", "--system-assigned", "--ids", resource])
    assert run.exit_code == 1
    assert str(run.error) == (
        "The service accepted the change to 'app0', but asks to wait another "
        f"{shape.retry_after or shape.poll_retry_after} seconds before the next poll of the operation. "
        "This command polls for at most 1800 seconds.")
    assert isinstance(run.error, AzureResponseError)
    assert run.error.recommendations == [
        f"To wait for it to finish, run:\naz communication identity wait --updated --ids {resource}",
        f"To see its current identities, run:\naz communication identity show --ids {resource}"]
    assert in_process.clock.time <= 10


def test_a_wait_within_the_limit_is_kept(in_process: InProcessAz, sim: Armsim) -> None:
    sim.options.patch = replace(SHAPE, retry_after=1700)
    run = in_process(["communication", "identity", "assign", "--system-assigned", "--ids", *fleet(sim, 1, 1)])
    assert run.exit_code == 0, run.error
    assert 1700 <= in_process.clock.time <= 1702


def test_operations_that_take_unlike_times_are_all_seen(in_process: InProcessAz, sim: Armsim) -> None:
    ids = fleet(sim, 60, 1)
    run = None
    shapes: list[Any] = [replace(SHAPE, seconds=seconds) for seconds in (2.0, 13.0, 40.0)]
    real = sim.state.patch_resource
    calls = iter(range(10**6))

    def patch(*args: Any, **kwargs: Any) -> Any:
        sim.options.patch = shapes[next(calls) % 3]
        return real(*args, **kwargs)

    sim.state.patch_resource = patch  # type: ignore[method-assign]  # each operation takes another time
    run = in_process(["communication", "identity", "assign", "--system-assigned", "--ids", *ids])
    assert run.exit_code == 0, run.error
    assert in_process.clock.time <= 60


def test_a_throttled_service_is_asked_no_more_often_than_it_grants(in_process: InProcessAz, sim: Armsim) -> None:
    sim.options.throttle = Throttle(read=(50, 10), write=(20, 4))
    ids = fleet(sim, 100, 1)
    run = in_process(["communication", "identity", "assign", "--system-assigned", "--ids", *ids])
    assert run.exit_code == 0, run.error
    refused = sum(request.status == 429 for request in sim.requests)
    assert in_process.clock.time <= 1.25 * 80 / 4
    assert 0 < refused <= len(ids)
