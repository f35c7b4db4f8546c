# SPDX-License-Identifier: MIT
"""Answers that aren't what was asked for: nobody else's access is touched, and no operation is awaited in vain."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import pytest
from armsim import Armsim, Fault
from armsim.http_types import Answer
from armsim.patch_shapes import FAILURES, SHAPES
from in_process import InProcessAz

APP = ["-n", "myApp", "-g", "rg"]
ASSIGN = ["communication", "identity", "assign", "--system-assigned", *APP]
REMOVE = ["communication", "identity", "remove", "--system-assigned", "--yes", *APP]
STRANGER = "00000000-0000-0000-0000-0000000000ff"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


def json_fault(body: Any, **where: Any) -> Fault:
    """An answer in JSON to what `where` says."""
    return Fault(kind="raw", status=200, body=json.dumps(body), content_type="application/json", **where)


def stranger_assignment(scope: str) -> dict[str, Any]:
    """A role assignment of somebody else."""
    name = "00000000-0000-0000-0000-0000000000ee"
    return {"id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}", "name": name,
            "properties": {"scope": scope, "principalId": STRANGER, "roleDefinitionId":
                           f"/providers/Microsoft.Authorization/roleDefinitions/{READER}"}}


def test_a_role_is_found_by_its_name_even_where_the_filter_is_ignored(in_process: InProcessAz, sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    roles = [{"id": f"/providers/Microsoft.Authorization/roleDefinitions/{guid}", "properties": {"roleName": name}}
             for guid, name in (("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner"), (READER, "Reader"))]
    sim.add_fault(json_fault({"value": roles}, method="GET", path="roleDefinitions"))
    run = in_process([*ASSIGN, "--role", "reader", "--scope", resource])
    assert run.exit_code == 0, run.error
    assert run.json["roleAssignments"][0]["roleDefinitionId"].endswith(READER)


def test_assignments_of_others_are_never_deleted(in_process: InProcessAz, sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg", identity={"type": "SystemAssigned"})
    one = stranger_assignment(resource)
    sim.add_fault(json_fault({"value": [one]}, method="GET", path="roleAssignments"))
    sim.add_fault(json_fault({"data": [{"id": one["id"], **one["properties"]}]}, method="POST"))
    run = in_process([*REMOVE, "--delete-role-assignments"])
    assert run.exit_code == 0, run.error
    assert not [request for request in sim.requests if request.method == "DELETE"]


def test_assignments_of_others_are_not_shown(in_process: InProcessAz, sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg", identity={"type": "SystemAssigned"})
    sim.add_fault(json_fault({"value": [stranger_assignment(resource)]}, method="GET", path="roleAssignments"))
    assert in_process(["communication", "identity", "show", "--roles", *APP]).json["roleAssignments"] == []


def test_an_assignment_of_somebody_else_is_no_reason_not_to_grant(in_process: InProcessAz, sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    sim.add_fault(json_fault({"value": [stranger_assignment(resource)]}, method="GET", path="roleAssignments"))
    run = in_process([*ASSIGN, "--role", "Reader", "--scope", resource])
    assert run.json["roleAssignments"][0]["principalId"] == run.json["principalId"]
    assert sum(request.method == "PUT" for request in sim.requests) == 1


def test_access_stays_where_the_removal_is_only_begun_and_fails(in_process: InProcessAz, sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg", identity={"type": "SystemAssigned"})
    assert in_process([*ASSIGN, "--role", "Reader", "--scope", resource]).exit_code == 0
    sim.options.patch = FAILURES["failed"]
    sim.clear_log()
    run = in_process([*REMOVE, "--delete-role-assignments", "--no-wait"])
    assert run.exit_code == 1
    assert not [request for request in sim.requests if request.method == "DELETE"]


def test_an_answer_for_many_is_asked_for_again_after_a_failure(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.state.add_user_identity("one", "rg")
    sim.add_fault(Fault(method="GET", path="userAssignedIdentities", status=503))
    run = in_process(["communication", "identity", "assign", "--user-assigned", "one", "--dry-run", *APP])
    assert run.exit_code == 0, run.error


@pytest.mark.parametrize("address", ["ops/x", "https://elsewhere.example/ops", "https://localhost:99999/ops",
                                     "https://[bad/ops", "//elsewhere.example/ops"])
@pytest.mark.parametrize("header", ["Azure-AsyncOperation", "Location"])
def test_an_operation_address_of_no_use(in_process: InProcessAz, sim: Armsim, address: str, header: str) -> None:
    sim.state.add_resource("myApp", "rg")
    started = in_process.clock.time
    real = sim.wire.answer

    def answer(request: Any) -> Answer:
        found = real(request)
        return Answer(202, b"null", {header: address}) if request.method == "PATCH" else found

    sim.wire.answer = answer  # type: ignore[method-assign]  # armsim itself only gives good addresses
    run = in_process(ASSIGN)
    assert run.exit_code == 0, run.error
    assert in_process.clock.time - started <= 5


def test_an_operation_address_that_always_fails(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.options.patch = SHAPES["load-test"]
    sim.add_fault(Fault(path="operationStatuses", status=502, times=10**6))
    started = in_process.clock.time
    run = in_process(ASSIGN)
    assert run.exit_code == 0, run.error
    assert in_process.clock.time - started <= 12 + 60


@pytest.mark.parametrize("following", ["page2", "https://localhost:99999/x", "https://[bad/x", "https://elsewhere.example/"])
def test_a_next_link_of_no_use(in_process: InProcessAz, sim: Armsim, following: str) -> None:
    sim.add_fault(json_fault({"value": [], "nextLink": following}, method="GET", path="communicationServices"))
    run = in_process(["communication", "identity", "list"])
    assert run.exit_code == 1
    assert "address" in str(run.error)
    assert "None" not in str(run.error)


def test_a_throttle_that_is_too_long_to_wait_for(in_process: InProcessAz, sim: Armsim) -> None:
    sim.add_fault(Fault(method="GET", path="communicationServices", status=429, code="TooManyRequests",
                        headers={"Retry-After": "3600"}))
    run = in_process(["communication", "identity", "show", *APP])
    assert "it asks for a wait of 3600 seconds" in str(run.error)
    assert "0 seconds of waiting" not in str(run.error)


def test_a_principal_id_without_a_type_is_not_dropped(in_process: InProcessAz, sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg", identity={"type": "SystemAssigned"})
    document, _ = sim.state.get_resource(resource)
    document["identity"] = {"principalId": STRANGER, "tenantId": STRANGER}
    sim.add_fault(json_fault(document, method="GET", path="communicationServices"))
    run = in_process(["communication", "identity", "assign", "--user-assigned", "one", *APP])
    assert run.exit_code == 1
    assert [request.method for request in sim.requests] == ["GET"]


def test_wait_waits_as_long_as_it_says(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    started = in_process.clock.time
    run = in_process(["communication", "identity", "wait", "--deleted", "--timeout", "10", *APP])
    assert "within 10 seconds" in str(run.error)
    assert in_process.clock.time - started >= 10


@pytest.mark.parametrize("body", ['{"id": "\udcff"}', "[" * 200_000], ids=["no UTF-8", "nested without end"])
def test_an_answer_that_nobody_can_read(in_process: InProcessAz, sim: Armsim, body: str,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    content = body.encode(errors="surrogateescape")
    monkeypatch.setattr(sim.wire, "answer", lambda _: Answer(
        200, content, {"Content-Type": "application/json; charset=utf-8"}))
    run = in_process(["communication", "identity", "show", *APP])
    assert "No usable response from the service" in str(run.error)


def test_a_date_to_wait_for_without_the_date_of_the_answer(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method="GET", path="communicationServices", status=429, code="TooManyRequests",
                        headers={"Retry-After": formatdate(time.time() + 60, usegmt=True)}))
    started = in_process.clock.time
    assert in_process(["communication", "identity", "show", *APP]).exit_code == 0
    assert in_process.clock.time - started >= 50


@pytest.mark.parametrize(("body", "said"), [
    ({"error": "The house is on fire."}, "The house is on fire."),
    ({"Code": "Fire", "Message": "The house is on fire."}, "(Fire) The house is on fire."),
    ({"Error": {"Code": "scopelocked", "Message": "following scope(s) are locked: '/x'."}},
     "A lock on '/x' prevents the change."),
])
def test_errors_in_other_forms(in_process: InProcessAz, sim: Armsim, body: Any, said: str) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method="PATCH", kind="raw", status=400, body=json.dumps(body),
                        content_type="application/json"))
    assert said in str(in_process(ASSIGN).error)


def test_a_service_that_never_finds_an_etag_right(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method="PATCH", status=412, code="PreconditionFailed", times=10**6))
    assert in_process(ASSIGN).exit_code == 1
    assert [request.header("If-Match") is not None for request in sim.requests if request.method == "PATCH"] == [
        True, False]


def test_a_write_that_never_answers_is_sent_twice_at_most(in_process: InProcessAz, sim: Armsim,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    from azext_communication_identity.arm.client import Arm
    from azext_communication_identity.model.answers import NoAnswer, Reply
    from azext_communication_identity.model.requests import Request, UpdateIdentity
    sim.state.add_resource("myApp", "rg")
    real, sent = Arm.send, []

    def send(self: Arm, request: Request, subscription: str) -> Reply:
        if not isinstance(request, UpdateIdentity):
            return real(self, request, subscription)
        sent.append(request)
        return NoAnswer("Read timed out.", timed_out=True)

    monkeypatch.setattr(Arm, "send", send)
    run = in_process(ASSIGN)
    assert "Read timed out." in str(run.error)
    assert len(sent) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_wait_ends_in_time_though_the_service_asks_to_wait_for_longer(in_process: InProcessAz, sim: Armsim,
                                                                      status: int) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method="GET", path="communicationServices", status=status, code="Busy", times=10**6,
                        headers={"Retry-After": "60"}))
    started = in_process.clock.time
    run = in_process(["communication", "identity", "wait", "--exists", "--timeout", "5", *APP])
    assert run.exit_code == 1
    assert ("throttling requests" if status == 429 else "The service failed") in str(run.error)
    assert in_process.clock.time - started <= 6
    assert len(sim.requests) == 2
