# SPDX-License-Identifier: MIT
"""Roles: in every subscription, for logins that may do little, and in fleets."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from armsim import FAILURES, SHAPES, Armsim, Fault
from in_process import InProcessAz, Input
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

GRANT = ["--role", USER, "--scope", AI]
UNKNOWN_ID = "99999999-9999-9999-9999-999999999999"


def scene(sim: Armsim, *users: str) -> tuple[str, str]:
    """A resource with a system-assigned identity, and its principal ID."""
    sim.state.add_subscription(OTHER, "other")
    resource = sim.state.add_resource("myApp", "rg", identity=block(*users, system=True))
    return resource, str(sim.state.identity_of(resource)["principalId"])


def shown(in_process: InProcessAz, *more: str) -> list[tuple[str, str]]:
    run = in_process(line("show", *APP, "--roles", *more))
    assert run.exit_code == 0, run.error
    return [(one["roleName"], one["scope"]) for one in run.json["roleAssignments"]]


# ---- show --roles --------------------------------------------------------------------------------------------------

def test_roles_in_other_subscriptions_and_custom_ones(in_process: InProcessAz, sim: Armsim) -> None:
    one = sim.state.add_user_identity("one", "rg")
    resource, principal = scene(sim, one)
    user = sim.state.identity_of(resource)["userAssignedIdentities"][one]["principalId"]
    here, there = sim.state.add_role("Here Only"), sim.state.add_role("There Only", f"/subscriptions/{OTHER}")
    for scope, role, who in ((AI, USER_ID, principal), (AI, here, user), (ELSEWHERE, there, principal),
                             (ELSEWHERE, READER_ID, user), (ELSEWHERE, READER_ID, UNKNOWN_ID)):
        sim.state.add_role_assignment(scope, role, who)
    assert sorted(shown(in_process)) == sorted([(USER, AI), ("Here Only", AI), ("There Only", ELSEWHERE),
                                                ("Reader", ELSEWHERE)])


def test_roles_at_management_groups(in_process: InProcessAz, sim: Armsim) -> None:
    _, principal = scene(sim)
    group = "/providers/Microsoft.Management/managementGroups/mg"
    sim.state.add_role_assignment(group, USER_ID, principal)
    assert shown(in_process) == [(USER, group)]


def test_resource_graph_is_late_and_arm_is_not(in_process: InProcessAz, sim: Armsim) -> None:
    sim.options.graph_lag_seconds = 60.0
    _, principal = scene(sim)
    sim.state.add_role_assignment(AI, USER_ID, principal)
    gone = sim.state.add_role_assignment(AI, READER_ID, principal, age=100)
    sim.state.authorization.delete(gone)
    sim.state.add_role_assignment(ELSEWHERE, READER_ID, principal)
    sim.state.add_role_assignment(ELSEWHERE, USER_ID, principal, age=100)
    assert shown(in_process) == [(USER, AI), (USER, ELSEWHERE)]


def test_without_resource_graph_those_here_are_shown(in_process: InProcessAz, sim: Armsim,
                                                     caplog: pytest.LogCaptureFixture) -> None:
    _, principal = scene(sim)
    sim.state.add_role_assignment(AI, sim.state.add_role("Own"), principal)
    sim.add_fault(Fault(method="POST", path=GRAPH, status=403, code="Forbidden", message="No.", times=10**6))
    assert shown(in_process) == [("Own", AI)]
    assert "Role assignments in other subscriptions are missing from the list: (Forbidden) No." in caplog.text


def test_a_role_that_nobody_may_read_is_shown_by_its_guid(in_process: InProcessAz, sim: Armsim) -> None:
    _, principal = scene(sim)
    custom = sim.state.add_role("Secret")
    sim.state.add_role_assignment(AI, custom, principal)
    for scope in (f"/subscriptions/{SUB}", "/"):
        sim.state.deny("Microsoft.Authorization/roleDefinitions/read", scope)
    sim.add_fault(Fault(method="GET", path=f"roleDefinitions/{custom}", status=403, code="AuthorizationFailed"))
    assert shown(in_process) == [(custom, AI)]


def test_each_of_several_resources_has_its_own(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_subscription(OTHER, "other")
    ids = [sim.state.add_resource("a", "rg", identity=block(system=True)),
           sim.state.add_resource("b", "rg", identity=block(system=True), subscription=OTHER),
           sim.state.add_resource("c", "rg")]
    for resource, scope in zip(ids, (ELSEWHERE, AI), strict=False):
        sim.state.add_role_assignment(scope, USER_ID, sim.state.identity_of(resource)["principalId"])
    run = in_process(line("show", "--roles", "--ids", *ids))
    assert run.exit_code == 0, run.error
    assert [[one["scope"] for one in item["roleAssignments"]] for item in run.json] == [[ELSEWHERE], [AI], []]
    assert sum(request.method == "POST" for request in sim.requests) == 1


def test_one_failure_hides_no_roles_of_the_others(in_process: InProcessAz, sim: Armsim) -> None:
    resource, principal = scene(sim)
    sim.state.add_role_assignment(ELSEWHERE, USER_ID, principal)
    run = in_process(line("show", "--roles", "--ids", resource, resource.replace("myApp", "absent")))
    assert run.exit_code == 1
    assert [one["scope"] for item in run.json for one in item["roleAssignments"]] == [ELSEWHERE]


# ---- granting ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("role", [UNKNOWN_ID, f"/providers/Microsoft.Authorization/roleDefinitions/{UNKNOWN_ID}",
                                  "Cognitive Service User"])
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_an_unknown_role_before_the_identity_is_touched(in_process: InProcessAz, sim: Armsim, role: str,
                                                        more: list[str]) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    run = in_process(line("assign", *APP, "--system-assigned", "--role", role, "--scope", AI, *more))
    assert run.exit_code in (1, 3)
    assert f"There is no role '{role}'" in str(run.error)
    assert writes(sim) == []
    assert has(sim, resource) == (False, [])


@pytest.mark.parametrize("role", [USER_ID, f"/providers/Microsoft.Authorization/roleDefinitions/{USER_ID}"])
def test_a_login_that_may_write_and_not_read_can_grant(in_process: InProcessAz, sim: Armsim, role: str) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    for kind in ("roleAssignments", "roleDefinitions"):
        sim.state.deny(f"Microsoft.Authorization/{kind}/read", f"/subscriptions/{SUB}")
    words = line("assign", *APP, "--system-assigned", "--role", role, "--scope", AI)
    first = in_process(words)
    assert first.exit_code == 0, first.error
    principal = sim.state.identity_of(resource)["principalId"]
    assert granted(sim) == [(AI, USER_ID, principal)]
    second = in_process(words)
    assert second.exit_code == 0, second.error
    printed = first.json
    for key in ("id", "resourceGroup"):  # ARM may mean another one, and doesn't say which
        del printed["roleAssignments"][0][key]
    assert second.json == printed
    assert len(granted(sim)) == 1


def test_what_exists_and_cant_be_read_has_the_id_that_arm_names(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.state.deny("Microsoft.Authorization/roleAssignments/read", f"/subscriptions/{SUB}")
    sim.add_fault(Fault(method="PUT", status=409, code="RoleAssignmentExists", message=(
        "The role assignment already exists. The ID of the existing role assignment is "
        f"{USER_ID.replace('-', '')}.")))
    run = in_process(line("assign", *APP, "--system-assigned", "--role", USER_ID, "--scope", AI))
    assert [one["id"] for one in run.json["roleAssignments"]] == [
        f"{AI}/providers/Microsoft.Authorization/roleAssignments/{USER_ID}"]


def test_a_role_named_twice_is_granted_once(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    run = in_process(line("assign", *APP, "--system-assigned", "--role", USER, "--role", USER_ID, "--scope", AI))
    assert run.exit_code == 0, run.error
    assert len(run.json["roleAssignments"]) == 1
    assert writes(sim) == ["PATCH", "PUT"]


def test_what_exists_under_another_name_and_cant_be_read_is_success(in_process: InProcessAz, sim: Armsim) -> None:
    _, principal = scene(sim)
    sim.state.add_role_assignment(AI, USER_ID, principal)
    sim.state.deny("Microsoft.Authorization/roleAssignments/read", f"/subscriptions/{SUB}")
    run = in_process(line("assign", *APP, "--system-assigned", "--role", USER_ID, "--scope", AI))
    assert run.exit_code == 0, run.error
    assert len(granted(sim)) == 1


def test_a_grant_that_fails_names_what_was_done_and_what_finishes(in_process: InProcessAz, sim: Armsim) -> None:
    one = sim.state.add_user_identity("one", "rg")
    resource = sim.state.add_resource("myApp", "rg")
    group = f"/subscriptions/{SUB}/resourceGroups/ai"
    sim.state.deny("Microsoft.Authorization/roleAssignments/write", AI)
    run = in_process(line("assign", *APP, "--system-assigned", "--user-assigned", "one", "--role", USER, "--scope", AI,
                          "--scope", group))
    assert run.exit_code == 1
    assert has(sim, resource) == (True, [one])
    text = said(run.error)
    assert "The identity is assigned to 'myApp', and 2 of 4 role assignments were created" in text
    assert "Contributor" not in text
    assert "Role Based Access Control Administrator" not in text.split("az role assignment create")[0]
    commands = [row for row in text.splitlines() if row.startswith("az role assignment create")]
    assert len(commands) == 2
    sim.state.denials.clear()
    for command in commands:
        assert in_process(shlex.split(command)[1:]).exit_code == 0
    assert len(granted(sim)) == 4


def test_an_assignment_whose_end_is_not_known_says_that_the_role_is_not_granted(in_process: InProcessAz, sim: Armsim
                                                                                ) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.options.patch = FAILURES["ignored"]
    assert "The role was not granted." in said(in_process(line("assign", *APP, "--system-assigned", *GRANT)).error)
    assert "role" not in said(in_process(line("assign", *APP, "--system-assigned")).error)


def test_a_grant_to_an_identity_without_a_principal_id_is_left_out(in_process: InProcessAz, sim: Armsim,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done and what is left are both said."""
    sim.options.patch = SHAPES["load-test"]
    one = sim.state.add_user_identity("one", "rg")
    sim.state.add_resource("myApp", "rg", identity=block(one))
    real = sim.state.get_resource

    def bare(resource_id: str) -> object:
        document, etag = real(resource_id)
        document["identity"]["userAssignedIdentities"] = {one: {"clientId": UNKNOWN_ID}}
        return document, etag
    monkeypatch.setattr(sim.state, "get_resource", bare)
    words = line("assign", *APP, "--system-assigned", "--user-assigned", "one", *GRANT)
    text = said(in_process(words).error)
    assert "and 1 of 2 role assignments were created, but the role was not granted" in text
    assert f"The service doesn't show the principal ID of {one} yet." in text
    assert "run the command again" in text
    sim.state.deny("Microsoft.Authorization/roleAssignments/write", AI)
    sim.state.authorization.assignments.clear()
    text = said(in_process(words).error)
    assert "You don't have permission to perform 'Microsoft.Authorization/roleAssignments/write'" in text
    assert "az role assignment create" in text
    assert one in text


