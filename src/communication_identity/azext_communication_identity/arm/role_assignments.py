# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Role definitions and role assignments of ARM (Microsoft.Authorization 2022-04-01), as lives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from azure.cli.core.azclierror import InvalidArgumentValueError
from azure.cli.core.azclierror import ResourceNotFoundError as RoleNotFoundError

from ..model.names import for_display
from ..model.roles import (
    Role,
    is_assignment,
    is_same_grant,
    new_assignment,
    plain_assignment,
    role_by_id,
    role_guid,
)
from ..model.steps import (
    Answer,
    Life,
    NoAnswer,
    Pause,
    RefusedError,
    Reply,
    Request,
    absent,
    error_code,
    pages,
    read,
)

_VERSION = "api-version=2022-04-01"
_PROVIDER = "/providers/Microsoft.Authorization"
OPTIONAL_SECONDS = 4.0  # for a look-up that is useful but must not delay a command
# Recorded: without principalType, a new principal is unknown for 8 to 65 seconds. The code always sends principalType,
# so this limit is only for what remains.
REPLICATION_LIMIT = 180.0  # seconds


def resolve_role(role: str, scope: str, subscription: str) -> Life[Role]:
    """The role with this name, GUID or ID at the scope. Raises RefusedError, or for an unknown role an azclierror with
    similar names. A login without permission to read a role can still grant it by ID.
    """
    by_id = role_by_id(role, subscription)
    if by_id:
        try:
            answer = yield from read(Request("GET", f"{scope}{_PROVIDER}/roleDefinitions/{by_id.guid}?{_VERSION}",
                                             shared=True))
        except RefusedError as refusal:
            if absent(refusal.reply):
                raise RoleNotFoundError(f"There is no role {for_display(role)} at scope '{scope}'.",
                                        _LIST_ROLES) from refusal
            if not isinstance(refusal.reply, Answer) or refusal.reply.status != 403:
                raise
            return by_id
        return Role(by_id.id, _role_name(answer.body) or by_id.name)
    literal = quote("roleName eq '" + role.replace("'", "''") + "'")
    found = yield from role_definitions(scope, f"&$filter={literal}")
    exact = next((known for known in found if known.name.lower() == role.lower()), None)
    if exact:  # don't rely on the service's filter
        return exact
    from difflib import get_close_matches
    every = yield from role_definitions(scope)
    names = {known.name.lower(): known.name for known in every}
    near = [names[name] for name in get_close_matches(role.lower(), names, n=3, cutoff=0.5)]
    raise InvalidArgumentValueError(
        f"There is no role {for_display(role)} at scope '{scope}'.",
        "Did you mean one of these?\n" + "\n".join(near) if near else _LIST_ROLES)


_LIST_ROLES = 'To list the roles, run:\naz role definition list --query "[].roleName" --output tsv'


def role_definitions(scope: str, odata_filter: str = "") -> Life[list[Role]]:
    """The roles at a scope. Raises RefusedError."""
    found = yield from pages(Request("GET", f"{scope}{_PROVIDER}/roleDefinitions?{_VERSION}{odata_filter}",
                                     shared=True), dict)
    return [Role(one["id"], _role_name(one)) for one in found if isinstance(one.get("id"), str) and _role_name(one)]


def role_name_of(role_id: str) -> Life[str]:
    """The name of a role that isn't in BUILT_IN_ROLES; its GUID if this login can't read it."""
    try:
        answer = yield from read(Request("GET", f"{role_id}?{_VERSION}", shared=True), tries=0)
    except RefusedError:
        return role_guid(role_id)
    return _role_name(answer.body) or role_guid(role_id)


def assignments_of(subscription: str, principal_id: str, *, optional: bool = False) -> Life[list[dict[str, str]]]:
    """The role assignments, plain, that a principal itself has in a subscription, at any scope: 1 GET a page. Raises
    RefusedError, also if the list is incomplete.
    """
    path = f"/subscriptions/{subscription}{_PROVIDER}/roleAssignments?{_VERSION}&$filter={_principal(principal_id)}"
    request = Request("GET", path)
    if optional:
        request = request._replace(optional=True, timeout=OPTIONAL_SECONDS)
    return plain_assignments((yield from pages(request, dict)), principal_id)


