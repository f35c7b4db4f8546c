# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""What the commands do: which resources, read, change, and what to print."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from azure.cli.core.azclierror import AzureResponseError, ResourceNotFoundError

from ._bulk import Outcome, for_each, report_failures, workers
from ._client_factory import authorization, communication, per_subscription
from ._resource import Document, list_documents, read
from .model.identity import Change, after_assign, after_remove, identities_of, not_assigned, plain_block, principals_of
from .model.names import Resource, user_assigned_id

if TYPE_CHECKING:
    from azure.mgmt.communication import CommunicationServiceManagementClient

    from ._change import Plan
    from ._removal import Removal

Block = dict[str, Any]
Client: TypeAlias = "CommunicationServiceManagementClient"


def assign(cmd: Any, resources: list[Resource], system_assigned: bool, user_assigned: list[str] | None, *,
           role: str | None, scopes: list[str] | None, skip_wait: bool) -> Block | list[Block]:
    """Add identities to each resource, keep those that are there; grant a role to those that are named."""
    client_of = _clients(cmd, resources)
    grants = {}
    if role:
        from ._grant import resolve_grants
        grants = resolve_grants(_authorization(cmd, resources), resources, role, scopes)

    def assign_one(resource: Resource) -> Block:
        change = _change(resource, system_assigned, user_assigned)
        client = client_of(resource.subscription)
        first = read(client, resource)
        # A role needs the principal ID, so with one there is always a wait.
        document = _apply(cmd, client, resource, first, plan=after_assign, change=change,
                          no_wait=skip_wait and not grants)
        block = plain_block(document.block)
        if grants:
            block["roleAssignments"] = grants[resource].apply(resource, document, change)
        return block

    return _output(cmd, for_each(cmd, resources, assign_one), resources)


def remove(cmd: Any, resources: list[Resource], system_assigned: bool, user_assigned: list[str] | None, *,
           delete_role_assignments: bool, yes: bool, skip_wait: bool) -> Block | list[Block]:
    """Take identities away from each resource; keep the others."""
    from ._removal import Removal, asks, confirm
    client_of, authorization_of = _clients(cmd, resources), _authorization(cmd, resources)

    def check(resource: Resource) -> Removal:
        client = client_of(resource.subscription)
        removal = Removal(resource, read(client, resource), _change(resource, system_assigned, user_assigned),
                          delete_assignments=delete_role_assignments)
        _require_assigned(removal)
        if removal.principals:
            from ._grant import held_assignments
            removal.assignments = held_assignments(client, resource.subscription, removal.principals,
                                                   required=delete_role_assignments)
        return removal

    def carry_out(removal: Removal) -> Block:
        if removal.delete_assignments:
            from ._grant import delete_assignments
            delete_assignments(authorization_of(removal.resource.subscription), removal.assignments)
        document = _apply(cmd, client_of(removal.resource.subscription), removal.resource, removal.document,
                          plan=after_remove, change=removal.change, no_wait=skip_wait)
        return plain_block(document.block)

    def remove_one(resource: Resource) -> Block:
        removal = check(resource)
        removal.warn()
        return carry_out(removal)

    if not asks(cmd, yes):
        return _output(cmd, for_each(cmd, resources, remove_one), resources)
    removals = for_each(cmd, resources, check)
    confirm(removals.results.values())
    removed = for_each(cmd, list(removals.results), lambda resource: carry_out(removals.results[resource]))
    removed.failures.update(removals.failures)
    return _output(cmd, removed, resources)


def show(cmd: Any, resources: list[Resource], roles: bool) -> Block | list[Block]:
    """The identity block of each resource, and what its identities may do."""
    client_of = _clients(cmd, resources)

    def show_one(resource: Resource) -> Block:
        client = client_of(resource.subscription)
        block = plain_block(read(client, resource).block)
        if roles:
            from ._grant import held_assignments
            block["roleAssignments"] = held_assignments(client, resource.subscription,
                                                        principals_of(block, identities_of(block)))
        return block

    return _output(cmd, for_each(cmd, resources, show_one), resources)


