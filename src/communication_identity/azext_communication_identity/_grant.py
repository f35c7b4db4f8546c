# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Roles of identities: grant them, list them, delete them. Imported only where roles are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.cli.core.azclierror import AzureResponseError
from azure.core.exceptions import AzureError, HttpResponseError
from knack.log import get_logger

from ._authorization import assignments_at, assignments_of, create_assignment, delete_assignment, resolve_role
from ._patience import Patience
from ._resource import Document
from .model.identity import Change, find_id
from .model.names import Resource
from .model.roles import Role, create_command, find_assignment, new_assignment, plain_assignment

if TYPE_CHECKING:
    from azure.mgmt.communication import CommunicationServiceManagementClient

logger = get_logger(__name__)

# Recorded: a principal is unknown for 8 to 65 seconds after it was made, where principalType isn't sent. It is sent
# always, so this is for the rest.
REPLICATION_LIMIT = 180.0  # seconds


@dataclass(frozen=True)
class Grant:
    """A role at each of several scopes, to grant to identities of one resource."""

    client: Any
    roles: dict[str, Role]  # scope: role

    def apply(self, resource: Resource, document: Document, change: Change) -> list[dict[str, str]]:
        """Grant to every identity that `change` names; what is granted already is left alone. Returns the role
        assignments. Raises AzureResponseError that says what is done and how to do the rest.
        """
        granted: list[dict[str, str]] = []
        failed: dict[str, AzureError] = {}
        for principal in named_principals(document, change):
            for scope, role in self.roles.items():
                try:
                    granted.append(plain_assignment(_grant(self.client, scope, role, principal), role.name))
                except AzureError as error:
                    failed[create_command(scope, role.name, principal)] = error
        if failed:
            raise _not_granted(resource, len(granted), failed)
        return granted


def resolve_grants(client_of: Callable[[str], Any], resources: Sequence[Resource], role: str,
                   scopes: Sequence[str] | None) -> dict[Resource, Grant]:
    """The grant for each resource: the role at each scope, or on the resource itself. `client_of`: the client of a
    subscription. Raises InvalidArgumentValueError for an unknown role, azure.core.exceptions.AzureError.
    """
    known: dict[str, Role] = {}
    grants = {}
    for resource in resources:
        client = client_of(resource.subscription)
        roles = {}
        for scope in scopes or [resource.id]:
            # A role's name means the same at all resources of a subscription: look it up once in each.
            key = scope if scopes else resource.subscription
            if key not in known:
                known[key] = resolve_role(client, role, scope, resource.subscription)
            roles[scope] = known[key]
        grants[resource] = Grant(client, roles)
    return grants


def held_assignments(client: CommunicationServiceManagementClient, subscription: str, principals: Sequence[str],
                     required: bool = True) -> list[dict[str, str]]:
    """The role assignments that the principals hold in the subscription: 1 GET for each. Where they can't be read,
    raises azure.core.exceptions.AzureError if `required`, else finds none.
    """
    try:
        return [plain_assignment(one) for principal in principals
                for one in assignments_of(client, subscription, principal)]
    except AzureError as error:
        if required:
            raise
        logger.info("The role assignments of the identity could not be read: %s", error)
        return []


def delete_assignments(client: Any, assignments: Sequence[dict[str, str]]) -> None:
    """Delete role assignments. Raises azure.core.exceptions.AzureError."""
    for assignment in assignments:
        delete_assignment(client, assignment["id"])


def named_principals(document: Document, change: Change) -> list[str]:
    """The principal IDs of the identities that a change names, as the resource has them."""
    block = document.block or {}
    users = block.get("userAssignedIdentities") or {}
    principals = [block["principalId"]] if change.system_assigned else []
    for identity in change.user_assigned:
        principals.append(users[find_id(identity, tuple(users)) or identity]["principalId"])
    return list(dict.fromkeys(principals))


def _grant(client: Any, scope: str, role: Role, principal: str) -> Any:
    """The role assignment, found or made."""
    existing = find_assignment(assignments_at(client, scope, principal), scope, role)
    if existing:
        return existing
    assignment, patience = new_assignment(scope, role, principal), Patience(REPLICATION_LIMIT, first=2.0)
    while True:
        try:
            create_assignment(client, assignment)
            return assignment
        except HttpResponseError as error:
            from ._service_error import service_error
            code = service_error(error).code
            if code == "RoleAssignmentExists":  # someone else made it just now
                return assignment
            if code != "PrincipalNotFound" or patience.over:
                raise
        logger.warning("The directory does not know the principal %s yet; trying again for up to %.0f seconds.",
                       principal, patience.limit)
        patience.pause()


def _not_granted(resource: Resource, granted: int, failed: dict[str, AzureError]) -> AzureResponseError:
    from ._errors import explained
    reasons = "\n".join(dict.fromkeys(str(explained(error) or error) for error in failed.values()))
    done = f", and {granted} of {granted + len(failed)} role assignments were made" if granted else ""
    return AzureResponseError(
        f"The identity is assigned to '{resource.name}'{done}, but this role was not granted: {reasons}",
        "To finish, someone who may grant roles there can run:\n" + "\n".join(failed))
