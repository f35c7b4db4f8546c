# SPDX-License-Identifier: MIT
"""Finds, grants and deletes role assignments (Microsoft.Authorization 2022-04-01). Those of all tenants: graph.py."""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

from azure.cli.core.azclierror import InvalidArgumentValueError, ResourceNotFoundError

from ..model.answers import Answer, NoAnswer, Reply, error_code, error_of, is_not_found, object_at, text_of
from ..model.quoting import for_display, printable
from ..model.requests import Delete, Get, Put, RequestError, SharedGet, Sleep, pages, read
from ..model.resource_id import last_segment
from ..model.role_assignments import Role, all_assignments, is_same_grant, new_assignment, plain_assignment, role_by_id

ROLES_VERSION = "api-version=2022-04-01"
AUTHORIZATION = "/providers/Microsoft.Authorization"
OPTIONAL_SECONDS = 4.0  # for a look-up that is useful but must not delay a command
# Recorded: without principalType, a new principal is unknown for 8 to 65 seconds. The code always sends principalType,
# so this limit is only for what remains.
REPLICATION_LIMIT = 180.0  # seconds
_LIST_ROLES = 'To list the roles, run:\naz role definition list --query "[].roleName" --output tsv'


async def resolve_role(role: str, scope: str, subscription: str) -> Role:
    """The role with this name, GUID or ID at the scope. Raises RequestError, or for an unknown role an azclierror with
    similar names. A login without permission to read a role can still grant it by ID.
    """
    by_id = role_by_id(role, subscription)
    if by_id:
        try:
            found = await read_role(scope, by_id.guid)
        except RequestError as error:
            if is_not_found(error.reply):
                raise ResourceNotFoundError(f"There is no role {for_display(role)} at scope '{scope}'.",
                                            _LIST_ROLES) from error
            if error.reply.status != 403:
                raise
            return by_id
        return by_id._replace(name=found.name or by_id.name, permissions=found.permissions)
    literal = quote("roleName eq '" + role.replace("'", "''") + "'")
    for odata_filter in (f"&$filter={literal}", ""):  # don't rely on the service's filter
        every = await role_definitions(scope, odata_filter)
        exact = next((known for known in every if known.name.lower() == role.lower()), None)
        if exact:
            return exact
    names = {known.name.lower(): known.name for known in every}
    near = [printable(names[name]) for name in get_close_matches(role.lower(), names, n=3, cutoff=0.5)]
    raise InvalidArgumentValueError(
        f"There is no role {for_display(role)} at scope '{scope}'.",
        "Did you mean one of these?\n" + "\n".join(near) if near else _LIST_ROLES)


async def read_role(scope: str, guid: str) -> Role:
    """The role with this GUID; without permissions if the service returns another role. Raises RequestError."""
    role = _role((await read(SharedGet(f"{scope}{AUTHORIZATION}/roleDefinitions/{guid}?{ROLES_VERSION}"))).body)
    return role if role.guid.lower() == guid.lower() else role._replace(permissions=None)


async def role_definitions(scope: str, odata_filter: str = "") -> list[Role]:
    """The roles at a scope. Raises RequestError."""
    found = await pages(SharedGet(f"{scope}{AUTHORIZATION}/roleDefinitions?{ROLES_VERSION}{odata_filter}"), _role)
    return [role for role in found if role.id and role.name]


async def role_name_of(role_id: str) -> str:
    """The name of a role that isn't in BUILT_IN_ROLES; its GUID if this login can't read it."""
    try:
        answer = await read(SharedGet(f"{role_id}?{ROLES_VERSION}"), retries=0)
    except RequestError:
        return last_segment(role_id)
    return _role(answer.body).name or last_segment(role_id)


def _role(definition: dict[str, Any]) -> Role:
    """A role from ARM's JSON; what isn't text is empty."""
    properties = object_at(definition, "properties")
    role_id, name = definition.get("id"), properties.get("roleName")
    return Role(role_id if isinstance(role_id, str) else "", name if isinstance(name, str) else "",
                properties.get("permissions"))


async def assignments_of(subscription: str, principal_id: str, *, optional: bool = False) -> list[dict[str, str]]:
    """The role assignments, plain, that a principal itself has in a subscription, at any scope: 1 GET a page. Raises
    RequestError, also if the list is incomplete. `optional`: don't wait for a service that is slow or throttles.
    """
    request = _list_assignments(f"/subscriptions/{subscription}", principal_id)
    if optional:
        request = replace(request, timeout=OPTIONAL_SECONDS, patience=0.0)
    found = await pages(request, dict, within=OPTIONAL_SECONDS if optional else None)
    return all_assignments(request, found, [principal_id])


