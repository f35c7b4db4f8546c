# SPDX-License-Identifier: MIT
"""The rows of tables, also for what the service spells in its own way."""

from __future__ import annotations

import time
from typing import Any

import pytest
from azext_communication_identity._format import list_table, show_table
from azure.cli.core._session import ACCOUNT

PRINCIPAL = "00000000-0000-0000-0000-0000000000aa"


def user(name: str, subscription: str = "s", group: str = "rg") -> str:
    return (f"/subscriptions/{subscription}/resourcegroups/{group}/providers/Microsoft.ManagedIdentity"
            f"/userAssignedIdentities/{name}")


@pytest.fixture(autouse=True)
def _no_subscriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests let the CLI know some."""
    monkeypatch.setattr(ACCOUNT, "data", {})


@pytest.mark.parametrize("principal", [PRINCIPAL, PRINCIPAL.upper()])
def test_roles_are_found_in_any_casing(principal: str) -> None:
    role = {"roleName": "Reader", "scope": "/x", "principalId": principal}
    block = {"type": "SystemAssigned", "principalId": PRINCIPAL, "roleAssignments": [role]}
    assert [(row["Role"], row["Scope"]) for row in show_table(block)] == [("Reader", "/x")]


@pytest.mark.parametrize("key", ["weird", "/user/x", "", "/a/b/c/d/e"])
def test_a_key_that_is_no_id_is_a_name(key: str) -> None:
    block = {"type": "UserAssigned", "userAssignedIdentities": {key: {}, user("one"): {}}}
    assert [(row["Name"], row["ResourceGroup"]) for row in show_table(block)] == [(key, ""), ("one", "rg")]
    listed = {**block, "name": "app", "resourceGroup": "RG"}
    assert list_table([listed])[0]["UserAssigned"] == f"{key}, one"


def test_identities_with_one_name_in_two_subscriptions_are_two() -> None:
    def block(*identities: str) -> dict[str, Any]:
        return {"type": "UserAssigned", "userAssignedIdentities": {identity: {} for identity in identities}}
    result = {"id": "/x/app", "before": block(user("one")), "after": block(user("ONE"), user("one", "other")),
              "roleAssignments": [], "changes": True}
    assert [(row["Name"], row["Change"]) for row in show_table(result)] == [("ONE", ""), ("one", "+")]


SUB = "00000000-0000-0000-0000-000000000001"
GROUP = f"/subscriptions/{SUB}/resourceGroups/myResourceGroup"
AI = f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/myAI"
COGNITIVE, ADMINISTRATOR = "Cognitive Services User", "Role Based Access Control Administrator"


def held(role: str, scope: str, name: str = "myIdentity") -> dict[str, Any]:
    """A block of both kinds of identities, where the system-assigned one has a role."""
    return {"type": "SystemAssigned,UserAssigned", "principalId": PRINCIPAL,
            "userAssignedIdentities": {user(name): {"principalId": "other", "clientId": "client"}},
            "roleAssignments": [{"roleName": role, "scope": scope, "principalId": PRINCIPAL}]}


def dry_run(role: str, scope: str) -> dict[str, Any]:
    """A dry run that grants a role to a new identity."""
    return {"id": "/x/myApp", "before": {"type": "None"}, "after": held(role, scope), "changes": True,
            "roleAssignments": [{"roleName": role, "scope": scope, "change": "create", "identity": "SystemAssigned"}]}


def columns(rows: list[dict[str, str]]) -> int:
    """How wide azure-cli draws them."""
    from tabulate import tabulate  # type: ignore[import-untyped]  # it ships no types
    return max(map(len, tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True).splitlines()))


@pytest.mark.parametrize(("scope", "role", "expected"), [
    (GROUP, "Reader", "myResourceGroup"),
    (GROUP.upper(), "Reader", "MYRESOURCEGROUP"),
    (f"/subscriptions/{SUB}", "Reader", f"subscription {SUB}"),
    ("/", "Reader", "/"),
    ("/subscriptions", "Reader", "subscription "),
    (f"/subscriptions/{SUB}/providers/Microsoft.X", "Reader", "subscriptions/…/Microsoft.X"),
    ("/providers/Microsoft.Management/managementGroups/all", "Reader", "/providers/Microsoft.Management/managementGroups/all"),
    (f"{GROUP}/providers/Microsoft.X/y/z", COGNITIVE, "myResourceGroup/providers/Microsoft.X/y/z"),
    (AI, COGNITIVE, "myResourceGroup/…/myAI"),
    (AI, ADMINISTRATOR, "myResourceGroup/…/myAI"),
    (f"{AI}/{'m' * 60}", COGNITIVE, "myResourceGroup/…/mmmmm…mmmmmmmmmmmmmmmmmmmmmmm"),
    (f"{AI}\x1b[2J", COGNITIVE, "myResourceGroup/…/myAI\\x1b[2J"),
])
def test_scopes_begin_at_the_group_and_fit(scope: str, role: str, expected: str) -> None:
    rows = show_table(held(role, scope))
    assert list(rows[0]) == ["Kind", "Name", "Role", "Scope"]
    assert rows[0]["Scope"] == expected
    assert columns(rows) <= 100


@pytest.mark.parametrize("scope", [AI, f"/subscriptions/{SUB}", f"{AI}/{'m' * 60}"])
def test_a_dry_run_with_roles_fits(scope: str) -> None:
    rows = show_table([dry_run(COGNITIVE, scope), dry_run("Reader", scope)])
    assert [row["Kind"] for row in rows] == ["SystemAssigned", "UserAssigned", "RoleAssignment"] * 2
    assert rows[2]["Name"].startswith(f"{COGNITIVE} on ")
    assert columns(rows) <= 100


def test_a_subscription_has_its_name_if_the_cli_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ACCOUNT, "data", {"subscriptions": [{"id": SUB.upper(), "name": "Pay as you go"}]})
    assert show_table(held("Reader", f"/subscriptions/{SUB}"))[0]["Scope"] == "subscription Pay as you go"


def test_control_characters_are_escaped_in_every_table() -> None:
    block = {"type": "UserAssigned", "userAssignedIdentities": {user("a\x1b[2Jb"): {"principalId": 5}}}
    assert show_table(block)[0]["Name"] == "a\\x1b[2Jb"
    assert list_table([{**block, "name": "app", "resourceGroup": "rg"}])[0]["UserAssigned"] == "a\\x1b[2Jb"


def test_a_table_of_a_fleet_takes_no_time() -> None:
    blocks = [{"id": f"/resources/app{number}", "type": "SystemAssigned", "principalId": "p"} for number in range(3000)]
    begun = time.process_time()
    rows = show_table(blocks)
    assert len(rows) == 3000
    assert time.process_time() - begun < 2.0  # 0.02 s; if each row were compared with all others, 8 s
