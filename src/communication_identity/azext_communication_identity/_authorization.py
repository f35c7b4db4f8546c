# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Role definitions and role assignments, through azure-mgmt-authorization, which every azure-cli ships; but what a
principal holds, which every `remove` of a system-assigned identity asks for, without the time of its import.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from azure.cli.core.azclierror import InvalidArgumentValueError

from ._arm import items
from .model.names import shown
from .model.roles import Role, role_by_id

if TYPE_CHECKING:
    from azure.mgmt.communication import CommunicationServiceManagementClient


def resolve_role(client: Any, role: str, scope: str, subscription: str) -> Role:
    """The role of that name at the scope; a GUID or ID is taken as it is. Raises InvalidArgumentValueError with near
    names, or azure.core.exceptions.AzureError.
    """
    by_id = role_by_id(role, subscription)
    if by_id:
        return by_id
    literal = role.replace("'", "''")
    found = _roles(client, scope, f"roleName eq '{literal}'")
    if found:
        return found[0]
    from difflib import get_close_matches
    names = {known.name.lower(): known.name for known in _roles(client, scope)}
    near = [names[name] for name in get_close_matches(role.lower(), names, n=3, cutoff=0.5)]
    raise InvalidArgumentValueError(
        f"There is no role {shown(role)} at scope '{scope}'.",
        "Did you mean one of these?\n" + "\n".join(near) if near else
        "To list the roles, run:\naz role definition list --query [].roleName --output tsv")


def role_names(client: Any, scope: str) -> list[str]:
    """The names of all roles at the scope."""
    return [role.name for role in _roles(client, scope)]


def assignments_of(client: CommunicationServiceManagementClient, subscription: str, principal_id: str
                   ) -> Iterator[dict[str, Any]]:
    """The role assignments that a principal holds itself in a subscription, at any scope: 1 GET a page."""
    return items(client, f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments",
                 {"api-version": "2022-04-01", "$filter": f"principalId eq '{principal_id}'"})


def assignments_at(client: Any, scope: str, principal_id: str) -> list[dict[str, Any]]:
    """The role assignments of a principal that have to do with the scope."""
    pager = client.role_assignments.list_for_scope(scope, filter=f"principalId eq '{principal_id}'")
    return [_plain(model) for model in pager]


def create_assignment(client: Any, assignment: Mapping[str, Any]) -> None:
    """PUT a role assignment, always with principalType: ARM then doesn't look the principal up in the directory, which
    may not know it yet. Raises azure.core.exceptions.AzureError.
    """
    properties = {key: value for key, value in assignment["properties"].items() if key != "scope"}
    body = {"properties": {**properties, "principalType": "ServicePrincipal"}}
    client.role_assignments.create(assignment["properties"]["scope"], assignment["name"], json.dumps(body).encode())


def delete_assignment(client: Any, assignment_id: str) -> None:
    """DELETE a role assignment. Raises azure.core.exceptions.AzureError."""
    client.role_assignments.delete_by_id(assignment_id)


def _roles(client: Any, scope: str, odata_filter: str | None = None) -> list[Role]:
    pager = client.role_definitions.list(scope.lstrip("/"), filter=odata_filter)
    return [Role(model.id, model.role_name) for model in pager]


def _plain(model: Any) -> dict[str, Any]:
    return {"id": model.id, "properties": {"scope": model.scope, "roleDefinitionId": model.role_definition_id,
                                           "principalId": model.principal_id}}
