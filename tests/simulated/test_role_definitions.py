# SPDX-License-Identifier: MIT
"""Role definitions in armsim, built-in and custom, as azure-cli reads and grants them."""

from __future__ import annotations

from typing import Any

import pytest
from armsim import Armsim, ArmState, ManualClock
from armsim.errors import ArmError
from az import Az

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg"
PRINCIPAL = "00000000-0000-0000-0000-0000000000aa"
READER, UNKNOWN = "acdd72a7-3385-48ef-bd42-f606fba81ae7", "00000000-0000-0000-0000-0000000000ff"


def body(role: str, principal: str = PRINCIPAL) -> dict[str, Any]:
    return {"properties": {"roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{role}",
                           "principalId": principal, "principalType": "ServicePrincipal"}}


def test_azure_cli_finds_and_grants_a_custom_role(az: Az, sim: Armsim) -> None:
    sim.state.add_group("rg")
    guid = sim.state.add_role("My Role", actions=("Microsoft.Communication/*/read",))
    (role,) = az('role definition list --name "My Role"').ok().json
    assert (role["name"], role["roleName"], role["roleType"]) == (guid, "My Role", "CustomRole")
    assert role["permissions"][0]["actions"] == ["Microsoft.Communication/*/read"]
    created = az(f'role assignment create --role "my role" --scope {GROUP} --assignee-object-id {PRINCIPAL} '
                 "--assignee-principal-type ServicePrincipal").ok().json
    assert created["roleDefinitionId"] == role["id"]
    assert [one["roleName"] for one in az("role definition list --name Reader").ok().json] == ["Reader"]
    assert az("role definition list --name Nobody").ok().json == []


@pytest.mark.parametrize(("role", "name", "principal", "expected"), [
    (UNKNOWN, "2", PRINCIPAL, (404, "RoleDefinitionDoesNotExist")),
    (READER, "2", PRINCIPAL, (409, "RoleAssignmentExists")),
    (READER, "1", PRINCIPAL, (409, "RoleAssignmentExists")),
    (READER, "1", PRINCIPAL.upper(), (409, "RoleAssignmentExists")),
    (READER, "1", UNKNOWN, (400, "RoleAssignmentUpdateNotPermitted")),
])
def test_what_a_role_assignment_is_refused_for(role: str, name: str, principal: str, expected: tuple[int, str]) -> None:
    authorization = ArmState(ManualClock()).authorization
    authorization.put(GROUP, "1", body(READER), 0, False)
    with pytest.raises(ArmError) as refused:
        authorization.put(GROUP, name, body(role, principal), 0, False)
    assert (refused.value.status, refused.value.code) == expected


def test_an_unknown_definition_is_named_without_dashes() -> None:
    with pytest.raises(ArmError) as refused:
        ArmState(ManualClock()).authorization.definition(UNKNOWN)
    assert (refused.value.status, refused.value.code) == (404, "RoleDefinitionDoesNotExist")
    assert f"'{UNKNOWN.replace('-', '')}'" in refused.value.message


def test_assignments_at_a_management_group_apply_below_it() -> None:
    state = ArmState(ManualClock())
    above = state.add_role_assignment("/providers/Microsoft.Management/managementGroups/mg", READER, PRINCIPAL)
    state.add_role_assignment(f"{GROUP}/providers/Microsoft.Storage/storageAccounts/below", READER, PRINCIPAL)
    assert len(state.authorization.find(GROUP, f"principalId eq '{PRINCIPAL}'")) == 2
    (found,) = state.authorization.find(GROUP, f"atScope() and assignedTo('{PRINCIPAL}')")
    assert found["id"] == above