async def assignment_at(scope: str, role: Role, principal_id: str) -> dict[str, str] | None:
    """The assignment, plain, of the role to the principal at exactly this scope; None if none can be read."""
    try:
        found = await pages(_list_assignments(scope, principal_id), dict)
    except RequestError as error:
        if error.reply.status == 403:
            return None
        raise
    wanted = new_assignment(scope, role, principal_id)
    return next((plain_assignment(one) for one in found if is_same_grant(one, wanted)), None)


def _list_assignments(scope: str, principal_id: str) -> Get:
    principal = quote(f"principalId eq '{principal_id}'")
    return Get(f"{scope}{AUTHORIZATION}/roleAssignments?{ROLES_VERSION}&$filter={principal}")


class Delegation(NamedTuple):
    """What a grant needs from a login that manages the customer's subscription from another tenant (Azure Lighthouse):
    the customer's tenant, and the resource that has the identity, or the user-assigned identity itself.
    """

    tenant: str
    resource_id: str


async def create_assignment(scope: str, role: Role, principal_id: str, delegation: Delegation | None = None
                            ) -> dict[str, str]:
    """Create a role assignment, or find the existing one; plain. Raises RequestError. principalType is always sent, so
    that ARM doesn't look up the principal in a directory that may not know it yet.
    """
    assignment = new_assignment(scope, role, principal_id)
    properties = {"roleDefinitionId": role.id, "principalId": principal_id, "principalType": "ServicePrincipal"}
    tenant = ""
    if delegation:
        properties["delegatedManagedIdentityResourceId"] = delegation.resource_id
        tenant = f"&tenantId={delegation.tenant}"
    request = Put(f"{assignment['id']}?{ROLES_VERSION}{tenant}", {"properties": properties})
    first, pause, failures = None, 2.0, 0
    while True:
        reply: Reply = await request
        first = reply.at if first is None else first
        if reply.ok and is_same_grant(reply.body, assignment):
            return plain_assignment(assignment, role.name)
        code = error_code(reply)
        if reply.ok or code == "roleassignmentexists":
            there = await assignment_at(scope, role, principal_id)
            if there or not reply.ok:
                return {**(there or _existing(assignment, reply)), "roleName": role.name}
            code, reply = "", NoAnswer("The service's response is not the new role assignment.", at=reply.at)
        failures += code != "principalnotfound"
        can_retry = reply.status >= 500 if isinstance(reply, Answer) else not (reply.timed_out or reply.permanent)
        if reply.at - first > REPLICATION_LIMIT or failures > 3 or not (can_retry or code == "principalnotfound"):
            raise RequestError(request, reply)
        await Sleep(pause, "Microsoft Entra ID to know the new principal" if code else "the service to answer again")
        pause = min(pause * 2, 10.0)


def _existing(assignment: dict[str, Any], reply: Reply) -> dict[str, str]:
    """An assignment that this login can't read: its ID is known only from the message, "The ID of the existing role
    assignment is …", where the dashes of the GUID are missing.
    """
    plain = plain_assignment(assignment)
    del plain["id"]
    guid = r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}"
    found = re.search(rf"(?i)(?:role assignment is\W+|/roleAssignments/)({guid})\b",
                      text_of(error_of(reply).get("message")))
    known = {"id": f"{plain['scope']}{AUTHORIZATION}/roleAssignments/{UUID(found.group(1))}"} if found else {}
    return {**known, **plain}


async def delete_assignment(assignment_id: str) -> None:
    """Delete a role assignment, if it exists. Raises RequestError."""
    request = Delete(f"{assignment_id}?{ROLES_VERSION}")
    for pause in (1.0, 3.0, None):
        reply: Reply = await request
        if is_not_found(reply) or (reply.ok and not reply.is_malformed):
            return
        if reply.ok:
            reply = NoAnswer("The service's response to the deletion is not JSON.", at=reply.at)
        if pause is None or (isinstance(reply, Answer) and reply.status < 500):
            break
        await Sleep(pause, "the service to answer again")
    raise RequestError(request, reply)
