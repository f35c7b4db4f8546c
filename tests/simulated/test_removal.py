# SPDX-License-Identifier: MIT
"""What a removal takes along, in which order, and what it leaves alone."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace

import pytest
from armsim import FAILURES, SHAPES, Armsim, Fault
from azure.cli.core.azclierror import AzureResponseError, ForbiddenError
from in_process import InProcessAz
from scenes import (
    AI,
    APP,
    ELSEWHERE,
    GRAPH,
    OTHER,
    READER_ID,
    SUB,
    USER,
    USER_ID,
    block,
    granted,
    has,
    line,
    said,
    writes,
)

REMOVE = line("remove", *APP, "--system-assigned", "--delete-role-assignments")


def scene(sim: Armsim, *users: str) -> tuple[str, list[str]]:
    """A resource whose system-assigned identity holds a role in its subscription and one in another."""
    sim.state.add_subscription(OTHER, "other")
    resource = sim.state.add_resource("myApp", "rg", identity=block(*users, system=True))
    principal = sim.state.identity_of(resource)["principalId"]
    return resource, [sim.state.add_role_assignment(scope, USER_ID, principal) for scope in (AI, ELSEWHERE)]


def test_first_the_identity_then_its_role_assignments_in_every_subscription(in_process: InProcessAz, sim: Armsim,
                                                                            caplog: pytest.LogCaptureFixture) -> None:
    resource, _ = scene(sim)
    kept = sim.state.add_role_assignment(AI, USER_ID, "00000000-0000-0000-0000-0000000000ff")
    run = in_process(REMOVE)
    assert run.exit_code == 0, run.error
    assert writes(sim) == ["PATCH", "DELETE", "DELETE"]
    assert has(sim, resource) == (False, [])
    assert list(sim.state.authorization.assignments) == [kept.lower()]
    assert f"Its role assignments are deleted too: '{USER}' on {AI}, '{USER}' on {ELSEWHERE}." in caplog.text


def lock(sim: Armsim, resource: str) -> None:
    sim.state.lock_scope(resource)


def policy(sim: Armsim, resource: str) -> None:
    sim.state.require_identity_by_policy(resource)


def no_right(sim: Armsim, resource: str) -> None:
    sim.state.deny("Microsoft.Communication/CommunicationServices/write", resource)


def fails_later(sim: Armsim, _resource: str) -> None:
    sim.options.patch = FAILURES["failed"]


def is_ignored(sim: Armsim, _resource: str) -> None:
    sim.options.patch = FAILURES["ignored"]


def stays_in_conflict(sim: Armsim, _resource: str) -> None:
    sim.add_fault(Fault(method="PATCH", status=409, code="ReadOnlyDisabledSubscription", times=10**6))


@pytest.mark.parametrize("more", [[], ["--no-wait"]], ids=["waiting", "no-wait"])
@pytest.mark.parametrize("refuse", [lock, policy, no_right, fails_later, is_ignored, stays_in_conflict])
def test_a_refused_write_leaves_access_as_it_was(in_process: InProcessAz, sim: Armsim, more: list[str],
                                                 refuse: Callable[[Armsim, str], None]) -> None:
    resource, assignments = scene(sim)
    refuse(sim, resource)
    run = in_process([*REMOVE, *more])
    assert run.exit_code == 1
    assert isinstance(run.error, (AzureResponseError, ForbiddenError)), repr(run.error)
    assert has(sim, resource) == (True, [])
    assert set(sim.state.authorization.assignments) == {one.lower() for one in assignments}
    assert "DELETE" not in writes(sim)


def test_the_assignments_of_user_assigned_identities_stay(in_process: InProcessAz, sim: Armsim) -> None:
    shared = sim.state.add_user_identity("shared", "rg")
    resource, _ = scene(sim, shared)
    principal = sim.state.identity_of(resource)["userAssignedIdentities"][shared]["principalId"]
    kept = sim.state.add_role_assignment(AI, READER_ID, principal)
    assert in_process([*REMOVE, "--user-assigned", "shared"]).exit_code == 0
    assert has(sim, resource) == (False, [])
    assert list(sim.state.authorization.assignments) == [kept.lower()]


def test_what_could_not_be_deleted_is_named_with_a_command_that_works(in_process: InProcessAz, sim: Armsim) -> None:
    resource, (here, there) = scene(sim)
    sim.state.deny("Microsoft.Authorization/roleAssignments/delete", ELSEWHERE)
    run = in_process(REMOVE)
    assert run.exit_code == 1
    assert has(sim, resource) == (False, [])
    assert list(sim.state.authorization.assignments) == [there.lower()]
    text = said(run.error)
    assert "The identity was removed from 'myApp', but 1 of its 2 role assignments were not deleted:" in text
    assert here not in text
    command = next(one for one in text.splitlines() if one.startswith("az role assignment delete"))
    sim.state.denials.clear()
    assert in_process(shlex.split(command)[1:]).exit_code == 0
    assert granted(sim) == []


@pytest.mark.parametrize("fault", [{"status": 503}, {"kind": "reset-before"}, {"kind": "reset-after"},
                                   {"status": 404, "code": "RoleAssignmentNotFound"}])
def test_a_deletion_that_stumbles_goes_on(in_process: InProcessAz, sim: Armsim, fault: dict[str, object]) -> None:
    scene(sim)
    sim.add_fault(Fault(method="DELETE", **fault))  # type: ignore[arg-type]  # as Fault has them
    run = in_process(REMOVE)
    assert run.exit_code == 0, run.error
    assert len(granted(sim)) == ("code" in fault)  # the one that armsim says isn't there


def test_nothing_is_removed_if_not_all_role_assignments_can_be_looked_up(in_process: InProcessAz, sim: Armsim) -> None:
    resource, assignments = scene(sim)
    sim.add_fault(Fault(method="POST", path=GRAPH, status=403, code="Forbidden", message="No.", times=10**6))
    run = in_process(REMOVE)
    assert run.exit_code == 1
    assert "in other subscriptions: (Forbidden) No. Nothing was removed." in str(run.error)
    assert "omit --delete-role-assignments" in said(run.error)
    assert writes(sim) == []
    assert has(sim, resource) == (True, [])
    assert len(sim.state.authorization.assignments) == len(assignments)


@pytest.mark.parametrize("shape", ["failed, no address", "ignored"])
def test_a_removal_whose_end_is_not_known_names_the_role_assignments(in_process: InProcessAz, sim: Armsim, shape: str
                                                                     ) -> None:
    """Once the identity is gone, nothing else knows its principal."""
    _, assignments = scene(sim)
    sim.options.patch = FAILURES[shape]
    text = said(in_process(REMOVE).error)
    assert "The role assignments of the system-assigned identity of 'myApp' were not deleted." in text
    assert all(one in text for one in assignments)


def test_a_refused_removal_does_not_speak_of_role_assignments(in_process: InProcessAz, sim: Armsim) -> None:
    resource, _ = scene(sim)
    sim.state.lock_scope(resource)
    assert "role assignment" not in said(in_process(REMOVE).error)


def test_a_login_that_may_not_see_role_assignments_removes_nothing(in_process: InProcessAz, sim: Armsim) -> None:
    resource, _ = scene(sim)
    sim.state.deny("Microsoft.Authorization/roleAssignments/read", f"/subscriptions/{SUB}")
    run = in_process(REMOVE)
    assert run.exit_code == 1
    assert "'Microsoft.Authorization/roleAssignments/read'" in str(run.error)
    assert f" --scope /subscriptions/{SUB}\n" in said(run.error)  # and not the provider there, which ARM names
    assert has(sim, resource) == (True, [])
    assert writes(sim) == []


def test_a_missing_right_to_delete_names_the_administrator(in_process: InProcessAz, sim: Armsim) -> None:
    scene(sim)
    sim.state.deny("Microsoft.Authorization/roleAssignments/delete", AI)
    error = in_process(REMOVE).error
    assert "Contributor" not in said(error)
    assert "Microsoft.Authorization/roleAssignments/delete" in str(error)


def test_each_of_a_fleet_stands_alone(in_process: InProcessAz, sim: Armsim, caplog: pytest.LogCaptureFixture) -> None:
    ids = [sim.state.add_resource(name, "rg", identity=block(system=True)) for name in ("a", "b", "c")]
    principals = [sim.state.identity_of(one)["principalId"] for one in ids]
    for principal in principals:
        sim.state.add_role_assignment(AI, USER_ID, principal)
    sim.state.lock_scope(ids[1])
    run = in_process(line("remove", "--system-assigned", "--delete-role-assignments", "--yes", "--ids", *ids))
    assert run.exit_code == 1
    assert [one["id"] for one in run.json] == [ids[0], ids[2]]
    assert granted(sim) == [(AI, USER_ID, principals[1])]
    assert f"{ids[1]}: A lock on '" in caplog.text


@pytest.mark.parametrize(("words", "sentences"), [
    (["--system-assigned"], ["This removes the system-assigned identity from 'myApp'.",
                             f"Its role assignments remain and grant access to no one: '{USER}' on {AI}."]),
    (["--user-assigned", "[]"], ["This removes 'one' and 'two' from 'myApp'."]),
    (["--system-assigned", "--user-assigned", "[]"],
     ["Removing the system-assigned identity, 'one' and 'two' leaves 'myApp' without an identity."]),
    (["--user-assigned", "one"], []),
])
def test_what_goes_is_named(in_process: InProcessAz, sim: Armsim, caplog: pytest.LogCaptureFixture, words: list[str],
                            sentences: list[str]) -> None:
    one, two = (sim.state.add_user_identity(name, "rg") for name in ("one", "two"))
    scene(sim, one, two)
    assert in_process(line("remove", *APP, *words)).exit_code == 0
    assert all(sentence in caplog.text for sentence in sentences)
    assert any(record.levelname == "WARNING" for record in caplog.records) is bool(sentences)


def test_a_busy_resource_is_read_again_before_it_is_removed(in_process: InProcessAz, sim: Armsim) -> None:
    """What another operation adds meanwhile stays."""
    sim.options.patch = replace(SHAPES["load-test"], shows="old")
    one, two = (sim.state.add_user_identity(name, "rg") for name in ("one", "two"))
    resource = sim.state.add_resource("myApp", "rg", identity=block(one, system=True))
    sim.state.patch_resource(resource, {"identity": block(one, two, system=True)})
    run = in_process(line("remove", *APP, "--user-assigned", "one"))
    assert run.exit_code == 0, run.error
    assert has(sim, resource) == (True, [two])
