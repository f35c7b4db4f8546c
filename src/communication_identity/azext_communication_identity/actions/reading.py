# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The lives of `show`, `list` and `wait`, and what they read in all subscriptions that the CLI is logged in to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from azure.cli.core.azclierror import AzureResponseError
from knack.log import get_logger

from ..arm import access
from ..arm.client import Login, logins
from ..arm.errors import explain, explained
from ..model.identity import identities_of, plain_block, principals_of, role_guid, role_name
from ..model.names import Resource, for_shell
from ..model.steps import (
    BACKOFF,
    LONGEST_THROTTLE,
    TIMEOUT,
    Answer,
    Life,
    NextPoll,
    NoAnswer,
    RefusedError,
    Request,
    absent,
    pages,
    passes,
    seconds_asked_for,
)
from ..model.write import API_VERSION, Document, get
from .each import for_each
from .schedule import Results

logger = get_logger(__name__)

_LIST = "/providers/Microsoft.Communication/communicationServices"


def show(resource: Resource, roles: bool) -> Life[dict[str, Any]]:
    """The plain identity block; with `roles`, also the role assignments in the resource's own subscription, as ARM has
    them right now.
    """
    document = yield from get(resource)
    block = plain_block(document.block)
    if roles:
        block["roleAssignments"] = []
        for principal in principals_of(document.block, identities_of(document.block)):
            block["roleAssignments"] += yield from access.assignments_of(resource.subscription, principal)
    return block


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
        everywhere = yield from access.assignments_everywhere(sorted(principals))
    except RefusedError as refusal:
        _warn_of_others(refusal)
        everywhere = []
    own = [one for block in blocks for one in block["roleAssignments"]]
    return everywhere, (yield from names_of_roles([*everywhere, *own]))


def names_of_roles(assignments: Sequence[dict[str, str]]) -> Life[dict[str, str]]:
    """The names of the roles that aren't in BUILT_IN_ROLES, by GUID in lower case."""
    unknown = {one["roleDefinitionId"] for one in assignments
               if role_name(one["roleDefinitionId"]) == role_guid(one["roleDefinitionId"])}
    if not unknown:
        return {}
    try:
        names = yield from access.role_names(unknown)
    except RefusedError:
        names = {}
    for role_id in unknown:
        guid = role_guid(role_id).lower()
        if guid not in names:
            names[guid] = yield from access.role_name_of(role_id)
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


def _warn_of_others(failure: Exception) -> None:
    logger.warning("Role assignments in other subscriptions are missing from the list: %s",
                   explained(failure) or failure)


def list_resources(subscription: str, group: str | None) -> Life[list[dict[str, Any]]]:
    """Every resource of a group, or of a subscription, with its plain identity block."""
    scope = f"/subscriptions/{subscription}" + (f"/resourceGroups/{group}" if group else "")
    request = Request("GET", f"{scope}{_LIST}?api-version={API_VERSION}")
    return (yield from pages(request, lambda item: listed(item, request)))


def list_all(cmd: Any, identity_ids: Sequence[str], identity_names: Sequence[str]) -> list[dict[str, Any]]:
    """Each resource that the CLI's logins can read. Warns of each tenant that doesn't answer. Raises an azclierror if
    none does.
    """
    outcome = for_each(cmd, logins(cmd.cli_ctx), lambda _: list_everywhere(identity_ids, identity_names))
    if outcome.failures and not outcome.results:
        explain(next(iter(outcome.failures.values())))
    for login, failure in outcome.failures.items():
        logger.warning("Skipped tenant %s: %s\nTo log in to it, run: az login --tenant %s", login.tenant,
                       explained(failure) or failure, login.tenant)
    return list({item["id"].lower(): item for items in outcome.results.values() for item in items}.values())


def list_everywhere(identity_ids: Sequence[str], identity_names: Sequence[str]) -> Life[list[dict[str, Any]]]:
    """Every resource of a tenant; with identities, only those that have at least one of them."""
    query = access.resources_query(identity_ids, identity_names)
    return (yield from access.graph_rows(query, lambda row: listed(row, access.GRAPH_REQUEST, subscriptionId=str(
        row.get("subscriptionId") or ""))))


