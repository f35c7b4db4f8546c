# SPDX-License-Identifier: MIT
"""`assign`: adds identities to one resource, keeps the current ones, and grants roles to the named ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from azure.cli.core.azclierror import ValidationError

from ..arm.errors import explained, reasons
from ..arm.identities import (
    API_VERSION,
    VERSIONS,
    Found,
    explain_refusal,
    find_identity,
    gone_error,
    recreated,
    was_recreated,
)
from ..arm.roles import Delegation, assignment_at, create_assignment, resolve_role
from ..model.identities import Identities, expected_block, plain_block, principal_of
from ..model.operation import NotDoneError
from ..model.requests import RequestError
from ..model.resource_id import IdentityId, ResourceId, parse_identity_id, subscription_in
from ..model.role_assignments import Role, create_command
from ..model.unfinished import accepted, remaining
from ..model.update import Snapshot, get, until_idle, update_identities
from ..runner.messages import warn
from .dry_run import dry_run_result, require_writable
from .options import KEYWORD_ONLY, ChangeOptions


@dataclass(frozen=True, **KEYWORD_ONLY)
class AssignOptions(ChangeOptions):
    """What the command line of `assign` says. `roles`: names and IDs, each granted at each of the `scopes`. `known`:
    with several resources, the identities that were looked up before, by ID in lower case. `customer_tenants`: those of
    the subscriptions that the login manages from another tenant (Azure Lighthouse), by subscription in lower case.
    """

    roles: Sequence[str] = ()
    scopes: Sequence[str] = ()
    known: Mapping[str, Found] | None = None
    customer_tenants: Mapping[str, str] | None = None

    @property
    def versions(self) -> Sequence[str]:
        """The API versions to look identities up with: a dry run also shows what restricts them."""
        return VERSIONS if self.dry_run else (API_VERSION,)


class Grant(NamedTuple):
    """A role to grant at a scope."""

    scope: str
    role: Role


def identities_to_look_up(resources: Sequence[ResourceId], options: AssignOptions) -> list[IdentityId]:
    """The distinct user-assigned identities that a command line over several resources names."""
    named = {one.lower(): parse_identity_id(one) for resource in resources
             for one in options.identities_in(resource).user_assigned}
    return [identity for identity in named.values() if identity]


async def assign(resource: ResourceId, options: AssignOptions) -> dict[str, Any]:
    """Returns the plain block, with the role assignments if there are roles; with `dry_run`, what would change."""
    resolved = [Grant(scope, await resolve_role(role, scope, resource.subscription))
                for role, scope in product(options.roles, options.scopes)]
    grants = list({(one.scope, one.role.guid.lower()): one for one in resolved}.values())  # by name and by ID: once
    named = options.identities_in(resource)
    snapshot = await get(resource)
    await _check_present(resource, snapshot, named, options)
    if options.dry_run:
        return await _preview(resource, snapshot, named, grants, options.known)
    with remaining(lambda: "The role was not granted. To grant it, run the command again." if grants else ""):
        # Granting a role needs the principal ID, so it always waits.
        updated = await explain_refusal(resource, snapshot.identities, named, update_identities(
            resource, snapshot, lambda current: current | named, named=named, wait=options.wait or bool(grants),
            needs_ids=bool(grants)))
    for warning in updated.warnings:
        warn(warning)
    block = plain_block(updated.snapshot.block)
    if grants:
        block["roleAssignments"] = await _grant_all(resource, block, named, grants, options)
    return block


async def _check_present(resource: ResourceId, snapshot: Snapshot, named: Identities, options: AssignOptions) -> None:
    """Look up the named identities: with several resources all of them, else those that the resource has already.
    Raises an error for one that doesn't exist. Warns of one that was created again; raises if it's to get a role.
    """
    present = named & snapshot.identities
    to_check = named if options.known is not None else present
    for identity in to_check.user_assigned:
        found = (options.known or {}).get(identity.lower()) or await find_identity(identity, options.versions)
        if found.is_gone:
            in_full = options.known is not None and identity in (options.user_assigned or ())  # the same text for all
            raise await gone_error(resource, snapshot.identities, [identity], in_full=in_full)
        if not present & Identities(user_assigned=(identity,)):
            continue
        if found.error and options.roles:
            warn(f"Can't check whether '{identity}' is still the identity that '{resource.name}' holds: "
                 f"{explained(found.error)}")
        if was_recreated(snapshot.block, identity, found):
            what, how = recreated(resource, identity)
            if options.roles:
                raise ValidationError(f"{what} No role was granted, and nothing was changed.", how)
            warn(f"{what} {how}")


async def _preview(resource: ResourceId, snapshot: Snapshot, named: Identities, grants: Sequence[Grant],
                   known: Mapping[str, Found] | None) -> dict[str, Any]:
    snapshot = await until_idle(resource, snapshot)
    wanted = snapshot.identities | named
    found: dict[str, Found] = {}
    after = plain_block(snapshot.block)
    if wanted != snapshot.identities:
        found = await require_writable(resource, snapshot, wanted, known)
        after = expected_block(wanted, snapshot.block, {identity: one.ids for identity, one in found.items()})
    assignments = []
    for (name, identity), grant in product(_names(named), grants):
        principal = principal_of(after, identity)
        if not principal or await assignment_at(grant.scope, grant.role, principal) is None:
            assignments.append({"change": "create", "roleName": grant.role.name, "scope": grant.scope,
                                "identity": name, **({"principalId": principal} if principal else {})})
    added = {identity: one for identity, one in found.items()
             if Identities(user_assigned=(identity,)) - snapshot.identities}
    return dry_run_result(resource, snapshot, after, assignments, added)


def _names(named: Identities) -> list[tuple[str, str | None]]:
    """How results name each identity, and its ID; None for the system-assigned one."""
    return [("SystemAssigned", None)] * named.system_assigned + [(one, one) for one in named.user_assigned]


async def _grant_all(resource: ResourceId, block: dict[str, Any], named: Identities, grants: Sequence[Grant],
                     options: AssignOptions) -> list[dict[str, str]]:
    """Grant the roles that are missing. Any error says what is done, and how to do the rest."""
    granted: list[dict[str, str]] = []
    failed: list[Exception] = []
    left: dict[str, None] = {}  # the commands that are still to be run, in order
    unknown: list[str] = []
    work = []
    for name, identity in _names(named):
        principal = principal_of(block, identity)
        if principal is None:
            unknown.append(name)
            continue
        for grant in grants:
            command = create_command(grant.scope, grant.role.name, principal)
            left[command] = None
            work.append((command, principal, identity, grant))
    total = len(work) + len(unknown) * len(grants)
    with remaining(lambda: _to_grant(left, unknown)), accepted(
            resource, lambda: f"The identity is assigned to '{resource.name}', but the role was not granted."):
        for command, principal, identity, grant in work:
            try:
                there = await assignment_at(grant.scope, grant.role, principal)
                granted.append({**there, "roleName": grant.role.name} if there else await create_assignment(
                    grant.scope, grant.role, principal, _delegation(resource, identity, grant, options)))
                left.pop(command, None)  # two identities may show the same principal
            except RequestError as error:
                failed.append(error)
        if failed or unknown:
            raise _not_granted(resource, len(granted), total, failed, unknown)
    return granted


def _delegation(resource: ResourceId, identity: str | None, grant: Grant, options: AssignOptions) -> Delegation | None:
    """What a login that manages the customer's subscription from another tenant has to send."""
    subscription = subscription_in(grant.scope) or resource.subscription.lower()
    tenant = (options.customer_tenants or {}).get(subscription)
    return Delegation(tenant, identity or resource.id) if tenant else None


def _not_granted(resource: ResourceId, granted: int, total: int, failed: Sequence[Exception], unknown: Sequence[str]
                 ) -> NotDoneError:
    """`unknown`: identities whose principal ID the service doesn't show."""
    done = f", and {granted} of {total} role assignments were created" if granted else ""
    lines = [f"The identity is assigned to '{resource.name}'{done}, but the role was not granted:"]
    lines += [reasons(failed)] if failed else []
    lines += [f"The service doesn't show the principal ID of {identity} yet." for identity in unknown]
    return NotDoneError("\n".join(lines))


def _to_grant(commands: Iterable[str], unknown: Sequence[str]) -> str:
    """How to grant what is left; empty if nothing is."""
    lines = list(commands)
    lines[:0] = ["To finish, ask someone who can assign roles there to run:"] if lines else []
    lines += ["To grant the role to the identities without a principal ID, run the command again."] if unknown else []
    return "\n".join(lines)
