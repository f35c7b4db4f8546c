# SPDX-License-Identifier: MIT
"""The rows of tables, also for what the service spells in its own way."""

from __future__ import annotations

from typing import Any

import pytest
from azext_communication_identity._format import list_table, show_table

PRINCIPAL = "00000000-0000-0000-0000-0000000000aa"


def user(name: str, subscription: str = "s", group: str = "rg") -> str:
    return (f"/subscriptions/{subscription}/resourcegroups/{group}/providers/Microsoft.ManagedIdentity"
            f"/userAssignedIdentities/{name}")


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
