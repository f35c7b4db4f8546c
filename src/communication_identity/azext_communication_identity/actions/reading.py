# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""What `show`, `list` and `wait` read, as lives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from azure.cli.core.azclierror import AzureResponseError

from ..arm import graph, queries
from ..arm.role_assignments import assignments_of, role_name_of
from ..model.identity import identities_of, plain_block, principals_of
from ..model.names import Resource
from ..model.roles import role_guid, role_name
from ..model.steps import Answer, Await, Life, NoAnswer, RefusedError, Request, pages
from ..model.write import API_VERSION, Document, get

_LIST = "/providers/Microsoft.Communication/communicationServices"


def show(resource: Resource, roles: bool) -> Life[dict[str, Any]]:
    """The plain identity block; with `roles` the role assignments in the resource's own subscription as ARM has them
    right now.
    """
    document = yield from get(resource)
    block = plain_block(document.block)
    if roles:
        block["roleAssignments"] = []
        for principal in principals_of(document.block, identities_of(document.block)):
            block["roleAssignments"] += yield from assignments_of(resource.subscription, principal)
    return block


def role_names(assignments: Sequence[dict[str, str]]) -> Life[dict[str, str]]:
    """The names of the roles that aren't known by heart, by GUID in lower case."""
    unknown = {one["roleDefinitionId"] for one in assignments
               if role_name(one["roleDefinitionId"]) == role_guid(one["roleDefinitionId"])}
    if not unknown:
        return {}
    try:
        names = yield from graph.role_names(unknown)
    except RefusedError:
        names = {}
    for role_id in unknown:
        guid = role_guid(role_id).lower()
        if guid not in names:
            names[guid] = yield from role_name_of(role_id)
    return names


def joined(block: dict[str, Any], subscription: str, everywhere: Sequence[dict[str, str]], names: Mapping[str, str]
           ) -> dict[str, Any]:
    """A block whose role assignments are those of all subscriptions: of its own as ARM has them, of the others as Azure
    Resource Graph has them, which may be a minute old.
    """
    principals = {one.lower() for one in principals_of(block, identities_of(block))}
    own = f"/subscriptions/{subscription}".lower()
    others = [one for one in everywhere if one["principalId"].lower() in principals
              and one["scope"].lower() != own and not one["scope"].lower().startswith(f"{own}/")]
    found = {one["id"].lower(): one for one in (*block["roleAssignments"], *others)}
    return {**block, "roleAssignments": [
        {**one, "roleName": names.get(role_guid(one["roleDefinitionId"]).lower(), one["roleName"])}
        for one in found.values()]}


def list_resources(subscription: str, group: str | None) -> Life[list[dict[str, Any]]]:
    """Every resource of a group, or of a subscription, with its plain identity block."""
    scope = f"/subscriptions/{subscription}" + (f"/resourceGroups/{quote(group)}" if group else "")
    request = Request("GET", f"{scope}{_LIST}?api-version={API_VERSION}")
    return (yield from pages(request, lambda item: _listed(item, request)))


def list_everywhere(identity_ids: Sequence[str], identity_names: Sequence[str]) -> Life[list[dict[str, Any]]]:
    """Every resource of a tenant; with identities only those that carry one of them."""
    query = (queries.resources_with(identity_ids, identity_names) if identity_ids or identity_names
             else queries.resources())
    return (yield from graph.rows(query, lambda row: _listed(row, graph.REQUEST, subscriptionId=str(
        row.get("subscriptionId") or ""))))


def carries(item: Mapping[str, Any], identity_ids: Sequence[str], identity_names: Sequence[str]) -> bool:
    """Whether a listed resource carries one of the user-assigned identities; a name means every identity of it."""
    has = [identity.lower() for identity in item.get("userAssignedIdentities", {})]
    return (any(identity.lower() in has for identity in identity_ids)
            or any(identity.rsplit("/", 1)[-1] == name.lower() for identity in has for name in identity_names))


@dataclass(frozen=True)
class Condition:
    """What `wait` waits for. `created`: also what `--updated` asks for. `custom`: whether a resource's JSON meets a
    JMESPath query.
    """

    created: bool = False
    updated: bool = False
    deleted: bool = False
    exists: bool = False
    custom: Callable[[Mapping[str, Any]], Any] | None = None

    def met(self, document: Document | None) -> bool:
        """As azure-cli's own wait has it. `document`: None where there is no resource."""
        if document is None:
            return self.deleted
        if (self.created or self.updated) and document.state == "failed":
            raise AzureResponseError("The operation failed: the resource's provisioningState is Failed.")
        return (self.exists or (self.created or self.updated) and document.state == "succeeded"
                or self.custom is not None and bool(self.custom(document.body)))


def wait(resource: Resource, condition: Condition, interval: float, timeout: float) -> Life[None]:
    """Read the resource until the condition is met. Raises RefusedError, or AzureResponseError after `timeout` s."""
    started = None
    absent_is_fine = condition.deleted or condition.created or condition.exists or condition.custom is not None
    while True:
        document = None
        try:
            document = yield from get(resource)
            now = document.at
        except RefusedError as refusal:
            now = refusal.reply.at
            if not isinstance(refusal.reply, Answer) or refusal.reply.status != 404 or not absent_is_fine:
                raise
        started = now if started is None else started
        if condition.met(document):
            return
        if now - started >= timeout:
            raise AzureResponseError(
                f"'{resource.name}' didn't reach the condition within {timeout:.0f} seconds.",
                f"Wait longer with --timeout, or look at the resource:\naz resource show --ids {resource.id}")
        yield Await(now, 0, min(interval, started + timeout - now), f"the condition of '{resource.name}'", own=False)


def _listed(item: Mapping[str, Any], request: Request, **more: str) -> dict[str, Any]:
    parts = str(item.get("id")).split("/")
    if len(parts) != 9 or not isinstance(item.get("identity") or {}, dict):
        raise RefusedError(request, NoAnswer("The service's list holds something else than resources."))
    return {"id": item["id"], "name": str(item.get("name") or parts[8]), "resourceGroup": parts[4], **more,
            **plain_block(item.get("identity"))}