def test_an_identity_without_a_principal_id_is_still_settling(in_process: InProcessAz, sim: Armsim,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    one = sim.state.add_user_identity("one", "rg")
    resource = sim.state.add_resource("myApp", "rg", identity=block(one))
    real, looks = sim.state.get_resource, []

    def late(resource_id: str) -> object:
        document, etag = real(resource_id)
        looks.append(etag)
        if len(looks) < 3:
            document["identity"]["userAssignedIdentities"] = {one: {"clientId": UNKNOWN_ID}}
        return document, etag
    monkeypatch.setattr(sim.state, "get_resource", late)
    run = in_process(line("assign", *APP, "--user-assigned", "one", *GRANT))
    assert run.exit_code == 0, run.error
    principal = sim.state.identity_of(resource)["userAssignedIdentities"][one]["principalId"]
    assert granted(sim) == [(AI, USER_ID, principal)]


# ---- fleets --------------------------------------------------------------------------------------------------------

def test_a_subscription_without_access_stops_its_own_only(in_process: InProcessAz, sim: Armsim,
                                                          caplog: pytest.LogCaptureFixture) -> None:
    sim.state.add_subscription(OTHER, "other")
    ids = [sim.state.add_resource(name, "rg") for name in ("a", "b")]
    unreachable = sim.state.add_resource("c", "rg", subscription=OTHER)
    sim.state.hide_subscription(OTHER)
    unknown = ids[0].replace(SUB, "00000000-0000-0000-0000-0000000000ee")
    absent = ids[0].replace("communicationServices/a", "communicationServices/absent")
    run = in_process(line("assign", "--system-assigned", *GRANT, "--ids", unknown, ids[0], unreachable, absent, ids[1]))
    assert run.exit_code == 1
    assert [one["id"] for one in run.json] == ids
    assert sorted(granted(sim)) == sorted((AI, USER_ID, sim.state.identity_of(one)["principalId"]) for one in ids)
    assert all(f"{one}: " in caplog.text for one in (unknown, unreachable, absent))
    assert "3 of 5 resources failed; 2 succeeded." in str(run.error)


@pytest.mark.parametrize("fault", [{"status": 503}, {"kind": "reset-before"},
                                   {"kind": "raw", "status": 200, "body": "<html>"}])
def test_a_shared_look_up_that_breaks_once_breaks_nothing(in_process: InProcessAz, sim: Armsim, fault: dict[str, Any]
                                                          ) -> None:
    ids = [sim.state.add_resource(name, "rg") for name in ("a", "b", "c")]
    sim.add_fault(Fault(method="GET", path="roleDefinitions", **fault))
    run = in_process(line("assign", "--system-assigned", *GRANT, "--ids", *ids))
    assert run.exit_code == 0, run.error
    assert len(granted(sim)) == 3
    assert sum("roleDefinitions" in request.path for request in sim.requests) == 2


def test_every_scope_counts(in_process: InProcessAz, sim: Armsim) -> None:
    _, principal = scene(sim)
    run = in_process(line("assign", *APP, "--system-assigned", *GRANT, "--scope", ELSEWHERE))
    assert run.exit_code == 0, run.error
    assert granted(sim) == [(scope, USER_ID, principal) for scope in (AI, ELSEWHERE)]


def test_a_login_that_manages_for_another_tenant_sees_none_to_delete(in_process: InProcessAz, sim: Armsim) -> None:
    """Azure Lighthouse: what it can't see would stay, and nothing else would know the principal."""
    resource, _ = scene(sim)
    path = in_process.config / "azureProfile.json"
    profile = json.loads(path.read_text("utf-8-sig"))
    tenant = sim.state.manage_for_another_tenant()
    for one in profile["subscriptions"]:
        one["homeTenantId"] = tenant
    path.write_text(json.dumps(profile), "utf-8")
    run = in_process.captured(line("show", *APP, "--roles"), Input())
    assert (run.exit_code, "doesn't see its role assignments: myApp." in run.stderr) == (0, True)
    removal = line("remove", *APP, "--system-assigned", "--yes")
    run = in_process([*removal, "--delete-role-assignments"])
    assert run.exit_code == 1
    assert "(Azure Lighthouse) and doesn't see its role assignments. Nothing was removed." in str(run.error)
    assert (writes(sim), has(sim, resource)[0]) == ([], True)
    assert in_process(removal).exit_code == 0
