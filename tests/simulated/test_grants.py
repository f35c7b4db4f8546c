# SPDX-License-Identifier: MIT
"""Granting: each role at each scope, what exists already, and a login that manages the subscription from elsewhere."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from scripted_arm import SUB, Reply, ScriptedAz, Seen, error
from scripted_scenes import ID, PRINCIPAL, SCOPE, assignment, found, holding, identity, resource

ASSIGN = ("assign", "-n", "myApp", "-g", "rg", "--system-assigned")
USER, READER = "a97b65f3-24c7-4388-baec-2e87135dc908", "acdd72a7-3385-48ef-bd42-f606fba81ae7"
NAMES = {USER: "Cognitive Services User", READER: "Reader"}
REFUSED = Reply(403, error("AuthorizationFailed", "The client 'x' with object id 'y' does not have authorization to "
                           "perform action 'Microsoft.Authorization/roleAssignments/read' over scope '/x'."))
EXISTING = "01234567-89ab-cdef-0123-456789abcdef"


DEFINITIONS: list[dict[str, Any]] = [
    {"id": f"/subscriptions/{SUB}/providers/Microsoft.Authorization/roleDefinitions/{guid}",
     "properties": {"roleName": name}} for guid, name in NAMES.items()]


def created(seen: Seen) -> Reply:
    path = seen.path.partition("?")[0]
    return Reply(201, {"id": path, "properties": {**seen.body["properties"], "scope": scope_of(seen)}})


def scope_of(seen: Seen) -> str:
    return seen.path.rpartition("/providers/Microsoft.Authorization/")[0]


def scene(az: ScriptedAz) -> None:
    az.arm.on("GET", ID, resource("myApp", PRINCIPAL))
    az.arm.on("GET", "roleDefinitions", Reply(200, {"value": DEFINITIONS}))  # whatever the filter says
    az.arm.on("GET", "roleAssignments", Reply(200, {"value": []}))
    az.arm.on("PUT", "roleAssignments", created)


def role_of(seen: Seen) -> str:
    return NAMES[seen.body["properties"]["roleDefinitionId"].rsplit("/", 1)[-1].lower()]


@pytest.mark.parametrize("roles", [["--role", "Reader", "--role", "Cognitive Services User"],
                                   ["--role", READER, "--role", USER.upper()],
                                   ["--role", "reader", "--role", "Cognitive Services User", "--role", "READER"]])
@pytest.mark.parametrize("scopes", [[SCOPE], [SCOPE, f"/subscriptions/{SUB}"]])
def test_each_role_is_granted_at_each_scope(scripted: ScriptedAz, roles: list[str], scopes: list[str]) -> None:
    scene(scripted)
    for definition in DEFINITIONS:
        scripted.arm.on("GET", definition["id"].rpartition("Microsoft.Authorization")[2], Reply(200, definition))
    run = scripted.run(*ASSIGN, *roles, "--scope", *scopes)
    assert run.exit_code == 0, run.stderr
    puts = [one for one in scripted.arm.seen if one.method == "PUT"]
    wanted = {(name, scope) for name in NAMES.values() for scope in scopes}
    assert {(role_of(one), scope_of(one)) for one in puts} == wanted
    assert len(puts) == len(wanted)
    assert {(one["roleName"], one["scope"]) for one in run.json["roleAssignments"]} == wanted


@pytest.mark.parametrize(("message", "found_id"), [
    (f"The role assignment already exists. The ID of the existing role assignment is {EXISTING.replace('-', '')}.",
     EXISTING),
    (f"The role assignment already exists. The ID of the existing role assignment is {EXISTING}.", EXISTING),
    ("The role assignment already exists.", None), (None, None), (7, None),
    (f"Principal {PRINCIPAL} has it.", None),
    (f"The role assignment of {PRINCIPAL} exists.", None)])
@pytest.mark.parametrize("reading", [REFUSED, Reply(200, {"value": []})])
def test_an_assignment_that_exists_and_cannot_be_read(scripted: ScriptedAz, message: Any, found_id: str | None,
                                                      reading: Reply) -> None:
    """Its ID is the one in the answer, or none: never one that doesn't exist."""
    scene(scripted)
    scripted.arm.on("GET", "roleAssignments", reading)
    scripted.arm.on("PUT", "roleAssignments", Reply(409, {"error": {
        "code": "RoleAssignmentExists", "message": message}}))
    run = scripted.run(*ASSIGN, "--role", "Reader", "--scope", SCOPE)
    assert run.exit_code == 0, run.stderr
    [granted] = run.json["roleAssignments"]
    assert granted["principalId"] == PRINCIPAL
    wanted = f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments/{found_id}" if found_id else None
    assert granted.get("id") == wanted


