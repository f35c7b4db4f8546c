# SPDX-License-Identifier: MIT
"""Azure Resource Graph: what a login can read in all subscriptions of a tenant. Rows may be a minute old.

Microsoft.ResourceGraph/resources 2022-10-01. Its throttling is described in azure-docs:
articles/governance/resource-graph/concepts/guidance-for-throttled-requests.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from ..model.answers import quota_resets_after
from ..model.requests import LONGEST_THROTTLE, Query, Sleep, read, refuse_endless
from ..model.resource_id import last_segment
from ..model.role_assignments import all_assignments

T = TypeVar("T")
_ROWS_A_PAGE = 1000  # the maximum
_PRINCIPALS_A_QUERY = 200


async def graph_rows(query: str, keep: Callable[[dict[str, Any]], T]) -> tuple[list[T], str]:
    """What `keep` returns for each row that a query finds, one POST a page; and a sentence if the service says that
    some are missing, else "". Raises RequestError, also if the answer isn't a list of rows or never ends.
    """
    # The scope filter includes role assignments at management groups, which apply to everything below them.
    options: dict[str, Any] = {"$top": _ROWS_A_PAGE, "resultFormat": "objectArray", "allowPartialScopes": True,
                               "authorizationScopeFilter": "AtScopeAboveAndBelow"}
    found: list[T] = []
    seen = set()
    empty = 0  # pages in a row
    while True:
        request = Query({"query": query, "options": dict(options)})
        answer = await read(request)
        data, token = answer.body.get("data"), answer.body.get("$skipToken")
        if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
            raise request.unusable("Azure Resource Graph's response has no 'data'.")
        found += map(keep, data)
        if not token:
            break
        if not isinstance(token, str) or token in seen:
            raise request.unusable("Azure Resource Graph links back to a page that was already read.")
        seen.add(token)
        empty = 0 if data else empty + 1
        refuse_endless(request, "Azure Resource Graph's response", len(seen), empty)
        options["$skipToken"] = token
        wait = quota_resets_after(answer)
        if answer.headers.get("x-ms-user-quota-remaining") == "0" and wait <= LONGEST_THROTTLE:
            await Sleep(wait, "Azure Resource Graph to grant another query")
    if answer.headers.get("x-ms-tenant-subscription-limit-hit", "").lower() == "true":
        return found, ("The list is incomplete: Azure Resource Graph searches at most 10,000 subscriptions, and you "
                       "have access to more.")
    if str(answer.body.get("resultTruncated")).lower() == "true":
        return found, "The list is incomplete: Azure Resource Graph truncated its response."
    return found, ""


async def assignments_everywhere(principals: Collection[str]) -> list[dict[str, str]]:
    """The role assignments, plain, of principals everywhere. Raises RequestError, also if the list is incomplete."""
    found: list[dict[str, str]] = []
    wanted = list(principals)
    for start in range(0, len(wanted), _PRINCIPALS_A_QUERY):
        query = assignments_query(wanted[start:start + _PRINCIPALS_A_QUERY])
        rows, incomplete = await graph_rows(query, lambda row: {"id": row.get("id"), "properties": row})
        if incomplete:
            raise Query({"query": query}).unusable(incomplete)
        found += all_assignments(Query({"query": query}), rows, wanted)
    return found


async def role_names(role_ids: Collection[str]) -> dict[str, str]:
    """The names of roles, built-in and custom, by GUID in lower case. Raises RequestError."""
    found, _ = await graph_rows(role_names_query(role_ids), dict)
    return {str(row["name"]).lower(): row["roleName"] for row in found
            if row.get("name") and isinstance(row.get("roleName"), str) and row["roleName"]}


def resources_query(identity_ids: Collection[str] = (), identity_names: Collection[str] = ()) -> str:
    """Every Communication Services resource; with identities, only those that have one of them. A name means every
    identity with that name. A resource with two appears twice: the service can't remove duplicates across pages.
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
    """The names of role definitions. By GUID, since the rest of an ID differs between Resource Graph and ARM."""
    guids = sorted({last_segment(role_id).lower() for role_id in role_ids})
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
