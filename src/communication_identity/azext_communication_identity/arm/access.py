# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Reads user-assigned identities, roles and role assignments, in one subscription (ARM) or in all subscriptions of a
tenant (Azure Resource Graph); creates and deletes role assignments. All as lives.

- Microsoft.ManagedIdentity 2023-01-31: the requests of azure-mgmt-msi, without the time that its import takes.
- Microsoft.Authorization 2022-04-01.
- Microsoft.ResourceGraph/resources 2022-10-01. Its throttling is described in azure-docs:
  articles/governance/resource-graph/concepts/guidance-for-throttled-requests.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar
from urllib.parse import quote

from azure.cli.core.azclierror import AzCLIError, InvalidArgumentValueError, ResourceNotFoundError
from knack.log import get_logger

from ..model.identity import (
    Role,
    find_id,
    is_assignment,
    is_same_grant,
    new_assignment,
    plain_assignment,
    role_by_id,
    role_guid,
)
from ..model.names import Resource, for_display, for_shell
from ..model.steps import (
    LONGEST_THROTTLE,
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
    quota_resets_after,
    read,
    refuse_endless,
)

logger = get_logger(__name__)
T = TypeVar("T")

_IDENTITY_VERSION = "api-version=2023-01-31"
_IDENTITIES = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities"


def identity_properties(identity: str) -> Life[dict[str, Any] | None]:
    """clientId, principalId and tenantId of a user-assigned identity; None if it doesn't exist, {} if this login can't
    see it. Raises RefusedError.
    """
    try:
        answer = yield from read(Request("GET", f"{identity}?{_IDENTITY_VERSION}", shared=True))
    except RefusedError as refusal:
        if refusal.reply.status in (403, 404):
            return None if absent(refusal.reply) else {}
        raise
    properties = answer.body.get("properties")
    return properties if isinstance(properties, dict) else {}


def ids_in(scope: str) -> Life[list[str]]:
    """The IDs of the user-assigned identities in a subscription or group. Raises RefusedError."""
    request = Request("GET", f"{scope}{_IDENTITIES}?{_IDENTITY_VERSION}", shared=True)
    found = yield from pages(request, lambda one: one.get("id"))
    return [identity for identity in found if isinstance(identity, str)]


def missing_identities(identities: Iterable[str]) -> Life[list[str]]:
    """The identities that don't exist, as far as this login can tell."""
    gone = []
    for identity in identities:
        try:
            if (yield from identity_properties(identity)) is None:
                gone.append(identity)
        except RefusedError:
            continue  # unknown; the service's own error is shown
    return gone


def identity_not_found(identity: str) -> Life[AzCLIError]:
    """The error for an identity that doesn't exist, with those that have the same or a similar name."""
    _, _, subscription, _, group, *_, name = identity.split("/")
    try:
        existing = yield from ids_in(f"/subscriptions/{subscription}")
    except RefusedError:
        existing = []
    similar = similar_ids(identity, existing)
    how = ("Did you mean one of these?\n" + "\n".join(similar)) if similar else (
        f"To list the identities in its subscription, run:\naz identity list --subscription {subscription} "
        f'--query "[].id" --output tsv\nTo create it, run:\naz identity create --name {name} '
        f"--resource-group {for_shell(group)} --subscription {subscription}")
    return ResourceNotFoundError(f"There is no user-assigned identity '{identity}'.", how)


def similar_ids(identity: str, existing: list[str]) -> list[str]:
    """At most five existing IDs: first those with the same name, then those with a similar name."""
    names = {other: other.rsplit("/", 1)[-1].lower() for other in existing if find_id(other, (identity,)) is None}
    close = get_close_matches(identity.rsplit("/", 1)[-1].lower(), sorted(set(names.values())), n=5)
    return [other for name in close for other in names if names[other] == name][:5]


def gone_but_assigned(resource: Resource, gone: list[str]) -> AzCLIError:
    """The error for a resource with identities that no longer exist: every write that keeps them fails."""
    return ResourceNotFoundError(
        f"'{resource.name}' has user-assigned identities that no longer exist: {', '.join(gone)}. You can't change its "
        "identities until you remove these.",
        f"To remove them, run:\naz communication identity remove --ids {for_shell(resource.id)} "
        f"--user-assigned {' '.join(map(for_shell, gone))}")


