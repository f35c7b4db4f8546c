# SPDX-License-Identifier: MIT
"""`show`: the identity block of each resource, and with `--roles` what its identities may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from azure.cli.core.azclierror import AzCLIError

from ..arm import graph, roles
from ..arm.errors import explained
from ..model.identities import Block, identities_of, plain_block, principals_of
from ..model.requests import RequestError
from ..model.resource_id import ResourceId, last_segment
from ..model.role_assignments import hidden_from_manager, role_name
from ..model.update import get
from ..runner.messages import warn


async def show(resource: ResourceId, *, with_roles: bool) -> dict[str, Any]:
    """The plain block; with roles, also the role assignments in the resource's own subscription, as ARM has them."""
    block = plain_block((await get(resource)).block)
    if not with_roles:
        return block
    principals = principals_of(block)
    block["roleAssignments"] = [one for principal in principals
                                for one in await roles.assignments_of(resource.subscription, principal)]
    if len(principals) < len(identities_of(block).described()):
        warn(f"The service doesn't show the principal ID of every identity of '{resource.name}', so the roles of these "
             "can't be looked up.")
    return block


async def roles_elsewhere(blocks: Sequence[Block]) -> tuple[dict[str, list[dict[str, str]]], dict[str, str]]:
    """Of the blocks of one login: all role assignments by principal ID, and names of roles by GUID, both lower case."""
    principals = {principal for block in blocks for principal in principals_of(block)}
    try:
        everywhere = await graph.assignments_everywhere(sorted(principals))
    except (RequestError, AzCLIError) as error:
        warn_of_missing_roles(error)
        everywhere = []
    own = [one for block in blocks for one in block["roleAssignments"]]
    of_principals: dict[str, list[dict[str, str]]] = {}
    for one in everywhere:
        of_principals.setdefault(one["principalId"].lower(), []).append(one)
    return of_principals, await _names_of_roles([*everywhere, *own])


async def _names_of_roles(assignments: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The names of the roles that aren't in BUILT_IN_ROLES."""
    unknown = {one["roleDefinitionId"] for one in assignments
               if role_name(one["roleDefinitionId"]) == last_segment(one["roleDefinitionId"])}
    if not unknown:
        return {}
    try:
        names = await graph.role_names(unknown)
    except RequestError:
        names = {}
    for role_id in unknown:
        guid = last_segment(role_id).lower()
        if guid not in names:
            names[guid] = await roles.role_name_of(role_id)
    return names


def with_roles_elsewhere(block: Block, subscription: str, everywhere: Mapping[str, Sequence[Mapping[str, str]]],
                         names: Mapping[str, str]) -> dict[str, Any]:
    """A block with all role assignments: those of its own subscription from ARM, the others from Resource Graph."""
    principals = dict.fromkeys(one.lower() for one in principals_of(block))
    own = f"/subscriptions/{subscription}".lower()
    others = [one for principal in principals for one in everywhere.get(principal, ())
              if one["scope"].lower() != own and not one["scope"].lower().startswith(f"{own}/")]
    found = {one["id"].lower(): one for one in (*block["roleAssignments"], *others)}
    return {**block, "roleAssignments": [
        {**one, "roleName": names.get(last_segment(one["roleDefinitionId"]).lower(), one["roleName"])}
        for one in found.values()]}


def warn_of_managed(resources: Sequence[ResourceId]) -> None:
    """Say of which resources a login of a managing tenant (Azure Lighthouse) sees no role assignments."""
    if resources:
        warn(f"{hidden_from_manager('the subscription of these resources')}: "
             f"{', '.join(one.name for one in resources)}.")


def warn_of_missing_roles(error: Exception) -> None:
    """Say that role assignments in other subscriptions are missing, and why."""
    warn(f"Role assignments in other subscriptions are missing from the list: {explained(error) or error}")
