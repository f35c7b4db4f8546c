# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Role definitions and role assignments. No HTTP."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from . import errors
from .clock import Clock

# Built-in roles with their real IDs (shared/WIRE_FACTS.md, section 6, and Azure's list of built-in roles).
BUILT_IN = {
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "User Access Administrator": "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
    "Cognitive Services User": "a97b65f3-24c7-4388-baec-2e87135dc908",
    "Cognitive Services Contributor": "25fbc0a9-bd7c-42a3-aa1a-3b75d497ee68",
    "Managed Identity Operator": "f1a07417-d97a-45cb-824c-7a7467783830",
    "Managed Identity Contributor": "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Communication and Email Service Owner": "09976791-48a7-449e-bb21-39d1a415f350",
}
_ROLE_IN_FILTER = re.compile(r"roleName eq '((?:[^']|'')*)'")
_PRINCIPAL_IN_FILTER = re.compile(r"principalId eq '([^']*)'|assignedTo\('([^']*)'\)")


@dataclass
class Authorization:
    """All role assignments of the tenant. `made`: when each principal was made, by principal ID."""

    clock: Clock
    tenant: str
    assignments: dict[str, dict[str, Any]] = field(default_factory=dict)  # by lower-case ID
    made: dict[str, float] = field(default_factory=dict)

    def definitions(self, scope: str, odata_filter: str | None) -> list[dict[str, Any]]:
        """The role definitions at a scope, all or those of a filter."""
        match = _ROLE_IN_FILTER.fullmatch(odata_filter or "")
        if odata_filter and not match:
            raise ValueError(f"unknown filter: {odata_filter}")
        wanted = match.group(1).replace("''", "'").lower() if match else None
        return [self.definition(guid) for name, guid in BUILT_IN.items() if wanted in (None, name.lower())]

    def definition(self, guid: str) -> dict[str, Any]:
        """One role definition."""
        name = next((name for name, known in BUILT_IN.items() if known == guid.lower()), None)
        if name is None:
            raise errors.ArmError(404, "RoleDefinitionDoesNotExist",
                                  f"The specified role definition with ID '{guid.replace('-', '')}' does not exist.")
        return {"id": f"/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Authorization"
                      f"/roleDefinitions/{guid}", "name": guid, "type": "Microsoft.Authorization/roleDefinitions",
                "properties": {"roleName": name, "type": "BuiltInRole", "description": name,
                               "assignableScopes": ["/"], "permissions": []}}

    def put(self, scope: str, name: str, body: dict[str, Any], replication_seconds: float,
            even_with_type: bool) -> dict[str, Any]:
        """Make a role assignment. The same triple under any name is RoleAssignmentExists (recorded); that the same
        name gives it too is not recorded: we are strict.
        """
        properties = body["properties"]
        principal = properties["principalId"]
        typed = bool(properties.get("principalType")) and not even_with_type
        age = self.clock.now() - self.made.get(principal.lower(), 0.0)
        if age < replication_seconds and not typed:
            raise errors.principal_not_found(principal, self.tenant)
        guid = properties["roleDefinitionId"].rsplit("/", 1)[-1]
        self.definition(guid)
        triple = (scope.lower(), guid.lower(), principal.lower())
        for other in self.assignments.values():
            theirs = other["properties"]
            if triple == (theirs["scope"].lower(), theirs["roleDefinitionId"].rsplit("/", 1)[-1].lower(),
                          theirs["principalId"].lower()):
                raise errors.role_assignment_exists()
        assignment_id = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
        if assignment_id.lower() in self.assignments:
            raise errors.ArmError(409, "RoleAssignmentUpdateNotPermitted",
                                  "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.")
        document = {"properties": {"principalType": "ServicePrincipal", **properties, "scope": scope},
                    "id": assignment_id, "type": "Microsoft.Authorization/roleAssignments", "name": name}
        self.assignments[assignment_id.lower()] = document
        return document

    def get(self, assignment_id: str) -> dict[str, Any]:
        """One role assignment."""
        if assignment_id.lower() not in self.assignments:
            name = assignment_id.rsplit("/", 1)[-1]
            raise errors.ArmError(404, "RoleAssignmentNotFound", f"The role assignment '{name}' is not found.")
        return self.assignments[assignment_id.lower()]

    def delete(self, assignment_id: str) -> dict[str, Any] | None:
        """Delete one; None where there is none (ARM answers 204)."""
        return self.assignments.pop(assignment_id.lower(), None)

    def find(self, scope: str, odata_filter: str | None) -> list[dict[str, Any]]:
        """Those at, above and below a scope, of all principals or the one of the filter; with atScope() not below."""
        text = (odata_filter or "").replace(" and ", "").replace("atScope()", "")
        match = _PRINCIPAL_IN_FILTER.fullmatch(text)
        if text and not match:
            raise ValueError(f"unknown filter: {odata_filter}")
        principal = (match.group(1) or match.group(2)).lower() if match else None
        return [one for one in self.assignments.values()
                if principal in (None, one["properties"]["principalId"].lower())
                and (_within(scope, one["properties"]["scope"])
                     or _within(one["properties"]["scope"], scope) and "atScope()" not in (odata_filter or ""))]


def _within(inner: str, outer: str) -> bool:
    """Whether a scope is another one or lies below it."""
    return f"{inner}/".lower().startswith(f"{outer.rstrip('/')}/".lower())
