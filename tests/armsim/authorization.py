# SPDX-License-Identifier: MIT
"""Role definitions and role assignments. No HTTP."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import errors
from .clock import Clock
from .operations import timestamp
from .roles import BUILT_IN_ROLES, Role

_ROLE_IN_FILTER = re.compile(r"roleName eq '((?:[^']|'')*)'")
_PRINCIPAL_IN_FILTER = re.compile(r"principalId eq '([^']*)'|assignedTo\('([^']*)'\)")
_MANAGEMENT_GROUP = "/providers/microsoft.management/managementgroups/"
_DEFINITIONS = "/providers/Microsoft.Authorization/roleDefinitions"
_GRAPH_DEFINITIONS = "/providers/Microsoft.Authorization/RoleDefinitions"  # A16
MayRead = Callable[[str, str], bool]


@dataclass
class Authorization:
    """All role assignments of the tenant. `made`: when each principal was made, by principal ID; `gone`: assignments
    that were deleted, with the time; `assigned_at`: when each was made, by its ID.
    """

    clock: Clock
    tenant: str
    assignments: dict[str, dict[str, Any]] = field(default_factory=dict)  # by lower-case ID
    made: dict[str, float] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=lambda: dict(BUILT_IN_ROLES))
    gone: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    assigned_at: dict[str, float] = field(default_factory=dict)
    triples: set[tuple[str, str, str]] = field(default_factory=set)  # scope, role and principal of each assignment

    # ---- role definitions --------------------------------------------------------------------------------------------

    def add_role(self, name: str, scope: str, actions: tuple[str, ...] = ()) -> str:
        """Make a custom role; return its GUID."""
        guid = str(uuid.uuid4())
        self.roles[guid] = Role(name, actions, scope=scope)
        return guid

    def definitions(self, scope: str, odata_filter: str | None) -> list[dict[str, Any]]:
        """The role definitions that can be assigned at a scope, all or those of a filter."""
        match = _ROLE_IN_FILTER.fullmatch(odata_filter or "")
        if odata_filter and not match:
            raise ValueError(f"unknown filter: {odata_filter}")
        wanted = match.group(1).replace("''", "'").lower() if match else None
        return [self.definition(guid) for guid, role in self.roles.items()
                if wanted in (None, role.name.lower()) and within(scope, role.scope)]

    def definition(self, guid: str) -> dict[str, Any]:
        """One role definition; 404 where there is none (K40)."""
        role = self.roles.get(guid.lower())
        if role is None:
            raise errors.role_definition_not_found(guid)
        place = re.match("/subscriptions/[^/]+", role.scope)
        subscription = place.group() if place else "/subscriptions/00000000-0000-0000-0000-000000000000"
        return {"id": f"{subscription}{_DEFINITIONS}/{guid}", "name": guid,
                "type": "Microsoft.Authorization/roleDefinitions", "properties": _properties(role)}

    # ---- role assignments --------------------------------------------------------------------------------------------

    def put(self, scope: str, name: str, body: dict[str, Any], replication_seconds: float,
            even_with_type: bool) -> dict[str, Any]:
        """Make a role assignment. The same triple exists already under any name (K39, A19); an unknown role (A20) and
        an unknown principal (K38, A14) are refused, and so is the name of another assignment (K54).
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
        if triple in self.triples:
            raise errors.role_assignment_exists()
        assignment_id = f"{scope.rstrip('/')}/providers/Microsoft.Authorization/roleAssignments/{name}"
        if assignment_id.lower() in self.assignments:
            raise errors.role_assignment_update_not_permitted()
        now = timestamp(self.clock.now())
        document = {"properties": {"principalType": "ServicePrincipal", **properties, "scope": scope, "createdOn": now,
                                   "updatedOn": now},
                    "id": assignment_id, "type": "Microsoft.Authorization/roleAssignments", "name": name}
        self.assignments[assignment_id.lower()] = document
        self.triples.add(triple)
        self.assigned_at[assignment_id.lower()] = self.clock.now()
        return document

    def get(self, assignment_id: str) -> dict[str, Any]:
        """One role assignment; 404 where there is none (A21)."""
        if assignment_id.lower() not in self.assignments:
            name = assignment_id.rsplit("/", 1)[-1]
            raise errors.ArmError(404, "RoleAssignmentNotFound", f"The role assignment '{name}' is not found.")
        return self.assignments[assignment_id.lower()]

    def delete(self, assignment_id: str) -> dict[str, Any] | None:
        """Delete one; None where there is none (ARM answers 204). Nothing else ever deletes one (A30)."""
        document = self.assignments.pop(assignment_id.lower(), None)
        if document:
            self.triples.discard(_triple(document))
            self.gone.append((self.clock.now(), document))
        return document

    def find(self, scope: str, odata_filter: str | None) -> list[dict[str, Any]]:
        """Those at, above and below a scope, of all principals or the one of the filter; with atScope() not below
        (K41).
        """
        text = (odata_filter or "").replace(" and ", "").replace("atScope()", "")
        match = _PRINCIPAL_IN_FILTER.fullmatch(text)
        if text and not match:
            raise ValueError(f"unknown filter: {odata_filter}")
        principal = (match.group(1) or match.group(2)).lower() if match else None
        return [one for one in self.assignments.values()
                if principal in (None, one["properties"]["principalId"].lower())
                and (within(scope, one["properties"]["scope"])
                     or within(one["properties"]["scope"], scope) and "atScope()" not in (odata_filter or ""))]

    # ---- rows of Resource Graph --------------------------------------------------------------------------------------

    def graph_rows(self, may_read: MayRead, lag: float) -> list[dict[str, Any]]:
        """Rows of `authorizationresources` (K48, K49, A16) that the login may read (K47), `lag` seconds old (A13)."""
        since = self.clock.now() - lag
        known = [document for key, document in self.assignments.items() if not lag or self.assigned_at[key] <= since]
        known += [document for when, document in self.gone if lag and when > since]
        assignments = [_graph_assignment(one) for one in known
                       if may_read("Microsoft.Authorization/roleAssignments/read", one["properties"]["scope"])]
        definitions = [{"id": f"{_GRAPH_DEFINITIONS}/{guid}", "name": guid, "subscriptionId": "", "resourceGroup": "",
                        "type": "microsoft.authorization/roledefinitions", "tenantId": self.tenant,
                        "location": "global", "properties": _properties(role)}
                       for guid, role in self.roles.items()
                       if not role.custom or may_read("Microsoft.Authorization/roleDefinitions/read", role.scope)]
        return [{**row, "tenantId": self.tenant} for row in assignments] + definitions


