# SPDX-License-Identifier: MIT
"""Roles, end to end: granting, showing, orphans and their end."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from armsim import Armsim
from az import Az
from in_process import InProcessAz

APP = "-n myApp -g rg"
USER = "Cognitive Services User"
USER_ID = "a97b65f3-24c7-4388-baec-2e87135dc908"
AI = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ai/providers/Microsoft.CognitiveServices" \
     "/accounts/ai"
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ai"


def made(sim: Armsim) -> list[tuple[str, str, str]]:
    """Scope, role GUID and principal of each role assignment."""
    return [(one["properties"]["scope"], one["properties"]["roleDefinitionId"].rsplit("/", 1)[-1],
             one["properties"]["principalId"]) for one in sim.state.authorization.assignments.values()]


def writes(sim: Armsim) -> list[str]:
    return [request.method for request in sim.requests if request.method != "GET"]


def test_enable_and_grant_on_an_ai_resource_in_one_command(az: Az, sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    printed = az(f'communication identity assign {APP} --system-assigned --role "{USER}" --scope {AI}').ok().json
    principal = sim.state.identity_of(resource)["principalId"]
    assert made(sim) == [(AI, USER_ID, principal)]
    (one,) = printed["roleAssignments"]
    assert {key: one[key] for key in ("roleName", "scope", "principalId")} == {
        "roleName": USER, "scope": AI, "principalId": principal}
    assert one["id"].lower() in sim.state.authorization.assignments
    put = next(request for request in sim.requests if request.method == "PUT")
    assert put.body["properties"]["principalType"] == "ServicePrincipal"


def test_all_that_are_named_and_no_others_at_each_scope(az: Az, sim: Armsim) -> None:
    one, two = (sim.state.add_user_identity(name, "rg") for name in ("one", "two"))
    resource = sim.state.add_resource("myApp", "rg", identity={
        "type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {one: {}}})
    az(f'communication identity assign {APP} --user-assigned one two --role "{USER}" --scope {AI} {GROUP}').ok()
    users = sim.state.identity_of(resource)["userAssignedIdentities"]
    assert sorted(made(sim)) == sorted((scope, USER_ID, users[identity]["principalId"])
                                       for identity in (one, two) for scope in (AI, GROUP))


def test_the_second_run_writes_nothing(az: Az, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    line = f'communication identity assign {APP} --system-assigned --role "{USER}" --scope {AI}'
    first = az(line).ok().json
    assert writes(sim) == ["PATCH", "PUT"]
    assert az(line).ok().json == first
    assert writes(sim) == ["PATCH", "PUT"]


def test_what_someone_else_granted_is_found(az: Az, sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg", identity={"type": "SystemAssigned"})
    existing = sim.state.add_role_assignment(AI, USER_ID, sim.state.identity_of(resource)["principalId"])
    printed = az(f'communication identity assign {APP} --system-assigned --role "{USER}" --scope {AI}').ok().json
    assert [one["id"] for one in printed["roleAssignments"]] == [existing]
    assert writes(sim) == []


@pytest.mark.parametrize("role", [USER.lower(), USER_ID,
                                  f"/providers/Microsoft.Authorization/roleDefinitions/{USER_ID}"])
def test_a_role_by_name_guid_or_id(az: Az, sim: Armsim, role: str) -> None:
    sim.state.add_resource("myApp", "rg")
    az(["communication", "identity", "assign", *APP.split(), "--system-assigned", "--role", role, "--scope", AI]).ok()
    assert [guid for _, guid, _ in made(sim)] == [USER_ID]


def test_an_unknown_role_names_near_ones_before_the_identity_is_touched(az: Az, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    done = az(f'communication identity assign {APP} --system-assigned --role "Cognitive Service User" --scope {AI}')
    assert done.exit_code == 1
    assert "There is no role 'Cognitive Service User'" in done.stderr
    assert f"Did you mean one of these?\n{USER}\n" in done.stderr
    assert writes(sim) == []


def test_replication_delay(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.options.replication_seconds, sim.options.replication_even_with_type = 10**9, True

    real = sim.state.authorization.put
    tries = []

    def known_at_the_fourth(*args: Any) -> Any:
        tries.append(args)
        scope, name, body, _, _ = args
        return real(scope, name, body, 10**9 if len(tries) < 4 else 0, True)

    # The directory learns of it.
    sim.state.authorization.put = known_at_the_fourth  # type: ignore[method-assign,assignment]  # as above
    run = in_process(["communication", "identity", "assign", *APP.split(), "--system-assigned", "--role", USER,
                      "--scope", AI])
    assert run.exit_code == 0, run.error
    assert len(tries) == 4
    assert len(made(sim)) == 1


def test_replication_that_never_ends(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.options.replication_seconds, sim.options.replication_even_with_type = 10**9, True
    run = in_process(["communication", "identity", "assign", *APP.split(), "--system-assigned", "--role", USER,
                      "--scope", AI])
    assert run.exit_code == 1
    assert "does not exist in the directory" in str(run.error)
    assert 180 <= in_process.clock.time < 240


def test_principal_type_skips_the_directory(az: Az, sim: Armsim) -> None:
    sim.options.replication_seconds = 10**9
    sim.state.add_resource("myApp", "rg")
    az(f'communication identity assign {APP} --system-assigned --role "{USER}" --scope {AI}').ok()


def test_a_refused_grant_leaves_the_identity_and_a_command_that_finishes(az: Az, sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    sim.state.deny("Microsoft.Authorization/roleAssignments/write", AI)
    done = az(f'communication identity assign {APP} --system-assigned --role "{USER}" --scope {AI}')
    assert done.exit_code == 1
    assert "The identity is assigned to 'myApp', but the role was not granted" in done.stderr
    principal = sim.state.identity_of(resource)["principalId"]
    command = next(line for line in done.stderr.splitlines() if line.startswith("az role assignment create")
                   and principal in line)
    sim.state.denials.clear()
    az(shlex.split(command)[1:]).ok()
    assert made(sim) == [(AI, USER_ID, principal)]


def test_show_roles(az: Az, sim: Armsim) -> None:
    one = sim.state.add_user_identity("one", "rg")
    resource = sim.state.add_resource("myApp", "rg", identity={
        "type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {one: {}}})
    block = sim.state.identity_of(resource)
    sim.state.add_role_assignment(AI, USER_ID, block["principalId"])
    sim.state.add_role_assignment(GROUP, "acdd72a7-3385-48ef-bd42-f606fba81ae7", block["principalId"])
    sim.state.add_role_assignment(AI, USER_ID, "00000000-0000-0000-0000-0000000000ff")
    shown = az(f"communication identity show {APP} --roles").ok().json
    assert [(role["roleName"], role["scope"]) for role in shown["roleAssignments"]] == [(USER, AI), ("Reader", GROUP)]
    assert [request.method for request in sim.requests] == ["GET", "GET", "GET", "POST"]  # ARM, then Resource Graph
    rows = az(f"communication identity show {APP} --roles -o table").ok().stdout.splitlines()
    assert [row.split()[0] for row in rows[2:]] == ["SystemAssigned", "SystemAssigned", "UserAssigned"]
    assert rows[2].endswith("ai/…/ai")
    assert "Reader" in rows[3]


def test_remove_names_the_orphans_and_the_command_that_deletes_them(az: Az, sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg", identity={"type": "SystemAssigned"})
    sim.state.add_role_assignment(AI, USER_ID, sim.state.identity_of(resource)["principalId"])
    done = az(f"communication identity remove {APP} --system-assigned").ok()
    said, _, command = done.stderr.partition("Its role assignments remain and grant access to no one: "
                                             f"'{USER}' on {AI}. To delete them, run:\naz ")
    assert said
    assert len(made(sim)) == 1
    az(command.splitlines()[0]).ok()
    assert made(sim) == []


def test_remove_and_delete_the_role_assignments(az: Az, sim: Armsim) -> None:
    one = sim.state.add_user_identity("one", "rg")
    resource = sim.state.add_resource("myApp", "rg", identity={
        "type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {one: {}}})
    block = sim.state.identity_of(resource)
    sim.state.add_role_assignment(AI, USER_ID, block["principalId"])
    kept = [sim.state.add_role_assignment(AI, USER_ID, principal) for principal in (
        block["userAssignedIdentities"][one]["principalId"], "00000000-0000-0000-0000-0000000000ff")]
    done = az.in_terminal(f"communication identity remove {APP} --system-assigned --user-assigned "
                          "--delete-role-assignments", "y\n")
    assert done.exit_code == 0
    assert f"Its role assignments are deleted too: '{USER}' on {AI}." in done.stdout
    assert list(sim.state.authorization.assignments) == [one.lower() for one in kept]
    assert writes(sim) == ["POST", "PATCH", "DELETE"]  # the POST is a query


def test_remove_without_the_right_to_see_roles_goes_on(az: Az, sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg", identity={"type": "SystemAssigned"})
    sim.state.deny("Microsoft.Authorization/roleAssignments/read", f"/subscriptions/{sim.state.SUBSCRIPTION}")
    az(f"communication identity remove {APP} --system-assigned").ok()
    assert sim.state.identity_of(resource) == {"type": "None"}
