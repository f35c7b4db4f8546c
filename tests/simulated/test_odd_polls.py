# SPDX-License-Identifier: MIT
"""One odd answer never ends an operation: what a poll says in between, the end is the operation's own."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_arm import FAILURES, Reply, ScriptedAz, error
from scripted_scenes import ID, PRINCIPAL, resource

ODD = {**FAILURES, "429": Reply(429, error("TooManyRequests"), {"Retry-After": "2"}),
       "404": Reply(404, error("NotFound")), "404 of a proxy": Reply(404, "<html>404</html>"),
       "400": Reply(400, error("BadRequest")), "302": Reply(302, headers={"Location": "https://login.example/"}),
       "empty": Reply(200), "null": Reply(200, "null"), "list": Reply(200, []), "no status": Reply(200, {}),
       "502 html": Reply(502, "<html>Bad gateway</html>")}
RUNNING = Reply(200, {"status": "InProgress"})
FAILED = Reply(200, {"status": "Failed", "error": {"code": "ItFailed", "message": "The reason."}})
ADDRESSES = {"Azure-AsyncOperation": (RUNNING, FAILED), "Location": (Reply(202), Reply(400, error("ItFailed")))}


@pytest.mark.parametrize("header", ADDRESSES)
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("times", [4])
def test_an_operation_that_fails_after_odd_polls_is_an_error(scripted: ScriptedAz, header: str, odd: str, times: int
                                                             ) -> None:
    arm = scripted.arm
    running, failed = ADDRESSES[header]
    # The resource shows the block right away: only the operation tells that it isn't to stay.
    arm.on("GET", ID + "myApp", resource("myApp"), resource("myApp", PRINCIPAL))
    arm.on("PATCH", ID + "myApp", Reply(202, headers={header: f"{arm.url}/operations/1"}))
    arm.on("GET", "/operations/1", *[ODD[odd]] * times, running, failed)
    run = scripted.run("assign", "-n", "myApp", "-g", "rg", "--system-assigned")
    assert run.exit_code == 1
    assert "ItFailed" in run.stderr
    assert "accepted the change to 'myApp'" in run.stderr


def test_a_location_that_moves_is_followed(scripted: ScriptedAz) -> None:
    arm = scripted.arm
    arm.on("GET", ID + "myApp", resource("myApp"), resource("myApp", PRINCIPAL))
    arm.on("PATCH", ID + "myApp", Reply(202, headers={"Location": f"{arm.url}/operations/1"}))
    arm.on("GET", "/operations/1", Reply(202, headers={"Location": f"{arm.url}/operations/2"}))
    arm.on("GET", "/operations/2", Reply(202, headers={"Location": f"{arm.url}/operations/2"}), Reply(204))
    run = scripted.run("assign", "-n", "myApp", "-g", "rg", "--system-assigned")
    assert run.exit_code == 0
    assert arm.sent("GET").count("GET /operations/1") == 1
    assert arm.sent("GET").count("GET /operations/2") == 2


def times_of(az: ScriptedAz, *answers: Reply) -> list[float]:
    """Answer reads of the resource so, the last one again and again; the times at which they come."""
    times: list[float] = []
    left = list(answers)

    def answer(_: Any) -> Reply:
        times.append(az.clock.time)
        return left.pop(0) if len(left) > 1 else left[0]

    az.arm.on("GET", ID + "myApp", answer)
    return times


@pytest.mark.parametrize("status", [200, 202])
def test_retry_after_is_kept_without_an_address(scripted: ScriptedAz, status: int) -> None:
    asked = times_of(scripted, resource("myApp"), resource("myApp", PRINCIPAL))
    body = resource("myApp", PRINCIPAL).body if status == 200 else None
    scripted.arm.on("PATCH", ID + "myApp", Reply(status, body, {"Retry-After": "40"}))
    assert scripted.run("assign", "-n", "myApp", "-g", "rg", "--system-assigned").exit_code == 0
    assert asked[1] - asked[0] >= 40.0


def test_retry_after_of_a_busy_resource_is_kept(scripted: ScriptedAz) -> None:
    busy: dict[str, Any] = {**resource("myApp").body, "properties": {"provisioningState": "Updating"}}
    asked = times_of(scripted, Reply(200, busy, {"Retry-After": "25"}), resource("myApp", PRINCIPAL))
    run = scripted.run("assign", "-n", "myApp", "-g", "rg", "--system-assigned", "--dry-run")
    assert run.json["changes"] is False
    assert asked[1] - asked[0] >= 25.0
