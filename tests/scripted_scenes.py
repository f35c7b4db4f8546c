# SPDX-License-Identifier: MIT
"""What a ScriptedArm answers in most tests."""

from __future__ import annotations

from typing import Any

from scripted_arm import SUB, Reply

ID = f"/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.Communication/communicationServices/"
PRINCIPAL = "11111111-1111-1111-1111-111111111111"
ROLE = "a97b65f3-24c7-4388-baec-2e87135dc908"
SCOPE = f"/subscriptions/{SUB}/resourceGroups/ai"


def resource(name: str, principal: str | None = None) -> Reply:
    """A resource, with the system-assigned identity or without."""
    identity = {"type": "SystemAssigned", "principalId": principal, "tenantId": SUB} if principal else {"type": "None"}
    return Reply(200, {"id": ID + name, "identity": identity, "properties": {"provisioningState": "Succeeded"}})


def assignment(number: int, principal: str = PRINCIPAL) -> dict[str, Any]:
    role = f"/subscriptions/{SUB}/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"
    return {"id": f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments/{principal[:8]}-{number:04}-0000-0000-"
                  "000000000000",
            "properties": {"roleDefinitionId": role, "scope": SCOPE, "principalId": principal}}


def identity(name: str = "one") -> str:
    """The ID of a user-assigned identity in the resource's group, as Microsoft.ManagedIdentity spells it."""
    return f"/subscriptions/{SUB}/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"


def holding(entries: dict[str, Any], name: str = "myApp") -> Reply:
    """A resource with these user-assigned identities."""
    return Reply(200, {"id": ID + name, "properties": {"provisioningState": "Succeeded"}, "identity": {
        "type": "UserAssigned", "userAssignedIdentities": entries}})


def found(principal: str = PRINCIPAL, name: str = "one") -> Reply:
    """A user-assigned identity."""
    return Reply(200, {"id": identity(name), "name": name, "location": "westeurope", "properties": {
        "principalId": principal, "clientId": principal, "tenantId": SUB}})
