# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Azure Resource Graph: one query for each thousand rows instead of a list for each subscription (REST
Microsoft.ResourceGraph/resources 2022-10-01; throttling: articles/governance/resource-graph/concepts/
guidance-for-throttled-requests.md of azure-docs). Its data may be a minute old.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from knack.log import get_logger

from ..model.roles import role_guid
from ..model.steps import (
    LONGEST_THROTTLE,
    Answer,
    Life,
    NoAnswer,
    Pause,
    RefusedError,
    Request,
    endless,
    quota_resets_after,
    read,
)
from . import queries
from .role_assignments import plain_assignments

logger = get_logger(__name__)
T = TypeVar("T")

REQUEST = Request("POST", "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01", query=True)
_PAGE = 1000  # rows, the maximum
_PRINCIPALS = 200  # in one query


def rows(query: str, keep: Callable[[dict[str, Any]], T]) -> Life[list[T]]:
    """What `keep` returns for each row that a query finds in all subscriptions of a tenant that the login can read, one
    POST a page. Raises RefusedError, also if the answer isn't a list of rows or never ends.
    """
    # The scope filter includes role assignments at management groups, which apply to everything below them.
    options: dict[str, Any] = {"$top": _PAGE, "resultFormat": "objectArray", "allowPartialScopes": True,
                               "authorizationScopeFilter": "AtScopeAboveAndBelow"}
    found: list[T] = []
    seen = set()
    empty = 0  # pages in a row
    while True:
        request = REQUEST._replace(body={"query": query, "options": dict(options)})
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
        if endless(len(seen), empty):
            raise RefusedError(request, NoAnswer(
                f"Azure Resource Graph's response has no end: {endless(len(seen), empty)}"))
        options["$skipToken"] = token
        wait = quota_resets_after(answer)
        if answer.headers.get("x-ms-user-quota-remaining") == "0" and wait <= LONGEST_THROTTLE:
            yield Pause(wait, "Azure Resource Graph to grant another query")


def assignments_everywhere(principals: Collection[str]) -> Life[list[dict[str, str]]]:
    """The role assignments, plain, of principals in all subscriptions. Raises RefusedError."""
    found: list[dict[str, str]] = []
    wanted = list(principals)
    for start in range(0, len(wanted), _PRINCIPALS):
        found += plain_assignments((yield from rows(
            queries.role_assignments(wanted[start:start + _PRINCIPALS]),
            lambda row: {"id": row.get("id"), "properties": row})), *wanted)
    return found


def role_names(role_ids: Collection[str]) -> Life[dict[str, str]]:
    """The names of roles, built-in and custom, by GUID in lower case. Raises RefusedError."""
    guids = sorted({role_guid(role_id).lower() for role_id in role_ids})
    found = yield from rows(queries.role_names(guids), dict)
    return {str(row["name"]).lower(): row["roleName"] for row in found
            if row.get("name") and isinstance(row.get("roleName"), str) and row["roleName"]}


def _warn_if_truncated(answer: Answer) -> None:
    """Warn if the last page isn't the end of the data."""
    if answer.headers.get("x-ms-tenant-subscription-limit-hit", "").lower() == "true":
        logger.warning("The list is incomplete: Azure Resource Graph searches at most 10,000 subscriptions, and you "
                       "have access to more. To list the resources in one of the others, run:\n"
                       "az communication identity list --subscription ID")
    elif str(answer.body.get("resultTruncated")).lower() == "true":
        logger.warning("The list is incomplete: Azure Resource Graph truncated its response.")
