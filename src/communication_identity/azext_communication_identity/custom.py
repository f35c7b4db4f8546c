# SPDX-License-Identifier: MIT
"""The commands. The CLI also imports this file for help, so a command imports what it needs when it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .model.resource_id import ResourceId
    from .runner.runner import Outcome
    from .runner.terminal import Consent

Block = dict[str, Any]


def assign_identity(cmd: Any, resources: list[ResourceId], *, system_assigned: bool = False,
                    user_assigned: list[str] | None = None, roles: list[str] | None = None,
                    scopes: list[str] | None = None, dry_run: bool = False, skip_wait: bool = False
                    ) -> Block | list[Block]:
    """Add identities to each resource, keep the current ones, and grant roles to the named ones."""
    from .actions.assign import AssignOptions, assign, identities_to_look_up
    from .arm.identities import find_identity
    from .arm.login import customer_tenants
    from .runner.report import run_all
    options = AssignOptions(system_assigned=system_assigned, user_assigned=user_assigned, roles=roles or (),
                            scopes=scopes or (), dry_run=dry_run, wait=not skip_wait,
                            customer_tenants=customer_tenants(cmd.cli_ctx) if roles else None)
    if len(resources) > 1:  # each identity is looked up once, before the first write
        identities = identities_to_look_up(resources, options)
        found = (run_all(cmd, identities, lambda identity: find_identity(identity.id, options.versions),
                         what="identities").results if identities else {})
        options = replace(options, known={identity.id.lower(): one for identity, one in found.items()})
    outcome = run_all(cmd, resources, lambda resource: assign(resource, options))
    return _printed(cmd, outcome, resources, dry_run=dry_run)


def remove_identity(cmd: Any, resources: list[ResourceId], *, yes: Consent, system_assigned: bool = False,
                    user_assigned: list[str] | None = None, delete_role_assignments: bool = False,
                    dry_run: bool = False, skip_wait: bool = False) -> Block | list[Block]:
    """Remove identities from each resource and keep the others. In a terminal, ask once for all resources."""
    from ._format import show_table
    from .actions.remove import Removal, RemoveOptions, confirm, remove, warn_of_removed
    from .arm.login import customer_tenants
    from .runner.report import run_all
    options = RemoveOptions(system_assigned=system_assigned, user_assigned=user_assigned, consent=yes, dry_run=dry_run,
                            delete_role_assignments=delete_role_assignments, wait=not skip_wait,
                            managed=customer_tenants(cmd.cli_ctx) if delete_role_assignments else ())
    removed: list[Removal] | None = [] if len(resources) > 1 else None
    try:
        outcome = run_all(cmd, resources, lambda resource: remove(resource, options, removed),
                          lambda removals: confirm(list(removals.values()), show_table))
    finally:
        warn_of_removed(removed or [], show_table)
    return _printed(cmd, outcome, resources, dry_run=dry_run)


def show_identity(cmd: Any, resources: list[ResourceId], *, with_roles: bool = False) -> Block | list[Block]:
    """Show the identity block of each resource, and on request the roles of its identities in all subscriptions."""
    from .actions.show import show
    from .runner.report import run_all
    outcome = run_all(cmd, resources, lambda resource: show(resource, with_roles=with_roles))
    if with_roles:
        _add_roles(cmd, outcome)
    return _printed(cmd, outcome, resources)


def list_identities(cmd: Any, *, resource_group_name: str | None = None, all_subscriptions: bool = False,
                    user_assigned: list[str] | None = None) -> list[Block]:
    """List the resources of a group, a subscription or all, or only those that carry one of these identities."""
    from .actions.list import carries, list_resources, warn_of_nothing_found
    from .runner.report import run_in_subscription
    ids = [value for value in user_assigned or () if value.startswith("/")]
    names = [value for value in user_assigned or () if not value.startswith("/")]
    found = _list_all(cmd, ids, names) if all_subscriptions else run_in_subscription(
        cmd, lambda subscription: list_resources(subscription, resource_group_name))
    if user_assigned is None:
        return found
    found = [item for item in found if carries(item, ids, names)]
    if not found:
        warn_of_nothing_found(user_assigned, all_subscriptions=all_subscriptions, group=resource_group_name)
    return found


def check_identity(cmd: Any, resources: list[ResourceId], *, purpose: str | None = None,
                   roles: list[str] | None = None, scopes: list[str] | None = None) -> Block | list[Block]:
    """Check whether the identities work and have access. Fails after the output if they don't, or it can't be seen."""
    from datetime import datetime, timezone

    from azure.cli.core.azclierror import ValidationError

    from .actions.check import CheckOptions, check
    from .arm.login import customer_tenants, home_tenants
    from .model.findings import fix_hint, summary
    from .runner.report import fail_after_output, run_all
    options = CheckOptions(purpose=purpose, roles=roles or (), scopes=scopes or (), now=datetime.now(timezone.utc),
                           tenants=home_tenants(cmd.cli_ctx), managed=frozenset(customer_tenants(cmd.cli_ctx)))
    outcome = run_all(cmd, resources, lambda resource: check(resource, options))
    printed = _printed(cmd, outcome, resources)
    problems = summary(outcome.results.values())
    if problems:
        is_table = cmd.cli_ctx.invocation.data["output"] == "table"  # a table has no column for the commands
        error = ValidationError(problems, fix_hint(printed) if is_table else None)
        if outcome.failures:  # report() ends the command with their number
            error.print_error()
        else:
            fail_after_output(cmd.cli_ctx, error)
    return printed


def wait_for_resource(cmd: Any, resources: list[ResourceId], *, created: bool = False, updated: bool = False,
                      deleted: bool = False, exists: bool = False, custom: Callable[[Any], Any] | None = None,
                      interval: int = 30, timeout: int = 3600) -> None:
    """Wait until each resource meets the condition."""
    from .actions.wait import Condition, wait
    from .runner.report import report, run_all
    condition = Condition(created=created, updated=updated, deleted=deleted, exists=exists, custom=custom)
    outcome = run_all(cmd, resources, lambda resource: wait(resource, condition, interval, timeout))
    report(cmd, outcome, resources)


def _add_roles(cmd: Any, outcome: Outcome[Block]) -> None:
    """Add the role assignments elsewhere, and the names of all roles, to blocks: one query for each login."""
    from .actions.show import roles_elsewhere, warn_of_managed, warn_of_missing_roles, with_roles_elsewhere
    from .arm.login import Login, Logins, customer_tenants
    from .runner.report import run_all
    logins = Logins(cmd.cli_ctx)
    blocks: dict[Login | None, list[Block]] = {}
    for resource, block in outcome.results.items():
        blocks.setdefault(logins.of(resource.subscription), []).append(block)
    found = run_all(cmd, [login for login in blocks if login], lambda login: roles_elsewhere(blocks[login]),
                    what="tenants")
    for failure in found.failures.values():
        warn_of_missing_roles(failure)
    managed = customer_tenants(cmd.cli_ctx)
    warn_of_managed([one for one in outcome.results if one.subscription.lower() in managed])
    for resource, block in outcome.results.items():
        everywhere, names = found.results.get(logins.of(resource.subscription), ({}, {}))
        outcome.results[resource] = with_roles_elsewhere(block, resource.subscription, everywhere, names)


def _list_all(cmd: Any, ids: list[str], names: list[str]) -> list[Block]:
    """What all logins can read. Warns of each tenant that doesn't answer; raises an azclierror if none does."""
    from azure.cli.core.commands.client_factory import get_subscription_id

    from .actions.list import list_everywhere, warn_of_skipped_tenant
    from .arm.errors import explain
    from .arm.login import logins
    from .runner.report import run_all
    outcome = run_all(cmd, logins(cmd.cli_ctx), lambda _: list_everywhere(ids, names), what="tenants")
    if not outcome:
        get_subscription_id(cmd.cli_ctx)  # raises azure-cli's own error: nobody is logged in
    if outcome.failures and not outcome.results:
        explain(next(iter(outcome.failures.values())))
    for login, failure in outcome.failures.items():
        warn_of_skipped_tenant(login.tenant, failure)
    return list({item["id"].lower(): item for items in outcome.results.values() for item in items}.values())


def _printed(cmd: Any, outcome: Outcome[Block], resources: list[ResourceId], *, dry_run: bool = False
             ) -> Block | list[Block]:
    """The block of a single resource, or a list of several blocks, each with the ID of its resource."""
    from .actions.dry_run import warn_of_changes
    from .runner.report import report
    if len(resources) != 1:
        for resource, block in outcome.results.items():
            outcome.results[resource] = {"id": resource.id, **block}
        if dry_run and resources:
            warn_of_changes(list(outcome.results.values()), len(outcome))
    return report(cmd, outcome, resources)
