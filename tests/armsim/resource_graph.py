# SPDX-License-Identifier: MIT
"""Azure Resource Graph: what a request to it is answered with. No HTTP."""

from __future__ import annotations

import base64
from typing import Any

from .kusto import Table, run

RESOURCE_COLUMNS = ("id", "name", "type", "tenantId", "location", "resourceGroup", "subscriptionId", "tags",
                    "properties", "identity")
AUTHORIZATION_COLUMNS = ("id", "name", "type", "tenantId", "location", "resourceGroup", "subscriptionId", "properties")
_SCOPE_FILTERS = ("AtScopeAndBelow", "AtScopeAndAbove", "AtScopeAboveAndBelow", "AtScopeExact")
_MOST = 1000  # rows of a page (K44)
_KNOWN_OPTIONS = {"$top", "$skipToken", "resultFormat", "allowPartialScopes", "authorizationScopeFilter"}


def answer(resources: list[dict[str, Any]], authorization: list[dict[str, Any]], body: dict[str, Any], api_version: str,
           page_size: int) -> dict[str, Any]:
    """One page of rows; `$skipToken` goes on where the page before ended. Raises ValueError for what Resource Graph
    doesn't know, and for what armsim doesn't.
    """
    options = body.get("options") or {}
    unknown = set(options) - _KNOWN_OPTIONS | set(body) - {"query", "subscriptions", "options"}
    if unknown or options.get("resultFormat", "objectArray") != "objectArray":
        raise ValueError(f"armsim doesn't know these options: {sorted(unknown) or options['resultFormat']}")
    wanted = {subscription.lower() for subscription in body.get("subscriptions") or []}
    scope_filter = _scope_filter(options, api_version)
    table = run(body["query"], {
        "resources": Table(RESOURCE_COLUMNS, [row for row in resources if _asked(row, wanted)]),
        "authorizationresources": Table(AUTHORIZATION_COLUMNS, [
            row for row in authorization if _in_scope(row, wanted, scope_filter)])})
    rows = [{column: row[column] for column in table.columns} for row in table.rows]
    start = int(base64.b64decode(options["$skipToken"])) if options.get("$skipToken") else 0
    size = min(int(options.get("$top", 100)), page_size, _MOST)
    page = rows[start:start + size]
    more, paged = start + size < len(rows), "id" in table.columns
    if more and " by id" not in body["query"]:
        raise ValueError("pages need rows in a fixed order")  # K44
    result: dict[str, Any] = {"totalRecords": len(rows), "count": len(page), "data": page, "facets": [],
                              "resultTruncated": "true" if more and not paged else "false"}
    if more and paged:
        result["$skipToken"] = base64.b64encode(str(start + size).encode()).decode()
    return result


def _scope_filter(options: dict[str, Any], api_version: str) -> str:
    """How far up and down role assignments are looked for (K46)."""
    given = options.get("authorizationScopeFilter")
    if given is not None and (given not in _SCOPE_FILTERS or api_version < "2021-06-01"):
        raise ValueError(f"authorizationScopeFilter {given} with API version {api_version}")
    return str(given or _SCOPE_FILTERS[0])


def _asked(row: dict[str, Any], wanted: set[str]) -> bool:
    """Whether a row is of the subscriptions of the request; without any, all are (K45)."""
    return not wanted or row["subscriptionId"].lower() in wanted


def _in_scope(row: dict[str, Any], wanted: set[str], scope_filter: str) -> bool:
    """Role definitions always are. An assignment above the subscriptions only is if asked for (A17)."""
    if row["type"].endswith("/roledefinitions"):
        return True
    scope = row["properties"]["scope"].strip("/").split("/")
    if not row["subscriptionId"]:
        return "Above" in scope_filter
    return _asked(row, wanted) and (len(scope) == 2 or scope_filter in ("AtScopeAndBelow", "AtScopeAboveAndBelow"))
