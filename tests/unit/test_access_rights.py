# SPDX-License-Identifier: MIT
"""What `check` makes of answers that aren't what was asked for, or say less: never "ok"."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from azext_communication_identity.actions.check import CheckOptions, check
from azext_communication_identity.arm.access_rights import Rights, rights_for, role_held
from azext_communication_identity.model.answers import Answer, NoAnswer
from azext_communication_identity.model.permissions import Access, assignment_of
from azext_communication_identity.model.purposes import PURPOSES, target_findings
from azext_communication_identity.model.requests import SharedGet
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.model.role_assignments import Role
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


def test_an_assignment_of_the_last_second_there_is() -> None:
    for kind in ("ServicePrincipal", "Group"):
        row = {**GRANT, "createdOn": "9999-12-31T23:59:59Z", "principalType": kind}
        access = checked(listed(row), DEFINITION, listed()).result.access
        assert (access.status, access.why) == ("warning", "new")


@pytest.mark.parametrize("row", [
    {**GRANT, "principalId": OTHER}, {**GRANT, "principalId": OTHER, "principalType": None},
    {**GRANT, "principalId": OTHER, "principalType": "User"}, {**GRANT, "principalId": None}, {**GRANT, "scope": None},
    {**GRANT, "roleDefinitionId": None}, None])
def test_a_list_with_rows_of_others_or_none_says_nothing(row: Any) -> None:
    team = {**GRANT, "principalId": OTHER, "principalType": "Group"}  # in a list of all, it may be anybody's
    played = checked(listed(team, row))
    assert played.refused.request == played.requests[0]
    assert played.refused.reply == NoAnswer("The service's list contains a role assignment that can't be read, or that belongs to "
                                            "another principal.", permanent=True)


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


# ---- what is asked, and a role by its name ---------------------------------------------------------------------------

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
VERSION = "api-version=2022-04-01"
READER, OWN = "acdd72a7-3385-48ef-bd42-f606fba81ae7", "3333333a-3333-3333-3333-33333333333b"
DENIED = f"{ACCOUNT}/providers/Microsoft.Authorization/denyAssignments?{VERSION}&$filter=atScope()"


def asked(path: str) -> SharedGet:
    return SharedGet(f"{ACCOUNT}/providers/Microsoft.Authorization/{path}")


ASSIGNED = asked(f"roleAssignments?{VERSION}&$filter=assignedTo%28%27{ME}%27%29")


def definition(guid: str, name: str, *data_actions: str) -> dict[str, Any]:
    return {"id": f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{guid}", "properties": {
        "roleName": name, "permissions": [{"dataActions": [*data_actions]}]}}


def of(guid: str) -> dict[str, Any]:
    """An assignment of the role with this GUID."""
    return {**GRANT, "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{guid}"}


def held(role: str, *replies: Answer) -> Played:
    return play(role_held(role, ACCOUNT, SUB.rpartition("/")[2], ME, NOW), *replies)


def test_what_is_asked() -> None:
    played = checked(listed(GRANT), DEFINITION, listed())
    assert played.requests == [ASSIGNED, asked(f"roleDefinitions/{ROLE}?{VERSION}"), SharedGet(DENIED)]
    rights = played.result
    assert (rights.role, [rights.name_of(one) for one in rights.access.assignments]) == ("Cognitive Services User", ["Cognitive Services User"])
    assert checked(listed()).requests == [ASSIGNED]  # nothing can deny what isn't granted


def test_at_a_management_group_only_what_applies_there_is_read() -> None:
    group = "/providers/Microsoft.Management/managementGroups/corp"
    played = play(rights_for(PURPOSES["azure-ai"], group, ME, NOW), listed())
    assert played.requests == [SharedGet(f"{group}/providers/Microsoft.Authorization/roleAssignments?{VERSION}"
                                         f"&$filter=atScope%28%29%20and%20assignedTo%28%27{ME}%27%29")]


def test_more_than_three_roles_are_read_as_one_list() -> None:
    guids = [ROLE, READER, OWN, OTHER]
    one_by_one = checked(listed(*map(of, guids[1:])), *[Answer(200, definition(guid, "x")) for guid in sorted(guids[1:])])
    assert [request.path.partition("/roleDefinitions/")[2][:36] for request in one_by_one.requests[1:]] == sorted(guids[1:])
    every = Answer(200, {"value": [definition(guid.upper(), f"role {guid}", "Microsoft.CognitiveServices/*") for guid in guids]})
    played = checked(listed(*map(of, guids)), every, listed())
    assert played.requests[1] == asked(f"roleDefinitions?{VERSION}")
    assert [played.result.name_of(one) for one in played.result.access.assignments] == [f"role {ROLE}"]
    assert played.result.access.status == "ok"


def test_a_definition_that_cant_be_read_matters_only_if_no_other_role_is_enough() -> None:
    refused = Answer(403, {"error": {"code": "X"}})
    assert checked(listed(of(ROLE), of(OWN)), refused, DEFINITION, listed()).result.access.status == "ok"  # OWN comes first
    assert checked(listed(of(OWN)), refused, listed()).refused.reply == refused


def test_the_name_of_a_role_that_was_not_read() -> None:
    def name(guid: str, **known: Role) -> str:
        return Rights(Access("ok", "granted"), "x", known).name_of(assignment_of({"id": "x", "properties": of(guid)}))

    assert [name(guid) for guid in (ROLE, OWN)] == ["Cognitive Services User", OWN]
    assert name(ROLE, **{ROLE: Role("/x", "")}) == "Cognitive Services User"
    assert name(ROLE, **{ROLE: Role("/x", "Renamed")}) == "Renamed"


@pytest.mark.parametrize(("scope", "why"), [
    (SUB, "granted"), (f"{ACCOUNT}/deployments/x", "below"), (f"{SUB}/resourceGroups/other", "missing"), (f"{ACCOUNT}2", "missing")])
def test_where_an_assignment_counts(scope: str, why: str) -> None:
    replies = [DEFINITION] * (why != "missing") + [listed()] * (why == "granted")
    assert checked(listed({**GRANT, "scope": scope}), *replies).result.access.why == why


@pytest.mark.parametrize("ask", [checked, lambda *replies: held("Cognitive Services User", *replies)])
def test_a_deny_assignment_of_the_principal_counts_where_only_its_group_has_a_role(ask: Callable[..., Played]) -> None:
    group = {**GRANT, "principalId": OTHER, "principalType": "Group"}
    deny = {"scope": SUB, "permissions": [{"dataActions": ["*"]}], "principals": [{"id": ME, "type": "ServicePrincipal"}]}
    roles = DEFINITION if ask is checked else Answer(200, {"value": [DEFINITION.body]})
    assert ask(listed(group), roles, listed(deny)).result.access.why == "denied"
    other = {**deny, "permissions": [{"dataActions": ["Microsoft.Other/*"]}]}
    assert ask(listed({**group, "createdOn": "2026-01-01T00:00:00Z"}), roles, listed(other)).result.access.why == "new"


@pytest.mark.parametrize("denied", [[], [{"scope": SUB, "permissions": [{"dataActions": ["Microsoft.Other/*"]}], "principals": [{"id": ME}]}]])
def test_a_role_itself_is_enough_whatever_its_conditions(denied: list[Any]) -> None:
    conditional = definition(OWN.upper(), "My Role", "Microsoft.X/read")
    conditional["properties"]["permissions"][0]["condition"] = "x"
    every = Answer(200, {"value": [conditional, definition(OTHER, "Other")]})
    assert held("My Role", listed(of(OWN), of(OTHER)), every, listed(*denied)).result.access.why == "granted"


@pytest.mark.parametrize("role", ["Cognitive Services User", "cognitive services USER", ROLE.upper(),
                                  f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"])
def test_a_role_that_is_held_itself(role: str) -> None:
    by_id = ROLE in role.lower()
    played = held(role, listed(GRANT), DEFINITION if by_id else Answer(200, {"value": [DEFINITION.body]}), listed())
    assert (played.result.access.status, played.result.role) == ("ok", "Cognitive Services User")
    assert played.requests[1].path.startswith(  # this definition, not all of them
        asked(f"roleDefinitions/{role[-36:]}?" if by_id else f"roleDefinitions?{VERSION}&$filter=").path)
    assert played.result.known[ROLE].id.startswith(SUB)
    assert len(played.requests) == 3


@pytest.mark.parametrize("role", ["my role", OWN, OWN.upper(), f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{OWN.upper()}"])
def test_a_role_that_another_one_contains(role: str) -> None:
    every = Answer(200, {"value": [definition(OTHER, "All", "*"), definition(OWN.upper(), "My Role", "Microsoft.X/read")]})
    played = held(role, listed(of(OTHER)), every, listed())
    assert (played.result.access.status, played.result.role) == ("ok", "My Role")
    assert played.requests[1] == asked(f"roleDefinitions?{VERSION}")
    assert [played.result.name_of(one) for one in played.result.access.assignments] == ["All"]


def test_a_role_that_is_not_held() -> None:
    played = held("My Role", listed(), Answer(200, {"value": [definition(OWN, "My Role", "Microsoft.X/read")]}))
    assert (played.result.access.status, played.result.access.why) == ("failed", "missing")
    elsewhere = Answer(200, {"value": [definition(OTHER, "Other")]})
    found = held("My Role", listed(of(OTHER)), elsewhere, Answer(200, {"value": [definition(OWN, "My Role", "Microsoft.X/read")]}))
    assert found.result.access.why == "missing"
    unknown = held("My Role", listed(), Answer(200, {"value": []}), Answer(200, {"value": []}))
    assert unknown.message[0] == f"There is no role 'My Role' at scope '{ACCOUNT}'."


def test_a_role_whose_definition_is_not_understood() -> None:
    odd = {**definition(OWN, "My Role"), "properties": {"roleName": "My Role", "permissions": "?"}}
    rights = held("My Role", listed(), Answer(200, {"value": [odd]})).result
    assert (rights.access.status, rights.access.why, rights.role, rights.known) == ("unknown", "no-definition", "My Role", {})


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


def test_a_managing_tenant_sees_no_assignments_at_a_management_group_either() -> None:
    options = CheckOptions(now=datetime(2026, 1, 1, tzinfo=timezone.utc), tenants={}, managed=[APP.subscription], roles=["Reader"],
                           scopes=["/providers/Microsoft.Management/managementGroups/corp"])
    block = {"type": "SystemAssigned", "principalId": ME}
    resource = Answer(200, {"id": APP.id, "identity": block, "properties": {"provisioningState": "Succeeded"}})
    found = play(check(APP, options), resource).result["findings"]
    assert [(one["check"], one["status"]) for one in found] == [("access", "unknown")]
    assert "Azure Lighthouse" in found[0]["reason"]
