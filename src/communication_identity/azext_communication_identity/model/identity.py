# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Managed identities and their roles as data: which identities a resource has, which are wanted, the PATCH body between
them, and the role assignments that give an identity its access. Pure: no I/O, no SDK.

An identity block is the `identity` property of an ARM resource (common-types v5, ManagedServiceIdentity), and a role
assignment is what Microsoft.Authorization 2022-04-01 sends:

    {"type": "SystemAssigned, UserAssigned", "principalId": GUID, "tenantId": GUID,
     "userAssignedIdentities": {RESOURCE_ID: {"clientId": GUID, "principalId": GUID}}}
    {"id": ID, "name": GUID, "properties": {"roleDefinitionId": ID, "principalId": GUID, "scope": ID}}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from azure.cli.core.azclierror import InvalidArgumentValueError

from .names import GUID, for_display, for_shell

Block = Mapping[str, Any]
NOTHING: Block = MappingProxyType({})

_SYSTEM = "systemassigned"
_USER = "userassigned"
_SPELLING = {_SYSTEM: "SystemAssigned", _USER: "UserAssigned", "none": "None"}


class Identities(NamedTuple):
    """The identities of one resource; user-assigned ones as resource IDs, in the service's own casing."""

    system_assigned: bool = False
    user_assigned: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """The `type` of ARM's contract, spelled as the OpenAPI document spells it (no space)."""
        kinds = ["SystemAssigned"] * self.system_assigned + ["UserAssigned"] * bool(self.user_assigned)
        return ",".join(kinds) or "None"


class Change(NamedTuple):
    """The identities that a command names. `all_user_assigned` applies only to a removal."""

    system_assigned: bool = False
    user_assigned: tuple[str, ...] = ()
    all_user_assigned: bool = False


def find_id(wanted: str, among: Iterable[str]) -> str | None:
    """The ID of `among` that names the same resource as `wanted`, in its own casing. ARM IDs are case-insensitive."""
    return next((identity for identity in among if identity.lower() == wanted.lower()), None)


def identities_of(block: Block) -> Identities:
    """Read an identity block in any spelling: the service answers "SystemAssigned, UserAssigned" (recorded), accepts
    "SystemAssigned,UserAssigned", and omits the block if there are no identities. The identities in the map count, no
    matter what the type says: a write that left them out would drop them.
    """
    return Identities(_SYSTEM in _kinds(block), tuple(_users(block)))


def unknown_of(block: Block) -> str | None:
    """A description of what our PATCH can't express and would drop; None if it can express the whole block."""
    users = block.get("userAssignedIdentities")
    strange = [kind for kind in _kinds(block) if kind not in _SPELLING]
    if not block.get("type") and block.get("principalId"):
        return "a principal ID without a type"
    if strange:
        return f"the type {block.get('type')!r}"
    if users is not None and not isinstance(users, Mapping):
        return "a map of user-assigned identities in an unknown form"
    if _USER in _kinds(block) and not users:
        return f"the type {block.get('type')!r} without its user-assigned identities"
    return None


def after_assign(current: Identities, change: Change) -> Identities:
    """The current identities, in their casing and order, and the named ones that aren't among them."""
    return Identities(current.system_assigned or change.system_assigned,
                      current.user_assigned + difference(change, current).user_assigned)


def after_remove(current: Identities, change: Change) -> Identities:
    """The current identities that aren't named."""
    left = difference(current, change)
    return left._replace(user_assigned=()) if change.all_user_assigned else left


def patch_body(current: Identities, wanted: Identities) -> dict[str, Any]:
    """The body of the PATCH that leads from `current` to `wanted`.

    It names the whole wanted state: every identity to keep or add as {}, and every one to remove as null. That is
    correct whether the service merges the map (as recorded for Storage, Compute and others) or replaces it. If no
    user-assigned identity is left, the map is absent: ARM refuses it unless `type` contains UserAssigned.
    """
    block: dict[str, Any] = {"type": wanted.type}
    if wanted.user_assigned:
        block["userAssignedIdentities"] = {
            **{identity: {} for identity in wanted.user_assigned},
            **dict.fromkeys(difference(current, wanted).user_assigned),
        }
    return {"identity": block}


def unsettled(block: Block, wanted: Identities) -> list[str]:
    """The identities in `wanted` that have no IDs yet, as messages name them: the system-assigned identity without its
    principal ID, a user-assigned one without its client ID or principal ID. Directly after a write, the service may
    answer {} for them (recorded for PUT).
    """
    users = {identity.lower(): details for identity, details in _users(block).items()}
    missing = Identities(
        wanted.system_assigned and not block.get("principalId"),
        tuple(identity for identity in wanted.user_assigned
              if not all(users.get(identity.lower(), {}).get(key) for key in ("clientId", "principalId"))))
    return described(missing)


def difference(one: Identities | Change, other: Identities | Change) -> Identities:
    """The identities in `one` that aren't in `other`."""
    return Identities(one.system_assigned and not other.system_assigned,
                      tuple(identity for identity in one.user_assigned
                            if find_id(identity, other.user_assigned) is None))