def list_all(cmd: Any, group: str | None, all_subscriptions: bool) -> list[Block]:
    """Every resource of the group, the subscription or all subscriptions, with its identity block beside its name."""
    if all_subscriptions:
        from ._resource_graph import all_documents
        return [_listed(document, subscriptionId=document["subscriptionId"])
                for document in all_documents(cmd.cli_ctx)]
    from azure.cli.core.commands.client_factory import get_subscription_id
    documents = list_documents(communication(cmd.cli_ctx), get_subscription_id(cmd.cli_ctx), group)
    return [_listed(document) for document in documents]


def _listed(document: Mapping[str, Any], **more: str) -> Block:
    return {"id": document["id"], "name": document["name"], "resourceGroup": document["id"].split("/")[4], **more,
            **plain_block(document.get("identity"))}


def wait(cmd: Any, resources: list[Resource], conditions: dict[str, Any]) -> None:
    """The CLI's standard wait, on each resource. `conditions`: the arguments of every `wait` command."""
    from azure.cli.core.commands.command_operation import WaitCommandOperation
    client_of = _clients(cmd, resources)

    def wait_for_one(resource: Resource) -> None:
        # On a time-out core's wait returns an error instead of raising it, and the command would end with 0.
        timed_out = WaitCommandOperation.wait(
            dict(conditions), cmd.cli_ctx,
            lambda: read(client_of(resource.subscription), resource).body)
        if timed_out:
            raise AzureResponseError(f"After {conditions['timeout']} seconds '{resource.name}' has not reached the "
                                     "condition.",
                                     "Wait longer with --timeout, or see how it is:\n"
                                     f"az resource show --ids {resource.id}")

    report_failures(cmd, for_each(cmd, resources, wait_for_one))


def _clients(cmd: Any, resources: list[Resource]) -> Callable[[str], Client]:
    return per_subscription(partial(communication, cmd.cli_ctx, connections=workers(resources)))


def _authorization(cmd: Any, resources: list[Resource]) -> Callable[[str], Any]:
    return per_subscription(partial(authorization, cmd.cli_ctx, connections=workers(resources)))


def _change(resource: Resource, system_assigned: bool, user_assigned: list[str] | None) -> Change:
    """What the command names, for one resource. An empty list is only ever let through for a removal: all."""
    return Change(system_assigned, tuple(user_assigned_id(value, resource) for value in user_assigned or ()),
                  all_user_assigned=user_assigned == [])


def _require_assigned(removal: Removal) -> None:
    """Raise ResourceNotFoundError if a user-assigned identity to remove isn't there: nothing at all is removed then."""
    absent = not_assigned(removal.current, removal.change)
    if absent:
        raise ResourceNotFoundError(
            f"Nothing was removed: not assigned to '{removal.resource.name}': {', '.join(absent)}",
            "Its user-assigned identities are:\n" + ("\n".join(removal.current.user_assigned) or "none"))


def _apply(cmd: Any, client: Client, resource: Resource, first: Document, *, plan: Plan, change: Change,
           no_wait: bool) -> Document:
    """Change one resource; where the service refuses a user-assigned identity, find out why."""
    from azure.core.exceptions import HttpResponseError

    from ._change import change_identities
    try:
        return change_identities(client, resource, first, plan, change, no_wait=no_wait)
    except HttpResponseError as error:
        from ._service_error import service_error
        if service_error(error).code == "FailedIdentityOperation":
            from ._identity_lookup import identity_not_found
            missing = identity_not_found(cmd.cli_ctx, change.user_assigned)
            if missing:
                raise missing from error
        raise


def _output(cmd: Any, outcome: Outcome[Block], resources: list[Resource]) -> Block | list[Block]:
    """The identity block; for several resources a list in the order given, each block with the resource's ID."""
    report_failures(cmd, outcome)
    if len(resources) == 1:
        return outcome.results[resources[0]]
    return [{"id": resource.id, **outcome.results[resource]} for resource in resources if resource in outcome.results]
