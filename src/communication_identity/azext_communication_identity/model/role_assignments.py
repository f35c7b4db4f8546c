# SPDX-License-Identifier: MIT
"""Roles and role assignments as data: valid scopes and roles, the assignment to create, and what commands print. Pure.

A role assignment is what Microsoft.Authorization 2022-04-01 sends:

    {"id": ID, "name": GUID, "properties": {"roleDefinitionId": ID, "principalId": GUID, "scope": ID}}
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from azure.cli.core.azclierror import InvalidArgumentValueError

from .answers import object_at
from .quoting import for_display, for_shell
from .requests import Request
from .resource_id import GUID, last_segment

# Not compiled here, and with `a`, as in resource_id.py.
_ROLE_ID = rf"(?ia:(?:/subscriptions/{GUID})?/providers/Microsoft\.Authorization/roleDefinitions/({GUID}))"
# Segments of an ARM ID: nothing that ends a path or escapes from it.
_SEGMENT = r"(?!\.+(?:/|$))[^/?#%\\\s\x00-\x1f\x7f]+(?: [^/?#%\\\s\x00-\x1f\x7f]+)*"
# A provider with pairs of type and name: a type without a name is what an unset variable leaves.
_RESOURCE = rf"/providers/(?u:{_SEGMENT})(?:/(?!providers/)(?u:{_SEGMENT}/{_SEGMENT}))+"
_SCOPE = rf"(?ia:/subscriptions/{GUID}(?:/resourceGroups/(?u:{_SEGMENT}))?(?:{_RESOURCE})*|(?:{_RESOURCE})+)"
_ASSIGNMENT_ID = rf"(?ia:(?u:(?:/{_SEGMENT})*)/providers/Microsoft\.Authorization/roleAssignments/(?u:{_SEGMENT}))"
# Built-in roles that identities of a communication resource typically have. Role assignments name roles only by GUID,
# and `show --roles` shouldn't need a call for each name. (Azure's list of built-in roles.)
BUILT_IN_ROLES = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    "09976791-48a7-449e-bb21-39d1a415f350": "Communication and Email Service Owner",
    "a97b65f3-24c7-4388-baec-2e87135dc908": "Cognitive Services User",
    "25fbc0a9-bd7c-42a3-aa1a-3b75d497ee68": "Cognitive Services Contributor",
    "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd": "Cognitive Services OpenAI User",
    "f1a07417-d97a-45cb-824c-7a7467783830": "Managed Identity Operator",
    "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59": "Managed Identity Contributor",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
    "21090545-7ca7-4776-b22c-e363652d74d2": "Key Vault Reader",
    "2b629674-e913-4c01-ae53-ef4638d8f975": "Azure Event Hubs Data Sender",
    "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39": "Azure Service Bus Data Sender",
}


class Role(NamedTuple):
    """A role definition: its resource ID, its name, and its `permissions` if they were read."""

    id: str
    name: str
    permissions: Any = None

    @property
    def guid(self) -> str:
        """The last part of its ID, the same at every scope."""
        return last_segment(self.id)


def check_scope(scope: str) -> str:
    """An ARM scope (subscription, group, resource, management group), or InvalidArgumentValueError."""
    text = scope.strip().removesuffix("/")
    if not text.isprintable() or re.search("[\u212a\u017f]", text) or not re.fullmatch(_SCOPE, text):
        raise InvalidArgumentValueError(
            f"{for_display(scope)} is not a valid scope.",
            "A scope is the ID of a resource, a resource group, a subscription or a management group, such as "
            "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP. If the value contains a variable, check that it is set. "
            "To print the ID of a resource group, run:\n"
            "az group show --name GROUP --query id --output tsv")
    return text


def check_role(role: str) -> str:
    """A possible role name, GUID or ID, or InvalidArgumentValueError."""
    text = role.strip()
    wrong_id = re.match(r"/|[A-Za-z]:[/\\]|https?:", text) and not re.fullmatch(_ROLE_ID, text)
    if not text or len(text) > 512 or not text.isprintable() or wrong_id:
        raise InvalidArgumentValueError(
            f"{for_display(role)} is not a valid name or ID of a role.",
            "Specify the name or ID of a role. To list the roles, run:\n"
            'az role definition list --query "[].roleName" --output tsv')
    return text


def role_by_id(text: str, subscription: str) -> Role | None:
    """The role with this GUID or role definition ID, without a check that it exists; None for a role's name."""
    match = re.fullmatch(_ROLE_ID, text) or re.fullmatch(f"({GUID})", text)
    if not match:
        return None
    role_id = text if text.startswith("/") else (
        f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{text}")
    return Role(role_id, role_name(role_id))


def role_name(role_definition_id: str) -> str:
    """The name of a built-in role, else the last part of its ID."""
    guid = last_segment(role_definition_id)
    return BUILT_IN_ROLES.get(guid.lower(), guid)


def new_assignment(scope: str, role: Role, principal_id: str) -> dict[str, Any]:
    """A role assignment to create. Its name is a GUID made from its content, so a second run creates the same one."""
    name = str(uuid5(NAMESPACE_URL, f"{scope}|{role.guid}|{principal_id}".lower()))
    return {"id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}", "name": name,
            "properties": {"scope": scope, "roleDefinitionId": role.id, "principalId": principal_id}}


def plain_assignment(assignment: Mapping[str, Any], name: str | None = None) -> dict[str, str]:
    """A role assignment as commands print it."""
    properties = assignment["properties"]
    role_id = properties["roleDefinitionId"]
    return {"id": assignment["id"], "roleName": name or role_name(role_id), "roleDefinitionId": role_id,
            "scope": properties["scope"], "principalId": properties["principalId"]}


def is_assignment(found: Any) -> bool:
    """Whether this is a role assignment as the service sends it. Checks the ID too, because it may be deleted."""
    properties = found.get("properties") if isinstance(found, Mapping) else None
    return (isinstance(properties, Mapping) and isinstance(found.get("id"), str)
            and re.fullmatch(_ASSIGNMENT_ID, found["id"]) is not None
            and all(isinstance(properties.get(key), str) for key in ("roleDefinitionId", "scope", "principalId")))


def is_same_grant(found: Any, assignment: Mapping[str, Any]) -> bool:
    """Whether this is a role assignment that grants the same role to the same principal at the same scope."""
    return is_assignment(found) and _grant(found["properties"]) == _grant(assignment["properties"])


def _grant(properties: Mapping[str, str]) -> tuple[str, ...]:
    return (properties["scope"].lower(), last_segment(properties["roleDefinitionId"]).lower(),
            properties["principalId"].lower())


def plain_assignments(found: Iterable[Any], *principal_ids: str) -> list[dict[str, str]]:
    """The role assignments of these principals, plain. Skips all others, since what is returned may be deleted."""
    wanted = {principal_id.lower() for principal_id in principal_ids}
    return [plain_assignment(one) for one in found if is_assignment(one)
            and one["properties"]["principalId"].lower() in wanted]


def all_assignments(request: Request, found: Iterable[Any], principal_ids: Collection[str]) -> list[dict[str, str]]:
    """The role assignments of these principals in a list, plain. Raises RequestError if the list is incomplete: it
    contains what may be one of them, but can't be read.
    """
    wanted = [principal_id.lower() for principal_id in principal_ids]
    for one in found:
        principal = str(object_at(one, "properties").get("principalId"))
        if not re.fullmatch(GUID, principal) or (not is_assignment(one) and principal.lower() in wanted):
            raise request.unusable("The service's list contains a role assignment that can't be read.")
    return plain_assignments(found, *principal_ids)


def create_command(scope: str, role: str, principal_id: str) -> str:
    """The azure-cli command that grants a role, ready to paste."""
    return (f"az role assignment create --role {for_shell(role)} --assignee-object-id {for_shell(principal_id)} "
            f"--assignee-principal-type ServicePrincipal --scope {for_shell(scope)}")


def delete_command(assignment_ids: Iterable[str]) -> str:
    """The azure-cli command that deletes role assignments, ready to paste."""
    return f"az role assignment delete --ids {' '.join(map(for_shell, assignment_ids))}"


def hidden_from_manager(what: str) -> str:
    """What to say of a subscription, such as "this subscription", to a login that manages it from another tenant."""
    return (f"Your login manages {what} from another tenant (Azure Lighthouse) and doesn't see its role "
            "assignments")