def plain_block(block: Block) -> dict[str, Any]:
    """The block as commands print it: plain dicts, keys absent rather than null, `type` without the service's space,
    and {"type": "None"} if there is no identity.
    """
    kinds = sorted({_SPELLING.get(kind, kind) for kind in _kinds(block)} - {"None"})
    plain: dict[str, Any] = {"type": ",".join(kinds) or "None"}
    for key in ("principalId", "tenantId"):
        if _SYSTEM in _kinds(block) and block.get(key):
            plain[key] = block[key]
    if _users(block):
        plain["userAssignedIdentities"] = {
            identity: {key: value for key, value in details.items() if value is not None}
            for identity, details in _users(block).items()}
    return plain


def block_of(identities: Identities, known: Block, new: Mapping[str, dict[str, Any]] = NOTHING) -> dict[str, Any]:
    """The plain block for these identities, with the IDs that `known` has, or `new` for further user-assigned ones."""
    users = {identity.lower(): details for identity, details in {**new, **_users(known)}.items()}
    block: dict[str, Any] = {"type": identities.type}
    if identities.system_assigned:
        block.update({key: known.get(key) for key in ("principalId", "tenantId")})
    block["userAssignedIdentities"] = {one: users.get(one.lower(), {}) for one in identities.user_assigned}
    return plain_block(block)


def principals_of(block: Block, among: Identities) -> list[str]:
    """The principal IDs of the identities `among`, if the block has them."""
    users = {identity.lower(): details for identity, details in _users(block).items()}
    found = [block.get("principalId")] if among.system_assigned else []
    found += [users.get(identity.lower(), {}).get("principalId") for identity in among.user_assigned]
    return list(dict.fromkeys(principal for principal in found if principal and isinstance(principal, str)))


def described(identities: Identities) -> list[str]:
    """The identities as messages name them."""
    return ["the system-assigned identity"] * identities.system_assigned + [
        f"'{identity}'" for identity in identities.user_assigned]


def _kinds(block: Block) -> list[str]:
    """The parts of `type`: known ones in lower case, others as they are."""
    kinds = str(block.get("type") or "None").split(",")
    return [kind.strip() if kind.strip().lower() not in _SPELLING else kind.strip().lower() for kind in kinds]


def _users(block: Block) -> dict[str, dict[str, Any]]:
    """The map of user-assigned identities, with {} for every value that isn't an object."""
    users = block.get("userAssignedIdentities")
    return {str(identity): dict(details) if isinstance(details, Mapping) else {}
            for identity, details in users.items()} if isinstance(users, Mapping) else {}


# Not compiled here, and with `a`, as in names.py.
_ROLE_ID = rf"(?ia:(?:/subscriptions/{GUID})?/providers/Microsoft\.Authorization/roleDefinitions/({GUID}))"
# Segments of an ARM ID: nothing that ends a path or escapes from it.
_SEGMENT = r"(?!\.+(?:/|$))[^/?#%\\\s\x00-\x1f\x7f]+(?: [^/?#%\\\s\x00-\x1f\x7f]+)*"
_SCOPE = rf"(?ia:/(?:subscriptions/{GUID}|providers/(?u:{_SEGMENT}))(?u:(?:/{_SEGMENT})*))"

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

_ASSIGNMENT_ID = rf"(?ia:(?u:(?:/{_SEGMENT})*)/providers/Microsoft\.Authorization/roleAssignments/(?u:{_SEGMENT}))"


class Role(NamedTuple):
    """A role definition: its resource ID and its name."""

    id: str
    name: str

    @property
    def guid(self) -> str:
        """The last part of its ID, the same at every scope."""
        return role_guid(self.id)


def check_scope(scope: str) -> str:
    """An ARM scope (subscription, group, resource, management group), or InvalidArgumentValueError."""
    text = scope.strip().rstrip("/")
    if not text.isprintable() or re.search("[\u212a\u017f]", text) or not re.fullmatch(_SCOPE, text):
        raise InvalidArgumentValueError(
            f"{for_display(scope)} is not a valid scope.",
            "A scope is the ID of a resource, a resource group, a subscription or a management group, such as "
            "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP. To print the ID of a resource group, run:\n"
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


def role_guid(role_definition_id: str) -> str:
    """The last part of a role definition's ID."""
    return role_definition_id.rsplit("/", 1)[-1]


def role_name(role_definition_id: str) -> str:
    """The name of a built-in role, else the last part of its ID."""
    guid = role_guid(role_definition_id)
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
    return (properties["scope"].lower(), role_guid(properties["roleDefinitionId"]).lower(),
            properties["principalId"].lower())


def create_command(scope: str, role: str, principal_id: str) -> str:
    """The azure-cli command that grants a role, ready to paste."""
    return (f"az role assignment create --role {for_shell(role)} --assignee-object-id {for_shell(principal_id)} "
            f"--assignee-principal-type ServicePrincipal --scope {for_shell(scope)}")


def delete_command(assignment_ids: Iterable[str]) -> str:
    """The azure-cli command that deletes role assignments, ready to paste."""
    return f"az role assignment delete --ids {' '.join(map(for_shell, assignment_ids))}"
