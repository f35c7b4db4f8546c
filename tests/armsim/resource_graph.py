# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Azure Resource Graph, for the queries that the extension sends. No HTTP."""

from __future__ import annotations

import base64
from typing import Any

QUERY = ("resources | where type =~ 'microsoft.communication/communicationservices' "
         "| project id, name, resourceGroup, subscriptionId, identity | order by id asc")


def answer(rows: list[dict[str, Any]], body: dict[str, Any], page_size: int) -> dict[str, Any]:
    """One page of rows, sorted by ID; `$skipToken` goes on where the page before ended. Raises ValueError for another
    query: armsim doesn't speak Kusto.
    """
    if " ".join(body["query"].split()).lower() != QUERY.lower():
        raise ValueError(f"unknown query: {body['query']}")
    options = body.get("options") or {}
    start = int(base64.b64decode(options["$skipToken"])) if options.get("$skipToken") else 0
    size = min(int(options.get("$top", 1000)), page_size, 1000)
    wanted = {subscription.lower() for subscription in body.get("subscriptions") or []}
    found = sorted((row for row in rows if not wanted or row["subscriptionId"].lower() in wanted),
                   key=lambda row: row["id"])
    page = found[start:start + size]
    result: dict[str, Any] = {"totalRecords": len(found), "count": len(page), "data": page, "facets": [],
                              "resultTruncated": "false"}
    if start + size < len(found):
        result["$skipToken"] = base64.b64encode(str(start + size).encode()).decode()
    return result