_ROLES_VERSION = "api-version=2022-04-01"
_AUTHORIZATION = "/providers/Microsoft.Authorization"
OPTIONAL_SECONDS = 4.0  # for a look-up that is useful but must not delay a command
# Recorded: without principalType, a new principal is unknown for 8 to 65 seconds. The code always sends principalType,
# so this limit is only for what remains.
REPLICATION_LIMIT = 180.0  # seconds
_LIST_ROLES = 'To list the roles, run:\naz role definition list --query "[].roleName" --output tsv'


def resolve_role(role: str, scope: str, subscription: str) -> Life[Role]:
    """The role with this name, GUID or ID at the scope. Raises RefusedError, or for an unknown role an azclierror with
    similar names. A login without permission to read a role can still grant it by ID.
    """
    by_id = role_by_id(role, subscription)
    if by_id:
        try:
            path = f"{scope}{_AUTHORIZATION}/roleDefinitions/{by_id.guid}?{_ROLES_VERSION}"
            answer = yield from read(Request("GET", path, shared=True))
        except RefusedError as refusal:
            if absent(refusal.reply):
                raise ResourceNotFoundError(f"There is no role {for_display(role)} at scope '{scope}'.",
                                            _LIST_ROLES) from refusal
            if refusal.reply.status != 403:
                raise
            return by_id
        return Role(by_id.id, _role_name(answer.body) or by_id.name)
    literal = quote("roleName eq '" + role.replace("'", "''") + "'")
    found = yield from role_definitions(scope, f"&$filter={literal}")
    exact = next((known for known in found if known.name.lower() == role.lower()), None)
    if exact:  # don't rely on the service's filter
        return exact
    every = yield from role_definitions(scope)
    names = {known.name.lower(): known.name for known in every}
    near = [names[name] for name in get_close_matches(role.lower(), names, n=3, cutoff=0.5)]
    raise InvalidArgumentValueError(
        f"There is no role {for_display(role)} at scope '{scope}'.",
        "Did you mean one of these?\n" + "\n".join(near) if near else _LIST_ROLES)


def role_definitions(scope: str, odata_filter: str = "") -> Life[list[Role]]:
    """The roles at a scope. Raises RefusedError."""
    found = yield from pages(Request("GET", f"{scope}{_AUTHORIZATION}/roleDefinitions?{_ROLES_VERSION}{odata_filter}",
                                     shared=True), dict)
    return [Role(one["id"], _role_name(one)) for one in found if isinstance(one.get("id"), str) and _role_name(one)]


def role_name_of(role_id: str) -> Life[str]:
    """The name of a role that isn't in BUILT_IN_ROLES; its GUID if this login can't read it."""
    try:
        answer = yield from read(Request("GET", f"{role_id}?{_ROLES_VERSION}", shared=True), tries=0)
    except RefusedError:
        return role_guid(role_id)
    return _role_name(answer.body) or role_guid(role_id)


def _role_name(definition: Any) -> str:
    properties = definition.get("properties") if isinstance(definition, dict) else None
    name = properties.get("roleName") if isinstance(properties, dict) else None
    return name if isinstance(name, str) else ""


def assignments_of(subscription: str, principal_id: str, *, optional: bool = False) -> Life[list[dict[str, str]]]:
    """The role assignments, plain, that a principal itself has in a subscription, at any scope: 1 GET a page. Raises
    RefusedError, also if the list is incomplete.
    """
    request = _assignments_request(f"/subscriptions/{subscription}", principal_id)
    if optional:
        request = request._replace(optional=True, timeout=OPTIONAL_SECONDS)
    return plain_assignments((yield from pages(request, dict)), principal_id)