def assignment_at(scope: str, role: Role, principal_id: str) -> Life[dict[str, str] | None]:
    """The assignment of the role to the principal at exactly this scope, plain; None if there is none that this login
    can read. Raises RefusedError for any other reason.
    """
    path = f"{scope}{_PROVIDER}/roleAssignments?{_VERSION}&$filter={_principal(principal_id)}"
    try:
        found = yield from pages(Request("GET", path), dict)
    except RefusedError as refusal:
        if isinstance(refusal.reply, Answer) and refusal.reply.status == 403:
            return None
        raise
    return next((one for one in plain_assignments(found, principal_id) if one["scope"].lower() == scope.lower()
                 and one["roleDefinitionId"].lower().endswith(role.guid.lower())), None)


def create_assignment(scope: str, role: Role, principal_id: str) -> Life[dict[str, str]]:
    """Create a role assignment, or find the existing one; plain. Raises RefusedError.

    It always sends principalType, so that ARM doesn't look up the principal in a directory that may not know it yet.
    """
    assignment = new_assignment(scope, role, principal_id)
    request = Request("PUT", f"{assignment['id']}?{_VERSION}", {"properties": {
        "roleDefinitionId": role.id, "principalId": principal_id, "principalType": "ServicePrincipal"}})
    first, pause, tries = None, 2.0, 0
    while True:
        reply: Reply = yield request
        first = reply.at if first is None else first
        answered = isinstance(reply, Answer) and reply.ok
        if isinstance(reply, Answer) and answered and is_same_grant(reply.body, assignment):
            return plain_assignment(assignment, role.name)
        code = error_code(reply)
        if answered or code == "roleassignmentexists":
            there = yield from assignment_at(scope, role, principal_id)
            if there or not answered:
                return {**(there or plain_assignment(assignment)), "roleName": role.name}
            code, reply = "", NoAnswer("The service's response is not the new role assignment.", at=reply.at)
        tries += code != "principalnotfound"
        passes = reply.status >= 500 if isinstance(reply, Answer) else not reply.stalled
        if reply.at - first > REPLICATION_LIMIT or tries > 3 or not (passes or code == "principalnotfound"):
            raise RefusedError(request, reply)
        yield Pause(pause, "Microsoft Entra ID to know the new principal" if code else "the service to answer again")
        pause = min(pause * 2, 10.0)


def delete_assignment(assignment_id: str) -> Life[None]:
    """Delete a role assignment, if it exists. Raises RefusedError."""
    request = Request("DELETE", f"{assignment_id}?{_VERSION}")
    for pause in (1.0, 3.0, None):
        reply: Reply = yield request
        if isinstance(reply, Answer) and _is_deleted(reply):
            return
        if isinstance(reply, Answer) and reply.ok:
            reply = NoAnswer("The service's response to the deletion is not JSON.", at=reply.at)
        if pause is None or isinstance(reply, Answer) and reply.status < 500:
            break
        yield Pause(pause, "the service to answer again")
    raise RefusedError(request, reply)


def _is_deleted(answer: Answer) -> bool:
    """Whether ARM itself says that nothing is left: a proxy answers with a page of its own."""
    return absent(answer) or answer.ok and (
        isinstance(answer.body, dict) or answer.body is None and answer.text.strip() in ("", "null"))


def plain_assignments(found: Any, *principal_ids: str) -> list[dict[str, str]]:
    """The valid role assignments of these principals in a list, plain. The requests ask for no others, but check the
    answer anyway, because what it contains may be deleted.
    """
    wanted = {principal_id.lower() for principal_id in principal_ids}
    return [plain_assignment(one) for one in found if is_assignment(one)
            and one["properties"]["principalId"].lower() in wanted] if isinstance(found, Sequence) else []


def _role_name(definition: Any) -> str:
    properties = definition.get("properties") if isinstance(definition, dict) else None
    name = properties.get("roleName") if isinstance(properties, dict) else None
    return name if isinstance(name, str) else ""


def _principal(principal_id: str) -> str:
    return quote(f"principalId eq '{principal_id}'")