def _graph_assignment(document: dict[str, Any]) -> dict[str, Any]:
    properties = document["properties"]
    place = re.match("/subscriptions/([^/]+)(?:/resourcegroups/([^/]+))?", properties["scope"], re.IGNORECASE)
    subscription, group = (place.group(1), place.group(2) or "") if place else ("", "")
    role_id = f"{_GRAPH_DEFINITIONS}/{properties['roleDefinitionId'].rsplit('/', 1)[-1]}"
    return {"id": document["id"], "name": document["name"], "type": "microsoft.authorization/roleassignments",
            "location": "global", "subscriptionId": subscription, "resourceGroup": group.lower(),
            "properties": {**properties, "roleDefinitionId": role_id}}


def _properties(role: Role) -> dict[str, Any]:
    return {"roleName": role.name, "type": "CustomRole" if role.custom else "BuiltInRole", "description": role.name,
            "assignableScopes": [role.scope],
            "permissions": [{"actions": list(role.actions), "notActions": list(role.not_actions)}]}


def _triple(assignment: dict[str, Any]) -> tuple[str, str, str]:
    theirs = assignment["properties"]
    return (theirs["scope"].lower(), theirs["roleDefinitionId"].rsplit("/", 1)[-1].lower(),
            theirs["principalId"].lower())


def within(inner: str, outer: str) -> bool:
    """Whether a scope is another one or lies below it. Every subscription lies below every management group."""
    outer = outer.rstrip("/").lower()
    if outer.startswith(_MANAGEMENT_GROUP) and inner.lower().startswith("/subscriptions/"):
        return True
    return f"{inner}/".lower().startswith(f"{outer}/")