def assignment_at(scope: str, role: Role, principal_id: str) -> Life[dict[str, str] | None]:
    """The assignment of the role to the principal at exactly this scope, plain; None if there is none that this login
    can read. Raises RefusedError for any other reason.
    """
    try:
        found = yield from pages(_assignments_request(scope, principal_id), dict)
    except RefusedError as refusal:
        if refusal.reply.status == 403:
            return None
        raise
    return next((one for one in plain_assignments(found, principal_id) if one["scope"].lower() == scope.lower()
                 and one["roleDefinitionId"].lower().endswith(role.guid.lower())), None)


def _assignments_request(scope: str, principal_id: str) -> Request:
    principal = quote(f"principalId eq '{principal_id}'")
    return Request("GET", f"{scope}{_AUTHORIZATION}/roleAssignments?{_ROLES_VERSION}&$filter={principal}")


def create_assignment(scope: str, role: Role, principal_id: str) -> Life[dict[str, str]]:
    """Create a role assignment, or find the existing one; plain. Raises RefusedError.

    It always sends principalType, so that ARM doesn't look up the principal in a directory that may not know it yet.
    """
    assignment = new_assignment(scope, role, principal_id)
    request = Request("PUT", f"{assignment['id']}?{_ROLES_VERSION}", {"properties": {
        "roleDefinitionId": role.id, "principalId": principal_id, "principalType": "ServicePrincipal"}})
    first, pause, tries = None, 2.0, 0
    while True:
        reply: Reply = yield request
        first = reply.at if first is None else first
        if reply.ok and is_same_grant(reply.body, assignment):
            return plain_assignment(assignment, role.name)
        code = error_code(reply)
        if reply.ok or code == "roleassignmentexists":
            there = yield from assignment_at(scope, role, principal_id)
            if there or not reply.ok:
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
    request = Request("DELETE", f"{assignment_id}?{_ROLES_VERSION}")
    for pause in (1.0, 3.0, None):
        reply: Reply = yield request
        if absent(reply) or reply.ok and not reply.garbled:
            return
        if reply.ok:
            reply = NoAnswer("The service's response to the deletion is not JSON.", at=reply.at)
        if pause is None or isinstance(reply, Answer) and reply.status < 500:
            break
        yield Pause(pause, "the service to answer again")
    raise RefusedError(request, reply)


def plain_assignments(found: Any, *principal_ids: str) -> list[dict[str, str]]:
    """The valid role assignments of these principals in a list, plain. The requests ask for no others, but check the
    answer anyway, because what it contains may be deleted.
    """
    wanted = {principal_id.lower() for principal_id in principal_ids}
    return [plain_assignment(one) for one in found if is_assignment(one)
            and one["properties"]["principalId"].lower() in wanted] if isinstance(found, Sequence) else []


GRAPH_REQUEST = Request("POST", "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01", query=True)
_ROWS_A_PAGE = 1000  # graph_rows, the maximum. They may be a minute old.
_PRINCIPALS_A_QUERY = 200  # in one query


def graph_rows(query: str, keep: Callable[[dict[str, Any]], T]) -> Life[list[T]]:
    """What `keep` returns for each row that a query finds in all subscriptions of a tenant that the login can read, one
    POST a page. Raises RefusedError, also if the answer isn't a list of graph_rows or never ends.
    """
    # The scope filter includes role assignments at management groups, which apply to everything below them.
    options: dict[str, Any] = {"$top": _ROWS_A_PAGE, "resultFormat": "objectArray", "allowPartialScopes": True,
                               "authorizationScopeFilter": "AtScopeAboveAndBelow"}
    found: list[T] = []
    seen = set()
    empty = 0  # pages in a row
    while True:
        request = GRAPH_REQUEST._replace(body={"query": query, "options": dict(options)})
        answer = yield from read(request)
        data, token = answer.body.get("data"), answer.body.get("$skipToken")
        if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
            raise RefusedError(request, NoAnswer("Azure Resource Graph's response has no 'data'."))
        found += map(keep, data)
        if not token:
            _warn_if_truncated(answer)
            return found
        if not isinstance(token, str) or token in seen:
            raise RefusedError(request, NoAnswer("Azure Resource Graph links back to a page that was already read."))
        seen.add(token)
        empty = 0 if data else empty + 1
        refuse_endless(request, "Azure Resource Graph's response", len(seen), empty)
        options["$skipToken"] = token
        wait = quota_resets_after(answer)
        if answer.headers.get("x-ms-user-quota-remaining") == "0" and wait <= LONGEST_THROTTLE:
            yield Pause(wait, "Azure Resource Graph to grant another query")


