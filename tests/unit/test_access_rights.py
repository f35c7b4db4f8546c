# SPDX-License-Identifier: MIT
"""What `check` makes of answers that aren't what was asked for, or say less: never "ok"."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from azext_communication_identity.actions.check import CheckOptions, check
from azext_communication_identity.arm.access_rights import rights_for
from azext_communication_identity.model.answers import Answer
from azext_communication_identity.model.purposes import PURPOSES, target_findings
from azext_communication_identity.model.resource_id import ResourceId
from flow import Played, play

SUB = "/subscriptions/00000000-0000-0000-0000-00000000000a"
ACCOUNT = f"{SUB}/resourceGroups/ai/providers/Microsoft.CognitiveServices/accounts/myAI"
ME, OTHER = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
ROLE = "a97b65f3-24c7-4388-baec-2e87135dc908"
DEFINITION = Answer(200, {"id": f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{ROLE}", "properties": {
    "roleName": "Cognitive Services User", "permissions": [{"dataActions": ["Microsoft.CognitiveServices/*"]}]}})
GRANT = {"roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{ROLE}", "scope": ACCOUNT,
         "principalId": ME, "principalType": "ServicePrincipal", "createdOn": "2020-01-01T00:00:00Z"}


def listed(*rows: Any) -> Answer:
    return Answer(200, {"value": [{"id": f"{ACCOUNT}/{number}", "properties": row} for number, row in enumerate(rows)]})


def checked(assignments: Answer, *more: Answer) -> Played:
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    return play(rights_for(PURPOSES["azure-ai"], ACCOUNT, ME, now), assignments, *more)


def test_its_own_assignment_and_that_of_its_group_count() -> None:
    for row in (GRANT, {**GRANT, "principalId": OTHER, "principalType": "Group"}, {**GRANT, "principalType": None},
                {**GRANT, "principalId": ME.upper(), "roleDefinitionId": GRANT["roleDefinitionId"].upper()}):
        assert checked(listed(row), DEFINITION, listed()).result.access.status == "ok"


@pytest.mark.parametrize("row", [
    {**GRANT, "principalId": OTHER}, {**GRANT, "principalId": OTHER, "principalType": None},
    {**GRANT, "principalId": OTHER, "principalType": "User"}, {**GRANT, "principalId": None}, {**GRANT, "scope": None},
    {**GRANT, "roleDefinitionId": None}, None])
def test_a_list_with_rows_of_others_or_none_says_nothing(row: Any) -> None:
    team = {**GRANT, "principalId": OTHER, "principalType": "Group"}  # in a list of all, it may be anybody's
    assert "role assignment" in str(checked(listed(team, row)).refused)


@pytest.mark.parametrize("row", [
    {"principals": [{"id": OTHER}]}, {"principals": [{"id": OTHER, "type": None}]},
    {"principals": [{"id": OTHER, "type": "Tribe"}]}, {"principals": [{"id": ME}], "scope": None}, None,
    {"principals": [{"id": ME}], "doNotApplyToChildScopes": True, "scope": None}, {"principals": None}])
def test_a_deny_assignment_that_is_not_understood_may_apply(row: Any) -> None:
    deny = row and {"scope": SUB, "permissions": [{"dataActions": ["*"]}], **row}
    assert checked(listed(GRANT), DEFINITION, listed(deny)).result.access.why == "may-be-denied"


@pytest.mark.parametrize("kind", ["User", "ServicePrincipal", "Device"])
def test_a_deny_assignment_of_somebody_else_does_not_apply(kind: str) -> None:
    deny = {"scope": SUB, "permissions": [{"dataActions": ["*"]}], "principals": [{"id": OTHER, "type": kind}]}
    assert checked(listed(GRANT), DEFINITION, listed(deny)).result.access.why == "granted"


@pytest.mark.parametrize("role_id", [None, "", f"/providers/Microsoft.Authorization/roleDefinitions/{OTHER}"])
def test_the_definition_of_another_role_is_none(role_id: Any) -> None:
    other = Answer(200, {**DEFINITION.body, "id": role_id})
    assert checked(listed(GRANT), other, listed()).result.access.why == "unreadable"


# ---- the resource and its target -------------------------------------------------------------------------------------

APP = ResourceId(SUB.rpartition("/")[2], "rg", "app")


@pytest.mark.parametrize("shown", [{}, {"properties": None}, {"properties": {}}, {"properties": {"provisioningState": None}},
                                   {"properties": {"provisioningState": "Unknown"}}])
def test_a_state_that_is_not_shown(shown: Any) -> None:
    block = {"type": "SystemAssigned", "principalId": ME}
    options = CheckOptions(now=datetime(2026, 1, 1, tzinfo=timezone.utc), tenants={}, managed=())
    result = play(check(APP, options), Answer(200, {"id": APP.id, "identity": block, **shown})).result
    assert [(one["check"], one["status"]) for one in result["findings"]] == [("state", "unknown"), ("identity", "ok")]
    assert result["status"] == "unknown"


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("properties", [None, "?", {"networkAcls": "?"}, {"networkAcls": ["?"]},
                                        {"publicNetworkAccess": "SecuredByPerimeter"}, {"publicNetworkAccess": 7}])
def test_a_network_that_is_not_understood(purpose: str, properties: Any) -> None:
    found = {one.check: one.status for one in target_findings(purpose, ACCOUNT, {"id": ACCOUNT, "properties": properties})}
    assert found["network"] == "unknown"
    assert found["target"] == "unknown"
