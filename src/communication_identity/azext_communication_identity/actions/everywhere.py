# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Reads all subscriptions that the CLI is logged in to, with one life for each tenant and user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from knack.log import get_logger

from ..arm import graph, queries
from ..arm.client import Login, logins
from ..arm.errors import explain, explained
from ..arm.role_assignments import role_name_of
from ..model.identity import identities_of, principals_of
from ..model.roles import role_guid, role_name
from ..model.steps import Life, RefusedError
from .each import for_each
from .reading import listed
from .schedule import Results

logger = get_logger(__name__)


def list_all(cmd: Any, identity_ids: Sequence[str], identity_names: Sequence[str]) -> list[dict[str, Any]]:
    """Each resource that the CLI's logins can read. Warns of each tenant that doesn't answer. Raises an azclierror if
    none does.
    """
    outcome = for_each(cmd, logins(cmd.cli_ctx), lambda _: list_everywhere(identity_ids, identity_names))
    failures = [failure for failure in outcome.failures.values() if isinstance(failure, Exception)]
    if failures and not outcome.results:
        explain(failures[0])
    for login, failure in outcome.failures.items():
        logger.warning("Skipped tenant %s: %s\nTo log in to it, run: az login --tenant %s", login.tenant,
                       explained(failure) or failure, login.tenant)
    return list({item["id"].lower(): item for items in outcome.results.values() for item in items}.values())


def add_roles(cmd: Any, outcome: Results[dict[str, Any]]) -> None:
    """Add the role assignments in all other subscriptions, and the names of all roles, to blocks that have the role
    assignments in the resources' own subscriptions.
    """
    blocks: dict[Login, list[dict[str, Any]]] = {}
    login_of = {subscription: login for login in logins(cmd.cli_ctx) for subscription in login.subscriptions}
    for resource, block in outcome.results.items():
        blocks.setdefault(login_of[resource.subscription.lower()], []).append(block)
    found = for_each(cmd, list(blocks), lambda login: _roles_of(blocks[login]))
    for failure in found.failures.values():
        _warn_of_others(failure)
    for resource, block in outcome.results.items():
        everywhere, names = found.results.get(login_of[resource.subscription.lower()], ([], {}))
        outcome.results[resource] = joined(block, resource.subscription, everywhere, names)


def _roles_of(blocks: Sequence[dict[str, Any]]) -> Life[tuple[list[dict[str, str]], dict[str, str]]]:
    """The role assignments of the identities of the blocks in all subscriptions, and the names of their roles."""
    principals = {principal for block in blocks for principal in principals_of(block, identities_of(block))}
    try:
        everywhere = yield from graph.assignments_everywhere(sorted(principals))
    except RefusedError as refusal:
        _warn_of_others(refusal)
        everywhere = []
    own = [one for block in blocks for one in block["roleAssignments"]]
    return everywhere, (yield from role_names([*everywhere, *own]))


def list_everywhere(identity_ids: Sequence[str], identity_names: Sequence[str]) -> Life[list[dict[str, Any]]]:
    """Every resource of a tenant; with identities, only those that have at least one of them."""
    query = (queries.resources_with(identity_ids, identity_names) if identity_ids or identity_names
             else queries.resources())
    return (yield from graph.rows(query, lambda row: listed(row, graph.REQUEST, subscriptionId=str(
        row.get("subscriptionId") or ""))))


def role_names(assignments: Sequence[dict[str, str]]) -> Life[dict[str, str]]:
    """The names of the roles that aren't in BUILT_IN_ROLES, by GUID in lower case."""
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
    """A block with the role assignments in all subscriptions: in its own as ARM has them, in the others as Azure
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


def _warn_of_others(failure: BaseException) -> None:
    logger.warning("Role assignments in other subscriptions are missing from the list: %s",
                   explained(failure) or failure)
