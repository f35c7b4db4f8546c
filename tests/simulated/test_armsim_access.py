# SPDX-License-Identifier: MIT
"""armsim says who may do what as Azure does: role assignments, deny assignments, what they are for, restrictions."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from armsim import Armsim, ArmState, DirectClient, ManualClock
from armsim.authorization import ALL_PRINCIPALS
from armsim.http_types import Answer
from az import Az

SUB = f"/subscriptions/{ArmState.SUBSCRIPTION}"
OTHER = "00000000-0000-0000-0000-000000000002"
GROUP = f"{SUB}/resourceGroups/rg"
ACCOUNT = f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/ai"
ME, COLLEAGUE = "00000000-0000-0000-0000-0000000000aa", "00000000-0000-0000-0000-0000000000bb"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
AUTH = "/providers/Microsoft.Authorization"


@pytest.fixture
def state() -> ArmState:
    state = ArmState(ManualClock())
    state.add_subscription(OTHER, "other")
    return state


def get(state: ArmState, path: str, version: str, expected: int = 200) -> Any:
    client = DirectClient(state)
    answer: Answer = client("GET", f"{path}{'&' if '?' in path else '?'}api-version={version}")
    assert answer.status == expected, answer.body
    assert client.wire.violations == []
    return json.loads(answer.body)


def listed(state: ArmState, scope: str = GROUP, text: str = "", kind: str = "role", expected: int = 200) -> Any:
    query = f"?$filter={quote(text)}" if text else ""
    body = get(state, f"{scope}{AUTH}/{kind}Assignments{query}", "2022-04-01", expected)
    return body["value"] if expected == 200 else body["error"]


# ---- role assignments ------------------------------------------------------------------------------------------------

SCOPES = {"above": SUB, "here": GROUP, "below": ACCOUNT, "beside": f"{GROUP}2", "root": "/",
          "over": "/providers/Microsoft.Management/managementGroups/mg"}


@pytest.mark.parametrize(("text", "expected"), [
    ("", "above below group here nested over root theirs"),
    ("atScope()", "above group here nested over root theirs"),
    (f"principalId eq '{ME}'", "above below here over root"),
    (f"principalId eq '{ME.upper()}'", "above below here over root"),
    (f"assignedTo('{ME}')", "above below group here nested over root"),
    (f"atScope() and assignedTo('{ME}')", "above group here nested over root"),
    (f"principalId eq '{COLLEAGUE}'", "theirs"),
    ("principalId eq '00000000-0000-0000-0000-0000000000ff'", ""),
])
@pytest.mark.parametrize("escape", [quote, quote_plus, lambda text: text.replace(" ", "%20")])
def test_what_a_filter_lists(state: ArmState, text: str, expected: str, escape: Any) -> None:
    team = state.add_entra_group(ME.upper())
    everybody = state.add_entra_group(team)
    names = {state.add_role_assignment(scope, READER, ME): name for name, scope in SCOPES.items()}
    names[state.add_role_assignment(GROUP.upper(), READER, team)] = "group"
    names[state.add_role_assignment(SUB, READER, everybody)] = "nested"
    names[state.add_role_assignment(GROUP, READER, COLLEAGUE)] = "theirs"
    query = f"?$filter={escape(text)}" if text else ""
    found = get(state, f"{GROUP}{AUTH}/roleAssignments{query}", "2022-04-01")["value"]
    assert " ".join(sorted(names[one["id"]] for one in found)) == expected


@pytest.mark.parametrize("text", [
    f"atScope() and principalId eq '{ME}'", f"assignedTo('{ME}') and atScope()", "atScope() and", "atScope", " ",
    f"principalId eq {ME}", f"principalId eq '{ME}' or principalId eq '{COLLEAGUE}'", "principalId eq ''",
    f"atScope() or assignedTo('{ME}')", "roleDefinitionId eq 'x'"])
@pytest.mark.parametrize("kind", ["role", "deny"])
def test_any_other_filter_is_refused(state: ArmState, text: str, kind: str) -> None:
    error = listed(state, text=text, kind=kind, expected=400)
    assert error == {"code": "UnsupportedQuery", "message":
                     f"The filter '{text}' is not supported. Supported filters are either 'atScope()' or 'principalId "
                     "eq '{value}' or assignedTo('{value}')'."}


def test_an_assignment_has_every_field_in_the_recorded_order(state: ArmState) -> None:
    group = state.add_entra_group(ME)
    state.add_role_assignment(GROUP.lower(), READER, group, age=60.0)
    (shown,) = listed(state, text=f"assignedTo('{ME}')")
    made = shown["properties"]["createdOn"]
    assert json.dumps(shown["properties"]) == json.dumps({
        "roleDefinitionId": f"{SUB}{AUTH}/roleDefinitions/{READER}", "principalId": group, "principalType": "Group",
        "scope": GROUP.lower(), "condition": None, "conditionVersion": None, "createdOn": made, "updatedOn": made,
        "createdBy": "00000000-0000-0000-0000-00000000000c", "updatedBy": "00000000-0000-0000-0000-00000000000c",
        "delegatedManagedIdentityResourceId": None, "description": None})
    assert list(shown) == ["properties", "id", "type", "name"]
    assert re.fullmatch(r"2023-11-14T22:12:20\.\d{7}Z", made)


def test_the_definition_is_one_of_the_subscription_that_was_asked(state: ArmState) -> None:
    state.add_role_assignment("/", READER, ME)
    role = f"{AUTH}/roleDefinitions/{READER}"
    for scope, expected in ((GROUP, f"{SUB}{role}"), (f"/subscriptions/{OTHER}", f"/subscriptions/{OTHER}{role}"),
                            ("/providers/Microsoft.Management/managementGroups/mg", role)):
        (shown,) = listed(state, scope)
        assert shown["properties"]["roleDefinitionId"] == expected
        assert get(state, f"{scope}{role}", "2022-04-01")["id"] == expected


def test_a_new_assignment_differs_from_what_is_listed_later(state: ArmState) -> None:
    body = {"properties": {"roleDefinitionId": f"{AUTH}/roleDefinitions/{READER}", "principalId": ME,
                           "principalType": "ServicePrincipal"}}
    answer = DirectClient(state)("PUT", f"{GROUP}{AUTH}/roleAssignments/{COLLEAGUE}?api-version=2022-04-01", body)
    made, (shown,) = json.loads(answer.body), listed(state)
    assert (answer.status, made["properties"]["createdBy"]) == (201, None)
    assert made["properties"]["createdOn"] < made["properties"]["updatedOn"] == shown["properties"]["createdOn"]
    assert {**made["properties"], "createdBy": None, "createdOn": None} == {
        **shown["properties"], "createdBy": None, "createdOn": None}


def test_a_condition_is_shown(state: ArmState) -> None:
    state.add_role_assignment(GROUP, READER, ME, condition="@Resource[x] StringEquals 'y'")
    properties = listed(state)[0]["properties"]
    assert (properties["condition"], properties["conditionVersion"]) == ("@Resource[x] StringEquals 'y'", "2.0")


def test_management_groups_reach_what_is_below_them(state: ArmState) -> None:
    inner = state.add_management_group("inner", SUB)
    outer = state.add_management_group("outer", inner)
    beside = state.add_management_group("beside", f"/subscriptions/{OTHER}")
    names = {state.add_role_assignment(scope, READER, ME): scope for scope in (inner, outer, beside)}
    assert {names[one["id"]] for one in listed(state, ACCOUNT, "atScope()")} == {inner, outer}
    assert {names[one["id"]] for one in listed(state, inner, "atScope()")} == {inner, outer}
    assert {names[one["id"]] for one in listed(state, f"/subscriptions/{OTHER}")} == {beside}


@pytest.mark.parametrize("kind", ["role", "deny"])
def test_who_may_not_read_assignments_is_told_where(state: ArmState, kind: str) -> None:
    state.deny(f"Microsoft.Authorization/{kind}Assignments/read", GROUP)
    error = listed(state, ACCOUNT, kind=kind, expected=403)
    assert error["code"] == "AuthorizationFailed"
    assert (f"perform action 'Microsoft.Authorization/{kind}Assignments/read' over scope '{ACCOUNT}/providers/"
            "Microsoft.Authorization' or the scope is invalid.") in error["message"]


def test_a_login_of_a_managing_tenant_sees_no_assignments(state: ArmState) -> None:
    state.add_role_assignment(GROUP, READER, ME)
    state.add_deny_assignment(GROUP)
    tenant = state.manage_for_another_tenant()
    assert listed(state) == listed(state, kind="deny") == []
    shown = get(state, SUB, "2022-12-01")
    assert (shown["tenantId"], shown["managedByTenants"]) == (tenant, [{"tenantId": state.TENANT}])
    resource = state.add_resource("app", "rg", identity={"type": "SystemAssigned"})
    assert state.identity_of(resource)["tenantId"] == tenant


# ---- deny assignments ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "expected"), [
    ("", "above all below group theirs"), ("atScope()", "above all group theirs"),
    (f"assignedTo('{ME}')", "above all below group"), (f"atScope() and assignedTo('{ME}')", "above all group"),
    (f"principalId eq '{COLLEAGUE}'", "all theirs"), ("denyAssignmentName eq 'none'", "")])
def test_what_a_filter_lists_of_denials(state: ArmState, text: str, expected: str) -> None:
    team = state.add_entra_group(ME)
    names = {state.add_deny_assignment(scope, *who): name for name, scope, who in (
        ("above", SUB, [ME]), ("all", GROUP, []), ("below", ACCOUNT, [ME]), ("group", GROUP, [team]),
        ("theirs", GROUP, [COLLEAGUE]), ("beside", f"{GROUP}2", [ME]))}
    found = listed(state, text=text, kind="deny")
    assert " ".join(sorted(names[one["id"]] for one in found)) == expected
    for one in found:
        by_name = f"denyAssignmentName eq '{one['properties']['denyAssignmentName']}'"
        assert listed(state, text=by_name, kind="deny") == [one]


def test_the_shape_of_a_denial(state: ArmState) -> None:
    team = state.add_entra_group(ME)
    state.add_deny_assignment(GROUP, actions=("*",), not_actions=("*/read",), data_actions=("A/*",),
                              exclude=(team, COLLEAGUE), child_scopes=False)
    (shown,) = listed(state, kind="deny")
    assert {key: shown["properties"][key] for key in (
        "permissions", "scope", "doNotApplyToChildScopes", "principals", "excludePrincipals", "isSystemProtected")} == {
        "permissions": [{"actions": ["*"], "notActions": ["*/read"], "dataActions": ["A/*"], "notDataActions": []}],
        "scope": GROUP, "doNotApplyToChildScopes": True, "isSystemProtected": True,
        "principals": [{"id": ALL_PRINCIPALS, "type": "SystemDefined"}],
        "excludePrincipals": [{"id": team, "type": "Group"}, {"id": COLLEAGUE, "type": "ServicePrincipal"}]}


# ---- what identities get access to -----------------------------------------------------------------------------------

DENY_ALL = {"defaultAction": "Deny", "bypass": "AzureServices", "virtualNetworkRules": [], "ipRules": []}


@pytest.mark.parametrize(("given", "version", "expected"), [
    ({}, "2025-06-01", {"customSubDomainName": "ai", "publicNetworkAccess": "Enabled",
                        "endpoint": "https://ai.cognitiveservices.azure.com/", "provisioningState": "Succeeded"}),
    ({"subdomain": None}, "2025-06-01", {"publicNetworkAccess": "Enabled", "provisioningState": "Succeeded",
                                         "endpoint": "https://eastus.api.cognitive.microsoft.com/"}),
    ({"subdomain": "mine", "public_network_access": None, "state": "Creating", "disable_local_auth": True},
     "2025-06-01", {"customSubDomainName": "mine", "endpoint": "https://mine.cognitiveservices.azure.com/",
                    "provisioningState": "Creating", "disableLocalAuth": True}),
    ({"network_acls": DENY_ALL, "public_network_access": "Disabled"}, "2024-10-01",
     {"customSubDomainName": "ai", "publicNetworkAccess": "Disabled", "networkAcls": DENY_ALL,
      "endpoint": "https://ai.cognitiveservices.azure.com/", "provisioningState": "Succeeded"}),
    ({"network_acls": DENY_ALL}, "2023-05-01",
     {"customSubDomainName": "ai", "publicNetworkAccess": "Enabled", "provisioningState": "Succeeded",
      "endpoint": "https://ai.cognitiveservices.azure.com/",
      "networkAcls": {key: value for key, value in DENY_ALL.items() if key != "bypass"}}),
])
def test_an_ai_account(state: ArmState, given: dict[str, Any], version: str, expected: dict[str, Any]) -> None:
    account = state.add_ai_account("ai", "rg", **given)
    shown = get(state, account.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), version)
    assert (shown["id"], shown["kind"]) == (account, "AIServices")
    known = ("customSubDomainName", "publicNetworkAccess", "networkAcls", "endpoint", "provisioningState",
             "disableLocalAuth")
    assert {key: value for key, value in shown["properties"].items() if key in known} == expected
    assert "identity" not in shown


@pytest.mark.parametrize(("given", "expected"), [
    ({}, {"networkAcls": "Allow"}),
    ({"public_network_access": "Disabled"}, {"publicNetworkAccess": "Disabled", "networkAcls": "Allow"}),
    ({"network_acls": {"defaultAction": "Deny"}, "hierarchical": True, "shared_key": False},
     {"networkAcls": "Deny", "isHnsEnabled": True, "allowSharedKeyAccess": False}),
])
def test_a_storage_account(state: ArmState, given: dict[str, Any], expected: dict[str, Any]) -> None:
    account = state.add_storage_account("st", "rg", "calls", **given)
    shown = get(state, account, "2025-06-01")
    rules = shown["properties"].pop("networkAcls")
    assert list(rules) == ["ipv6Rules", "bypass", "virtualNetworkRules", "ipRules", "defaultAction"]
    known = ("publicNetworkAccess", "isHnsEnabled", "allowSharedKeyAccess")
    assert {"networkAcls": rules["defaultAction"],
            **{key: value for key, value in shown["properties"].items() if key in known}} == expected
    assert (shown["kind"], shown["properties"]["statusOfPrimary"]) == ("StorageV2", "available")
    container = get(state, f"{account}/blobServices/default/containers/calls", "2025-06-01")
    assert (container["name"], container["type"].rsplit("/", 1)[-1]) == ("calls", "containers")


STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st"


@pytest.mark.parametrize(("path", "expected"), [
    (ACCOUNT, "ResourceNotFound"), (ACCOUNT.replace("/rg/", "/none/"), "ResourceGroupNotFound"),
    (ACCOUNT.replace("000001/", "000009/"), "SubscriptionNotFound"), (f"{STORAGE}2", "ResourceNotFound"),
    (f"{STORAGE}/blobServices/default/containers/none", "ContainerNotFound"),
    (f"{STORAGE}2/blobServices/default/containers/none", "ResourceNotFound")])
def test_targets_that_are_not_there(state: ArmState, path: str, expected: str) -> None:
    state.add_storage_account("st", "rg")
    assert get(state, path, "2025-06-01", 404)["error"]["code"] == expected


def test_a_deleted_ai_account_can_be_recovered(state: ArmState) -> None:
    account = state.add_ai_account("ai", "rg")
    everywhere = f"{SUB}/providers/Microsoft.CognitiveServices/deletedAccounts"
    assert get(state, everywhere, "2025-06-01") == {"value": []}
    state.delete_target(account)
    assert get(state, account, "2025-06-01", 404)["error"]["code"] == "ResourceNotFound"
    (deleted,) = get(state, everywhere, "2025-06-01")["value"]
    there = f"{SUB}/providers/Microsoft.CognitiveServices/locations/eastus/resourceGroups/rg/deletedAccounts/ai"
    assert deleted["id"] == there
    assert get(state, there, "2025-06-01") == deleted
    assert get(state, f"{there}2", "2025-06-01", 404)["error"]["code"] == "ResourceNotFound"
    assert get(state, f"/subscriptions/{OTHER}{everywhere.removeprefix(SUB)}", "2025-06-01") == {"value": []}


def test_targets_change(state: ArmState) -> None:
    account = state.add_ai_account("ai", "rg", kind="OpenAI")
    state.change_target(account, public_network_access="Disabled")
    shown = get(state, account, "2025-06-01")
    assert (shown["kind"], shown["properties"]["publicNetworkAccess"]) == ("OpenAI", "Disabled")


@pytest.mark.parametrize(("path", "action"), [
    (ACCOUNT, "Microsoft.CognitiveServices/accounts/read"), (STORAGE, "Microsoft.Storage/storageAccounts/read"),
    (f"{STORAGE}/blobServices/default/containers/c", "Microsoft.Storage/storageAccounts/blobServices/containers/read"),
    (f"{SUB}/providers/Microsoft.CognitiveServices/deletedAccounts",
     "Microsoft.CognitiveServices/deletedAccounts/read"),
])
def test_targets_need_their_action(state: ArmState, path: str, action: str) -> None:
    state.add_ai_account("ai", "rg")
    state.add_storage_account("st", "rg", "c")
    state.deny(action, SUB)
    assert f"'{action}' over scope '{path}'" in get(state, path, "2025-06-01", 403)["error"]["message"]


# ---- restrictions of user-assigned identities ------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "isolation", "providers"), [
    ("2023-01-31", None, None), ("2024-11-30", "Regional", None), ("2026-04-30", "Regional", None),
    ("2025-05-31-preview", "Regional", ["Microsoft.Compute"]), ("2026-05-31", "Regional", ["Microsoft.Compute"])])
def test_versions_show_the_restrictions_that_they_know(state: ArmState, version: str, isolation: str | None,
                                                       providers: list[str] | None) -> None:
    identity = state.add_user_identity("id", "rg", isolation_scope="Regional", providers=("Microsoft.Compute",))
    for properties in (get(state, identity, version)["properties"],
                       get(state, identity.rsplit("/", 1)[0], version)["value"][0]["properties"]):
        assert properties.get("isolationScope") == isolation
        assert properties.get("assignmentRestrictions") == (providers and {"providers": providers})


def test_an_identity_without_restrictions(state: ArmState) -> None:
    properties = get(state, state.add_user_identity("id", "rg"), "2026-05-31")["properties"]
    assert (properties["isolationScope"], properties["assignmentRestrictions"]) == ("None", {"providers": []})


def test_a_cloud_that_does_not_know_a_version(state: ArmState) -> None:
    identity = state.add_user_identity("id", "rg")
    state.options.identity_versions = frozenset({"2023-01-31", "2018-11-30"})
    error = get(state, identity, "2026-05-31", 400)["error"]
    assert error["code"] == "NoRegisteredProviderFound"
    assert "API version '2026-05-31' for type 'userAssignedIdentities'" in error["message"]
    assert "'2018-11-30, 2023-01-31'" in error["message"]
    assert get(state, identity, "2023-01-31")["id"] == identity


def test_an_identity_that_was_created_again(state: ArmState) -> None:
    identity = state.add_user_identity("id", "rg")
    block = {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}
    resource = state.add_resource("app", "rg", identity=block)
    new = state.recreate_user_identity(identity)
    assert get(state, identity, "2023-01-31")["properties"]["principalId"] == new
    assert state.identity_of(resource)["userAssignedIdentities"][identity]["principalId"] != new


# ---- the real az -----------------------------------------------------------------------------------------------------


def test_azure_cli_grants_and_lists_roles(az: Az, sim: Armsim) -> None:
    account = sim.state.add_ai_account("ai", "rg")
    made = az(["role", "assignment", "create", "--assignee-object-id", ME, "--assignee-principal-type",
               "ServicePrincipal", "--role", "Cognitive Services User", "--scope", account]).ok().json
    assert (made["scope"], made["principalId"], made["principalType"]) == (account, ME, "ServicePrincipal")
    (shown,) = listed(sim.state, account, f"atScope() and assignedTo('{ME}')")
    assert (shown["id"], shown["properties"]["principalType"]) == (made["id"], "ServicePrincipal")
    found = az(["role", "assignment", "list", "--scope", account, "--fill-principal-name", "false"]).ok().json
    assert [one["id"] for one in found] == [made["id"]]
