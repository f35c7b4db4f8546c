# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The commands: which resources, read, change, and what to print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, Union

from azure.cli.core.azclierror import AzureResponseError, ResourceNotFoundError

from ._bulk import Outcome, for_each, report_failures
from ._change import Plan, change_identities
from ._client_factory import communication_services
from ._confirm import confirm_removal
from ._identity import Change, after_assign, after_remove, identities_of, not_assigned, plain_block
from ._identity_lookup import identity_not_found
from ._resource import Document, list_documents, read
from ._resource_id import Resource, user_assigned_id
from ._service_error import service_error

if TYPE_CHECKING:
    from azure.mgmt.communication.operations import CommunicationServicesOperations

Output = Union[dict[str, Any], list[dict[str, Any]]]


def assign_identity(cmd: Any, resources: list[Resource], system_assigned: bool = False,
                    user_assigned: list[str] | None = None, no_wait: bool = False) -> Output:
    """Add identities to each resource; keep those that are there."""
    operations = _operations(cmd, resources)

    def assign(resource: Resource) -> Document:
        change = _change(resource, system_assigned, user_assigned)
        first = read(operations[resource.subscription], resource)
        return _apply(cmd, operations, resource, first, after_assign, change, no_wait)

    return _blocks(cmd, for_each(resources, assign), resources)


def remove_identity(cmd: Any, resources: list[Resource], system_assigned: bool = False,
                    user_assigned: list[str] | None = None, yes: bool = False, no_wait: bool = False) -> Output:
    """Take identities away from each resource; keep the others."""
    operations = _operations(cmd, resources)
    changes = {resource: _change(resource, system_assigned, user_assigned) for resource in resources}

    def check(resource: Resource) -> Document:
        document = read(operations[resource.subscription], resource)
        _require_assigned(resource, document, changes[resource])
        return document

    def remove(resource: Resource) -> Document:
        return _apply(cmd, operations, resource, found.results[resource], after_remove, changes[resource], no_wait)

    found = for_each(resources, check)
    confirm_removal(cmd, {resource: (identities_of(document.block), changes[resource])
                          for resource, document in found.results.items()}, yes)
    removed = for_each(list(found.results), remove) if found.results else Outcome()
    removed.failures.update(found.failures)
    return _blocks(cmd, removed, resources)


def show_identity(cmd: Any, resources: list[Resource]) -> Output:
    """The identity block of each resource."""
    operations = _operations(cmd, resources)
    return _blocks(cmd, for_each(resources, lambda resource: read(operations[resource.subscription], resource)),
                   resources)


def list_identities(cmd: Any, resource_group_name: str | None = None) -> list[dict[str, Any]]:
    """Every resource of the group or the subscription, with its identity block beside its name."""
    return [{"id": document["id"], "name": document["name"], "resourceGroup": document["id"].split("/")[4],
             **plain_block(document.get("identity"))}
            for document in list_documents(communication_services(cmd.cli_ctx), resource_group_name)]


def wait_for_resource(cmd: Any, resources: list[Resource], created: bool = False, updated: bool = False,
                      deleted: bool = False, exists: bool = False, custom: str | None = None, interval: int = 30,
                      timeout: int = 3600) -> None:
    """The CLI's standard wait, on each resource."""
    from azure.cli.core.commands.command_operation import WaitCommandOperation
    operations = _operations(cmd, resources)

    def wait(resource: Resource) -> None:
        conditions = {"created": created, "updated": updated, "deleted": deleted, "exists": exists, "custom": custom,
                      "interval": interval, "timeout": timeout}
        timed_out = WaitCommandOperation.wait(
            conditions, cmd.cli_ctx, lambda: read(operations[resource.subscription], resource).body)
        if timed_out:
            raise AzureResponseError(f"{timed_out}: '{resource.name}' has not reached the condition.")

    report_failures(cmd, for_each(resources, wait))


def _operations(cmd: Any, resources: list[Resource]) -> dict[str, CommunicationServicesOperations]:
    """One client for each subscription, for all threads."""
    return {subscription: communication_services(cmd.cli_ctx, subscription)
            for subscription in {resource.subscription for resource in resources}}


def _change(resource: Resource, system_assigned: bool, user_assigned: list[str] | None) -> Change:
    """What the command names, for one resource. An empty list is only ever let through for a removal: all."""
    return Change(system_assigned, tuple(user_assigned_id(value, resource) for value in user_assigned or ()),
                  all_user_assigned=user_assigned == [])


def _require_assigned(resource: Resource, document: Document, change: Change) -> None:
    """Raise ResourceNotFoundError if a user-assigned identity to remove isn't there: nothing at all is removed then."""
    current = identities_of(document.block)
    absent = not_assigned(current, change)
    if absent:
        assigned = "\n".join(current.user_assigned) or "none"
        raise ResourceNotFoundError(
            f"Nothing was removed: not assigned to '{resource.name}': {', '.join(absent)}",
            f"Its user-assigned identities are:\n{assigned}")


def _apply(cmd: Any, operations: dict[str, CommunicationServicesOperations], resource: Resource, first: Document,
           plan: Plan, change: Change, no_wait: bool) -> Document:
    """Change one resource; where the service refuses a user-assigned identity, find out why."""
    from azure.core.exceptions import HttpResponseError
    try:
        return change_identities(operations[resource.subscription], resource, first, plan, change, no_wait)
    except HttpResponseError as error:
        if service_error(error).code == "FailedIdentityOperation":
            missing = identity_not_found(cmd.cli_ctx, change.user_assigned)
            if missing:
                raise missing from error
        raise


def _blocks(cmd: Any, outcome: Outcome[Document], resources: list[Resource]) -> Output:
    """The identity block; for several resources a list in the order given, each block with the resource's ID."""
    report_failures(cmd, outcome)
    blocks = {resource: plain_block(document.block) for resource, document in outcome.results.items()}
    if len(resources) == 1:
        return blocks[resources[0]]
    return [{"id": resource.id, **blocks[resource]} for resource in resources if resource in blocks]