def _warn_if_truncated(answer: Answer) -> None:
    """Warn if the last page isn't the end of the data."""
    if answer.headers.get("x-ms-tenant-subscription-limit-hit", "").lower() == "true":
        logger.warning("The list is incomplete: Azure Resource Graph searches at most 10,000 subscriptions, and you "
                       "have access to more. To list the resources in one of the others, run:\n"
                       "az communication identity list --subscription ID")
    elif str(answer.body.get("resultTruncated")).lower() == "true":
        logger.warning("The list is incomplete: Azure Resource Graph truncated its response.")


def assignments_everywhere(principals: Collection[str]) -> Life[list[dict[str, str]]]:
    """The role assignments, plain, of principals in all subscriptions. Raises RefusedError."""
    found: list[dict[str, str]] = []
    wanted = list(principals)
    for start in range(0, len(wanted), _PRINCIPALS_A_QUERY):
        found += plain_assignments((yield from graph_rows(
            assignments_query(wanted[start:start + _PRINCIPALS_A_QUERY]),
            lambda row: {"id": row.get("id"), "properties": row})), *wanted)
    return found


def role_names(role_ids: Collection[str]) -> Life[dict[str, str]]:
    """The names of roles, built-in and custom, by GUID in lower case. Raises RefusedError."""
    found = yield from graph_rows(role_names_query(role_ids), dict)
    return {str(row["name"]).lower(): row["roleName"] for row in found
            if row.get("name") and isinstance(row.get("roleName"), str) and row["roleName"]}


def resources_query(identity_ids: Collection[str] = (), identity_names: Collection[str] = ()) -> str:
    """Every Communication Services resource; with identities, only those that have one of these user-assigned
    identities. A name means every identity with that name. A resource with two of them appears twice: the service
    can't remove duplicates across pages.
    """
    tests = [f"tostring(carried) in~ ({_kql_list(identity_ids)})"] if identity_ids else []
    tests += [f"tostring(carried) endswith {kql_quoted(f'/userAssignedIdentities/{name}')}" for name in identity_names]
    carrying = (" | mv-expand carried = bag_keys(identity.userAssignedIdentities) limit 400"
                f" | where {' or '.join(tests)}") if tests else ""
    return (f"resources | where type =~ 'microsoft.communication/communicationservices'{carrying}"
            " | project id, name, resourceGroup, subscriptionId, identity | order by id asc")


def assignments_query(principal_ids: Collection[str]) -> str:
    """The role assignments of principals: id, principalId, scope and roleDefinitionId."""
    return ("authorizationresources | where type =~ 'microsoft.authorization/roleassignments'"
            f" | where tostring(properties.principalId) in~ ({_kql_list(principal_ids)})"
            " | project id, principalId = tostring(properties.principalId), scope = tostring(properties.scope),"
            " roleDefinitionId = tostring(properties.roleDefinitionId) | order by id asc")


def role_names_query(role_ids: Collection[str]) -> str:
    """The names of role definitions, built-in and custom: id, name (the GUID), roleName. By GUID, because the rest of
    an ID differs between Resource Graph and ARM.
    """
    guids = sorted({role_guid(role_id).lower() for role_id in role_ids})
    return ("authorizationresources | where type =~ 'microsoft.authorization/roledefinitions'"
            f" | where name in~ ({_kql_list(guids)})"
            " | project id, name, roleName = tostring(properties.roleName) | order by id asc")


def kql_quoted(text: str) -> str:
    r"""A KQL string literal with \ and ' escaped. Raises ValueError for control characters."""
    if not text.isprintable():
        raise ValueError(f"a value with control characters can't be part of a query: {text!r}")
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _kql_list(values: Collection[str]) -> str:
    return ", ".join(kql_quoted(value) for value in values)
