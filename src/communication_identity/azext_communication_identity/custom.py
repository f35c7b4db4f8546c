# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The five commands. The CLI also imports this file for help and invalid input, so a command imports what it needs when
it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .actions.schedule import Results
    from .model.names import Consent, Resource

Block = dict[str, Any]


def assign_identity(cmd: Any, resources: list[Resource], *, system_assigned: bool = False,
                    user_assigned: list[str] | None = None, role: str | None = None, scopes: list[str] | None = None,
                    dry_run: bool = False, skip_wait: bool = False) -> Block | list[Block]:
    """Add identities to each resource, keep the current ones, and grant a role to the named ones."""
    from .actions.changing import Order, assign
    from .actions.each import for_each
    order = Order(system_assigned, user_assigned, role, scopes or (), dry_run, skip_wait)
    outcome = for_each(cmd, resources, lambda resource: assign(resource, order))
    return _printed(cmd, outcome, resources, dry_run)


def remove_identity(cmd: Any, resources: list[Resource], *, yes: Consent, system_assigned: bool = False,
                    user_assigned: list[str] | None = None, delete_role_assignments: bool = False,
                    dry_run: bool = False, skip_wait: bool = False) -> Block | list[Block]:
    """Remove identities from each resource and keep the others. In a terminal, ask once for all resources."""
    from .actions.changing import Order, confirm, remove
    from .actions.each import for_each
    order = Order(system_assigned, user_assigned, dry_run=dry_run, no_wait=skip_wait)
    outcome = for_each(cmd, resources, lambda resource: remove(resource, order, yes, delete_role_assignments),
                       ready=confirm)
    return _printed(cmd, outcome, resources, dry_run)


def show_identity(cmd: Any, resources: list[Resource], roles: bool = False) -> Block | list[Block]:
    """Show the identity block of each resource, and with `roles` the roles of its identities in all subscriptions."""
    from .actions.each import for_each
    from .actions.reading import add_roles, show
    outcome = for_each(cmd, resources, lambda resource: show(resource, roles))
    if roles:
        add_roles(cmd, outcome)
    return _printed(cmd, outcome, resources)


def list_identities(cmd: Any, resource_group_name: str | None = None, all_subscriptions: bool = False,
                    user_assigned: list[str] | None = None) -> list[Block]:
    """List the resources in the group, the subscription or all subscriptions, each with its identity block. With
    identities, list only resources that have at least one of them.
    """
    from .actions.each import in_subscription
    from .actions.reading import carries, list_all, list_resources
    ids = [value for value in user_assigned or () if value.startswith("/")]
    names = [value for value in user_assigned or () if not value.startswith("/")]
    found = list_all(cmd, ids, names) if all_subscriptions else in_subscription(
        cmd, lambda subscription: list_resources(subscription, resource_group_name))
    return found if user_assigned is None else [item for item in found if carries(item, ids, names)]


def wait_for_resource(cmd: Any, resources: list[Resource], *, created: bool = False, updated: bool = False,
                      deleted: bool = False, exists: bool = False, custom: Callable[[Any], Any] | None = None,
                      interval: int = 30, timeout: int = 3600) -> None:
    """Wait until each resource meets the condition."""
    from .actions.each import for_each, results
    from .actions.reading import Condition, wait
    condition = Condition(created, updated, deleted, exists, custom)
    outcome = for_each(cmd, resources, lambda resource: wait(resource, condition, interval, timeout))
    results(cmd, outcome, resources)


def _printed(cmd: Any, outcome: Results[Block], resources: list[Resource], dry_run: bool = False
             ) -> Block | list[Block]:
    """The block of a single resource, or a list of several blocks, each with the ID of its resource."""
    from .actions.each import count_changes, results
    if len(resources) != 1:
        for resource, block in outcome.results.items():
            outcome.results[resource] = {"id": resource.id, **block}
        if dry_run:
            count_changes(outcome)
    return results(cmd, outcome, resources)