def carries(item: Mapping[str, Any], identity_ids: Sequence[str], identity_names: Sequence[str]) -> bool:
    """Whether a listed resource has one of the user-assigned identities. A name means every identity with that name."""
    has = [identity.lower() for identity in item.get("userAssignedIdentities", {})]
    return (any(identity.lower() in has for identity in identity_ids)
            or any(identity.rsplit("/", 1)[-1] == name.lower() for identity in has for name in identity_names))


def listed(item: Mapping[str, Any], request: Request, **more: str) -> dict[str, Any]:
    """A resource of a list, with its plain identity block. Raises RefusedError for anything else."""
    parts = str(item.get("id")).split("/")
    if len(parts) != 9 or not isinstance(item.get("identity"), (dict, type(None))):
        raise RefusedError(request, NoAnswer("The service's list contains something other than resources."))
    return {"id": item["id"], "name": str(item.get("name") or parts[8]), "resourceGroup": parts[4], **more,
            **plain_block(item.get("identity") or {})}


class Condition(NamedTuple):
    """What `wait` waits for. `created` and `updated` mean the same. `custom`: whether a resource's JSON meets a
    JMESPath query.
    """

    created: bool = False
    updated: bool = False
    deleted: bool = False
    exists: bool = False
    custom: Callable[[Mapping[str, Any]], Any] | None = None

    def met(self, document: Document | None) -> bool:
        """The same rules as in azure-cli's own wait. `document`: None if there is no resource."""
        if document is None:
            return self.deleted
        if self.custom is not None and self.custom(document.body):  # pylint: disable=not-callable  # if it isn't None
            return True
        return self.exists or (self.created or self.updated) and document.state == "succeeded"


def wait(resource: Resource, condition: Condition, interval: float, timeout: float) -> Life[None]:
    """Read the resource until it meets the condition. Raises RefusedError, or AzureResponseError after `timeout` s. No
    pause is longer than the time left, not even if the service asks for more.
    """
    started, now = None, 0.0
    failures = 0  # in a row, except for throttling
    absent_is_fine = condition.deleted or condition.created or condition.exists or condition.custom is not None
    while True:
        document, refused = None, None
        try:
            left = timeout if started is None else started + timeout - now
            document = yield from get(resource, 0, min(max(left, 0.0), LONGEST_THROTTLE))
            now = document.at
        except RefusedError as refusal:
            now = refusal.reply.at
            if not absent(refusal.reply) or not absent_is_fine:
                refused = refusal
        started = now if started is None else started
        if document and document.state == "failed" and (condition.created or condition.updated):
            raise AzureResponseError(
                f"The last operation on '{resource.name}' failed: its provisioningState is Failed.",
                f"To see the resource, run:\naz resource show --ids {for_shell(resource.id)}")
        if refused is None and condition.met(document):
            return
        pause = _pause_after(refused, failures) if refused else interval
        failures = failures + 1 if refused and passes(refused.reply) else 0
        if now - started >= timeout:
            raise refused or AzureResponseError(
                f"'{resource.name}' didn't meet the condition within {timeout:.0f} seconds.",
                "To wait longer, use --timeout. To see the resource, run:\n"
                f"az resource show --ids {for_shell(resource.id)}")
        yield NextPoll(now, 0, min(pause, started + timeout - now), f"the condition of '{resource.name}'",
                       own_operation=False)


def _pause_after(refusal: RefusedError, failures: int) -> float:
    """The seconds until another read, after a refusal that followed this many failures. Raises the refusal if another
    read is of no use.
    """
    reply = refusal.reply
    asked = reply.retry_after or 0.0
    if isinstance(reply, Answer) and reply.status == 429:
        asked = seconds_asked_for(reply)
        if asked <= LONGEST_THROTTLE:
            return max(asked, BACKOFF[0])
    elif passes(reply) and failures < len(BACKOFF):
        return max(BACKOFF[failures], min(asked, TIMEOUT))
    raise refusal