def test_an_assignment_that_exists_and_can_be_read(scripted: ScriptedAz) -> None:
    scene(scripted)
    there = assignment(1)
    scripted.arm.on("GET", "roleAssignments", Reply(200, {"value": []}), Reply(200, {"value": [there]}))
    scripted.arm.on("PUT", "roleAssignments", Reply(409, error("RoleAssignmentExists", f"It is {EXISTING}.")))
    run = scripted.run(*ASSIGN, "--role", "Cognitive Services User", "--scope", SCOPE)
    assert run.json["roleAssignments"][0]["id"] == there["id"]


def delegated(az: ScriptedAz) -> None:
    """The profile of a login whose subscription belongs to another tenant (recorded by `az account list`)."""
    profile = az.config / "azureProfile.json"
    known = json.loads(profile.read_text())
    known["subscriptions"][0].update(homeTenantId="c0000000-0000-0000-0000-00000000000c",
                                     managedByTenants=[{"tenantId": known["subscriptions"][0]["tenantId"]}])
    profile.write_text(json.dumps(known))


@pytest.mark.parametrize("user_assigned", [False, True])
@pytest.mark.parametrize("is_delegated", [False, True])
def test_lighthouse(scripted: ScriptedAz, user_assigned: bool, is_delegated: bool) -> None:
    scene(scripted)
    words = list(ASSIGN)
    if user_assigned:
        scripted.arm.on("GET", ID, holding({identity(): {"clientId": PRINCIPAL, "principalId": PRINCIPAL}}))
        scripted.arm.on("GET", "userAssignedIdentities/one", found())
        words[-1:] = ["--user-assigned", "one"]
    if is_delegated:
        delegated(scripted)
    run = scripted.run(*words, "--role", "Reader", "--scope", SCOPE)
    assert run.exit_code == 0, run.stderr
    [put] = [one for one in scripted.arm.seen if one.method == "PUT"]
    query = parse_qs(urlsplit(put.path).query)
    assert query.get("tenantId") == (["c0000000-0000-0000-0000-00000000000c"] if is_delegated else None)
    assert put.body["properties"].get("delegatedManagedIdentityResourceId") == (
        (identity() if user_assigned else f"{ID}myApp") if is_delegated else None)
    assert put.body["properties"]["principalType"] == "ServicePrincipal"


@pytest.mark.parametrize("scope", [
    f"/subscriptions/{SUB}/resourceGroups/", f"/subscriptions/{SUB}/resourceGroups", f"/subscriptions//{SUB}",
    f"/subscriptions/{SUB}/resourceGroups//providers/Microsoft.Storage/storageAccounts/x", "/subscriptions/",
    f"/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/",
    f"/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts",
    f"/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.Storage", f"/subscriptions/{SUB}//",
    f"/subscriptions/{SUB}/resourceGroups/rg/providers//storageAccounts/x",
    f"/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/x/blobServices",
    f"/subscriptions/{SUB}/resourceGroups/rg/providers", f"/subscriptions/{SUB}/resourceGroups/rg//",
    "/providers/Microsoft.Management/managementGroups/", "/providers/Microsoft.Management/managementGroups",
    "/providers/Microsoft.Management", f"/subscriptions/{SUB}/x/../resourceGroups/rg"])
@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
def test_a_scope_with_a_missing_part_is_refused_before_any_request(scripted: ScriptedAz, scope: str,
                                                                   dry_run: tuple[str, ...]) -> None:
    run = scripted.run(*ASSIGN, "--role", "Reader", "--scope", SCOPE, scope, *dry_run)
    assert run.exit_code == 1
    assert scope in run.stderr
    assert scripted.arm.seen == []


@pytest.mark.parametrize("scope", [
    f"/subscriptions/{SUB}", f"/subscriptions/{SUB}/resourceGroups/rg/", f"/subscriptions/{SUB}/resourceGroups/r(g).x",
    f"/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/x/blobServices/default/"
    "containers/c", "/providers/Microsoft.Management/managementGroups/mg",
    f"/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v/providers/Microsoft.X/ys/y"])
def test_a_whole_scope_is_taken(scripted: ScriptedAz, scope: str) -> None:
    scene(scripted)
    run = scripted.run(*ASSIGN, "--role", "Reader", "--scope", scope)
    assert run.exit_code == 0, run.stderr
