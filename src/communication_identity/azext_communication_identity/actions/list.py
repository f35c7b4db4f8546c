# SPDX-License-Identifier: MIT
"""`list`: every resource of a group, a subscription or all subscriptions, with its identity block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..arm.errors import explained
from ..arm.graph import graph_rows, resources_query
from ..model.identities import plain_block
from ..model.quoting import for_display
from ..model.requests import ListResources, Query, Request, pages
from ..model.resource_id import last_segment
from ..runner.messages import warn


async def list_resources(subscription: str, group: str | None) -> list[dict[str, Any]]:
    """Every resource of a group, or of a subscription, with its plain identity block. Raises RequestError."""
    request = ListResources(subscription, group)
    return await pages(request, lambda item: _listed(item, request))


async def list_everywhere(identity_ids: Sequence[str], identity_names: Sequence[str]) -> list[dict[str, Any]]:
    """Every resource of a tenant; with identities, only those that have at least one of them. Raises RequestError."""
    query = resources_query(identity_ids, identity_names)
    found, incomplete = await graph_rows(query, lambda row: _listed(row, Query({"query": query}), subscriptionId=str(
        row.get("subscriptionId") or "")))
    if incomplete:
        warn(f"{incomplete} To list the resources in one subscription, run:\n"
             "az communication identity list --subscription ID")
    return found


def carries(item: Mapping[str, Any], identity_ids: Sequence[str], identity_names: Sequence[str]) -> bool:
    """Whether a listed resource has one of the user-assigned identities. A name means every identity with that name."""
    has = [identity.lower() for identity in item.get("userAssignedIdentities", {})]
    return (any(identity.lower() in has for identity in identity_ids)
            or any(last_segment(identity) == name.lower() for identity in has for name in identity_names))


def _listed(item: Mapping[str, Any], request: Request, **more: str) -> dict[str, Any]:
    """A resource of a list, with its plain identity block. Raises RequestError for anything else."""
    segments = str(item.get("id")).split("/")
    if len(segments) != 9 or not isinstance(item.get("identity"), (dict, type(None))):
        raise request.unusable("The service's list contains something other than resources.")
    return {"id": item["id"], "name": str(item.get("name") or segments[8]), "resourceGroup": segments[4], **more,
            **plain_block(item.get("identity") or {})}


def warn_of_nothing_found(identities: Sequence[str], *, all_subscriptions: bool, group: str | None) -> None:
    """Say that no resource has the identities, and where `list` looked: people ask before they delete an identity."""
    where = ("any subscription that you can read" if all_subscriptions else
             f"resource group '{group}'" if group else "this subscription")
    warn(f"No Communication Services resource in {where} has the user-assigned identity "
         f"{' or '.join(map(for_display, identities))}.")


def warn_of_skipped_tenant(tenant: str, failure: Exception) -> None:
    """Name a tenant that isn't in the list, and what would help: a login or a role."""
    error = explained(failure)
    warn("\n".join([f"Skipped tenant {tenant}: {error or failure}", *(
        (error.recommendations if error else ()) or [f"To log in to it, run:\naz login --tenant {tenant}"])]))
