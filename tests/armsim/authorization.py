# SPDX-License-Identifier: MIT
"""Role definitions, role assignments and deny assignments. No HTTP."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import errors
from .clock import Clock
from .operations import timestamp
from .roles import BUILT_IN_ROLES, Role

_ROLE_IN_FILTER = re.compile(r"roleName eq '((?:[^']|'')*)'")
_SCOPES_AND_PRINCIPALS = (r"(?P<at>atScope\(\))(?: and assignedTo\('(?P<held_here>[^']+)'\))?"
                          r"|assignedTo\('(?P<held>[^']+)'\)|principalId eq '(?P<itself>[^']+)'")
ALL_PRINCIPALS = "00000000-0000-0000-0000-000000000000"
_MANAGEMENT_GROUP = "/providers/microsoft.management/managementgroups/"
_DEFINITIONS = "/providers/Microsoft.Authorization/roleDefinitions"
_GRAPH_DEFINITIONS = "/providers/Microsoft.Authorization/RoleDefinitions"  # A16
MayRead = Callable[[str, str], bool]


class Filter(NamedTuple):
    """What a list of assignments is asked for: of whom, with or without that of its groups, and how far down."""

    principal: str | None
    with_groups: bool
    at_scope: bool  # not below it

    @classmethod
    def parse(cls, text: str | None) -> Filter:
        """Only what ARM takes (K66). Raises ArmError for anything else."""
        match = re.fullmatch(_SCOPES_AND_PRINCIPALS, text or "")
        if text and not match:
            raise errors.unsupported_filter(text)
        said = match.groupdict() if match else {}
        held = said.get("held_here") or said.get("held")
        principal = held or said.get("itself")
        return cls(principal.lower() if principal else None, bool(held), bool(said.get("at")))


@dataclass
class Authorization:
    """All role assignments of the tenant. `made`: when each principal was made, by principal ID; `gone`: assignments
    that were deleted, with the time; `assigned_at`: when each was made, by its ID.
    """

    clock: Clock
    tenant: str
    caller: str = ""
    assignments: dict[str, dict[str, Any]] = field(default_factory=dict)  # by lower-case ID
    denials: list[dict[str, Any]] = field(default_factory=list)  # deny assignments
    made: dict[str, float] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=lambda: dict(BUILT_IN_ROLES))
    gone: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    assigned_at: dict[str, float] = field(default_factory=dict)
    triples: set[tuple[str, str, str]] = field(default_factory=set)  # scope, role and principal of each assignment
    groups: dict[str, list[str]] = field(default_factory=dict)  # members of Entra groups
    parents: dict[str, str] = field(default_factory=dict)  # of management groups and subscriptions, by scope
    delegated: bool = False  # the login is of a managing tenant (Azure Lighthouse)

    # ---- role definitions --------------------------------------------------------------------------------------------

    def add_role(self, name: str, scope: str, *elements: dict[str, Any]) -> str:
        """Make a custom role; return its GUID."""
        guid = str(uuid.uuid4())
        self.roles[guid] = Role(name, elements, scope)
        return guid

    def definitions(self, scope: str, odata_filter: str | None) -> list[dict[str, Any]]:
        """The role definitions that can be assigned at a scope, all or those of a filter."""
        match = _ROLE_IN_FILTER.fullmatch(odata_filter or "")
        if odata_filter and not match:
            raise ValueError(f"unknown filter: {odata_filter}")
        wanted = match.group(1).replace("''", "'").lower() if match else None
        return [self.definition(guid, scope) for guid, role in self.roles.items()
                if wanted in (None, role.name.lower()) and within(scope, role.scope)]

    def definition(self, guid: str, scope: str = "") -> dict[str, Any]:
        """One role definition; 404 where there is none (K40)."""
        role = self.roles.get(guid.lower())
        if role is None:
            raise errors.role_definition_not_found(guid)
        return {"properties": _properties(role),
                "id": f"{_subscription(scope) or _subscription(role.scope)}{_DEFINITIONS}/{guid}",
                "type": "Microsoft.Authorization/roleDefinitions", "name": guid}

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
        kind = properties.get("principalType") or ("Group" if principal.lower() in self.groups else "ServicePrincipal")
        self.assignments[assignment_id.lower()] = {"properties": {  # K65
            "roleDefinitionId": properties["roleDefinitionId"], "principalId": principal, "principalType": kind,
            "scope": scope, "condition": properties.get("condition"),
            "conditionVersion": properties.get("conditionVersion"), "createdOn": None, "updatedOn": None,
            "createdBy": self.caller, "updatedBy": self.caller,
            "delegatedManagedIdentityResourceId": properties.get("delegatedManagedIdentityResourceId"),
            "description": properties.get("description")},
            "id": assignment_id, "type": "Microsoft.Authorization/roleAssignments", "name": name}
        self.triples.add(triple)
        self.date(assignment_id, self.clock.now())
        made = self.get(assignment_id)
        made["properties"] |= {"createdOn": timestamp(self.clock.now() - 0.8), "createdBy": None}  # K65
        return made

    def date(self, assignment_id: str, when: float) -> None:
        """Say when an assignment was made."""
        self.assigned_at[assignment_id.lower()] = when
        properties = self.assignments[assignment_id.lower()]["properties"]
        properties["createdOn"] = properties["updatedOn"] = timestamp(when)

    def get(self, assignment_id: str) -> dict[str, Any]:
        """One role assignment; 404 where there is none (A21)."""
        if assignment_id.lower() not in self.assignments:
            name = assignment_id.rsplit("/", 1)[-1]
            raise errors.ArmError(404, "RoleAssignmentNotFound", f"The role assignment '{name}' is not found.")
        return _as_asked(self.assignments[assignment_id.lower()], assignment_id)

    def delete(self, assignment_id: str) -> dict[str, Any] | None:
        """Delete one; None where there is none (ARM answers 204). Nothing else ever deletes one (A30)."""
        document = self.assignments.pop(assignment_id.lower(), None)
        if document:
            self.triples.discard(_triple(document))
            self.gone.append((self.clock.now(), document))
        return document

    def find(self, scope: str, odata_filter: str | None) -> list[dict[str, Any]]:
        """Those at, above and below a scope, as the filter says; none for a login of a managing tenant (K68)."""
        asked = Filter.parse(odata_filter)
        whose = self._whose(asked)
        return [_as_asked(one, scope) for one in self.assignments.values()
                if not self.delegated and (whose is None or one["properties"]["principalId"].lower() in whose)
                and self._reached(one["properties"]["scope"], scope, asked)]

    def deny(self, scope: str, properties: dict[str, Any]) -> str:
        """Make a deny assignment; return its ID."""
        name, now = str(uuid.uuid4()), timestamp(self.clock.now())
        self.denials.append({
            "properties": {"denyAssignmentName": name, "description": "", **properties, "scope": scope,
                           "isSystemProtected": True, "createdOn": now, "updatedOn": now, "createdBy": None,
                           "updatedBy": None},
            "id": f"{scope.rstrip('/')}/providers/Microsoft.Authorization/denyAssignments/{name}",
            "type": "Microsoft.Authorization/denyAssignments", "name": name})
        return str(self.denials[-1]["id"])

    def find_denials(self, scope: str, odata_filter: str | None) -> list[dict[str, Any]]:
        """The deny assignments at, above and below a scope, as the filter says (K67)."""
        named = re.fullmatch("denyAssignmentName eq '([^']*)'", odata_filter or "")
        asked = Filter.parse(None if named else odata_filter)
        whose = self._whose(asked)
        return [one for one in self.denials if not self.delegated
                and (not named or one["properties"]["denyAssignmentName"] == named.group(1))
                and (whose is None or any(each["id"].lower() in {*whose, ALL_PRINCIPALS}
                                          for each in one["properties"]["principals"]))
                and self._reached(one["properties"]["scope"], scope, asked)]

    def _whose(self, asked: Filter) -> set[str] | None:
        """The principals of a filter: one, with its groups and the groups of these if it asks for them."""
        if asked.principal is None:
            return None
        whose = {asked.principal}
        while asked.with_groups:
            more = {group for group, members in self.groups.items() if whose & set(members)} - whose
            if not more:
                break
            whose |= more
        return whose

    def _reached(self, scope: str, asked: str, by: Filter) -> bool:
        """Whether a list at a scope shows what is at another one: at or above it, or unless `atScope()` below (K41)."""
        return self.is_within(asked, scope) or not by.at_scope and self.is_within(scope, asked)

    def is_within(self, inner: str, outer: str) -> bool:
        """Whether a scope is another one or lies below it, with the management groups that were added."""
        if not self.parents or not outer.lower().startswith(_MANAGEMENT_GROUP):
            return within(inner, outer)
        place: str | None = (_subscription(inner) or inner).lower()
        while place and place != outer.lower():
            place = self.parents.get(place)
        return place is not None

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
            "assignableScopes": [role.scope], "permissions": list(role.permissions),
            "createdOn": "2021-11-11T20:13:45.8978856Z", "updatedOn": "2021-11-11T20:13:45.8978856Z",
            "createdBy": None, "updatedBy": None}


def _as_asked(assignment: dict[str, Any], scope: str) -> dict[str, Any]:
    """A role assignment as it shows at a scope: its role definition is one of the subscription there (K65)."""
    role = assignment["properties"]["roleDefinitionId"].rsplit("/", 1)[-1]
    return {**assignment, "properties": {**assignment["properties"],
                                         "roleDefinitionId": f"{_subscription(scope)}{_DEFINITIONS}/{role}"}}


def _subscription(scope: str) -> str:
    match = re.match("/subscriptions/[^/]+", scope, re.IGNORECASE)
    return match.group() if match else ""


def _triple(assignment: dict[str, Any]) -> tuple[str, str, str]:
    theirs = assignment["properties"]
    return (theirs["scope"].lower(), theirs["roleDefinitionId"].rsplit("/", 1)[-1].lower(),
            theirs["principalId"].lower())


def within(inner: str, outer: str) -> bool:
    """Whether a scope is another one or lies below it. Every subscription lies below every management group, unless
    management groups were added (`is_within`).
    """
    outer = outer.rstrip("/").lower()
    if outer.startswith(_MANAGEMENT_GROUP) and inner.lower().startswith("/subscriptions/"):
        return True
    return f"{inner}/".lower().startswith(f"{outer}/")
