# SPDX-License-Identifier: MIT
"""`check`: whether the identities of a resource work, and may do what they are for. It reads, and never writes.

What can't be seen is "unknown", never "ok".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import product
from typing import Any

from ..arm.access_rights import Rights, rights_for, role_held
from ..arm.errors import explained
from ..arm.identities import VERSIONS, Found, find_identity, held_principal, replace_commands, was_recreated
from ..arm.targets import read_target
from ..model.answers import object_at
from ..model.findings import FAILED, OK, UNKNOWN, WARNING, Finding, worst
from ..model.identities import Identities, principal_of, unsupported_reason
from ..model.operation import FAILED_STATES
from ..model.permissions import Assignment
from ..model.purposes import PURPOSES, Purpose, target_findings
from ..model.quoting import for_shell, printable
from ..model.requests import RequestError
from ..model.resource_id import ResourceId, subscription_in
from ..model.role_assignments import create_command, hidden_from_manager
from ..model.update import Snapshot, get
from .options import KEYWORD_ONLY

SYSTEM = "system-assigned"
_FIXED_BY_ROLE = ("missing", "below", "part", "undecided")
_NO_PRINCIPAL = "The service doesn't show its principal ID."
_INSTRUCTIONS = "Microsoft's instructions use it. The service doesn't use any other identity (inferred)."


@dataclass(frozen=True, **KEYWORD_ONLY)
class CheckOptions:
    """What the command line of `check` says. `tenants`: of the subscriptions that the CLI knows, in lower case.
    `managed`: those of them that the login manages from another tenant (Azure Lighthouse).
    """

    now: datetime
    tenants: Mapping[str, str]
    managed: Collection[str]
    purpose: str | None = None
    roles: Sequence[str] = ()
    scopes: Sequence[str] = ()

    def tenant_of(self, scope: str) -> str:
        """The tenant of a scope, in lower case; empty if it isn't known."""
        return self.tenants.get(subscription_in(scope), "").lower()


async def check(resource: ResourceId, options: CheckOptions) -> dict[str, Any]:
    """Returns the findings, and the worst of their statuses."""
    snapshot = await get(resource)
    findings = [_state(resource, snapshot)] if snapshot.is_busy or not options.scopes else []
    if options.purpose:
        findings += await _for_purpose(resource, snapshot, PURPOSES[options.purpose], options)
    elif options.roles:
        findings += await _for_roles(resource, snapshot, options)
    else:
        findings += [*_nothing_assigned(resource, snapshot, options), *_system_assigned(resource, snapshot, options),
                     *await _user_assigned(resource, snapshot, options, VERSIONS)]
    return {"id": resource.id, "status": worst(findings), "findings": [one.as_output() for one in findings]}


# ---- the identities --------------------------------------------------------------------------------------------------


def _state(resource: ResourceId, snapshot: Snapshot) -> Finding:
    if object_at(snapshot.body, "properties").get("provisioningState") in (None, "", "Unknown"):
        return Finding("state", UNKNOWN, f"The service doesn't show how the last operation on '{resource.name}' ended.")
    if snapshot.is_busy:
        return Finding("state", WARNING, f"An operation on '{resource.name}' is still running, and may change its "
                       "identities. Check again when it has finished.")
    if snapshot.state in FAILED_STATES:
        return Finding("state", FAILED, f"The last operation on '{resource.name}' ended with status "
                       f"'{snapshot.state.title()}'.")
    return Finding("state", OK, f"The last operation on '{resource.name}' succeeded.")


def _nothing_assigned(resource: ResourceId, snapshot: Snapshot, options: CheckOptions) -> list[Finding]:
    """A finding if the resource has no identity, or one in a form that isn't known here."""
    none = Finding("identity", FAILED, f"'{resource.name}' has no identity.",
                   fix=[_assign_system(resource, options.roles, options.scopes)])
    return _unsupported(resource, snapshot) or ([] if snapshot.identities else [none])


def _unsupported(resource: ResourceId, snapshot: Snapshot) -> list[Finding]:
    reason = unsupported_reason(snapshot.block)
    return [Finding("identity", UNKNOWN, f"The service shows {reason} for '{resource.name}', which this version of the "
                    "extension doesn't know.")] if reason else []


def _system_assigned(resource: ResourceId, snapshot: Snapshot, options: CheckOptions) -> list[Finding]:
    if not snapshot.identities.system_assigned:
        return []
    problem = _tenant_problem(resource, snapshot, snapshot.block.get("tenantId"), options)
    if problem:  # as after a transfer of the subscription
        return [Finding("identity", FAILED, problem, SYSTEM)]
    return [Finding("identity", OK, f"'{resource.name}' has a system-assigned identity.", SYSTEM)
            if principal_of(snapshot.block, None) else Finding("identity", UNKNOWN, _NO_PRINCIPAL, SYSTEM)]


def _tenant_problem(resource: ResourceId, snapshot: Snapshot, tenant: Any, options: CheckOptions) -> str:
    """What is wrong with an identity of this tenant; empty if it is the tenant of the resource, or isn't known."""
    ours = options.tenant_of(resource.id) or str(snapshot.block.get("tenantId") or "")
    return (f"It belongs to tenant '{printable(str(tenant))}', but the resource belongs to '{printable(ours)}'."
            if tenant and ours and str(tenant).lower() != ours.lower() else "")


async def _user_assigned(resource: ResourceId, snapshot: Snapshot, options: CheckOptions, versions: Sequence[str]
                         ) -> list[Finding]:
    """Whether each identity exists unchanged. Those that are gone come first: they block every other change."""
    found = {one: await find_identity(one, versions) for one in snapshot.identities.user_assigned}
    gone = tuple(identity for identity, one in found.items() if one.is_gone)
    fix = [f"az communication identity remove --ids {for_shell(resource.id)} --user-assigned "
           f"{' '.join(map(for_shell, gone))} --yes"]
    if not snapshot.identities - Identities(user_assigned=gone):
        fix.append(_assign_system(resource, options.roles, options.scopes))
    findings = [Finding("identity", FAILED, f"It no longer exists, but '{resource.name}' still holds it.", identity,
                        fix=() if identity != gone[0] else fix) for identity in gone]
    for identity, one in found.items():
        if not one.is_gone:
            findings.append(_present(resource, snapshot, identity, one, options))
        if one.restriction:
            findings.append(Finding("restrictions", WARNING, f"It {one.restriction}. The service may refuse it "
                                    "(inferred).", identity))
    return findings


def _present(resource: ResourceId, snapshot: Snapshot, identity: str, found: Found, options: CheckOptions) -> Finding:
    """The finding on an identity that exists or can't be read."""
    tenant = found.properties.get("tenantId") or options.tenant_of(identity)
    problem = _tenant_problem(resource, snapshot, tenant, options)
    if problem:
        return Finding("identity", FAILED, problem, identity)
    if found.error:
        return Finding("identity", UNKNOWN, f"Can't tell whether it still exists: {_why(found.error)}", identity)
    if was_recreated(snapshot.block, identity, found):
        replace, assign = replace_commands(resource, identity)
        return Finding("identity", FAILED, f"It was deleted and created again. '{resource.name}' still holds the old "
                       "one, which no longer works.", identity, fix=[
                           replace, assign + _grant_words(options.roles, options.scopes)])
    if not held_principal(snapshot.block, identity) or not found.properties.get("principalId"):
        return Finding("identity", UNKNOWN, _NO_PRINCIPAL, identity)
    return Finding("identity", OK, f"It exists, and is the one that '{resource.name}' holds.", identity)


def _assign_system(resource: ResourceId, roles: Sequence[str], scopes: Sequence[str]) -> str:
    return (f"az communication identity assign --ids {for_shell(resource.id)} --system-assigned"
            f"{_grant_words(roles, scopes)}")


def _grant_words(roles: Sequence[str], scopes: Sequence[str]) -> str:
    if not (roles and scopes):
        return ""
    return f"{''.join(f' --role {for_shell(role)}' for role in roles)} --scope {' '.join(map(for_shell, scopes))}"


# ---- what they may do ------------------------------------------------------------------------------------------------


async def _for_roles(resource: ResourceId, snapshot: Snapshot, options: CheckOptions) -> list[Finding]:
    """Whether each identity holds each role at each scope. An identity that doesn't work holds none."""
    users = await _user_assigned(resource, snapshot, options, VERSIONS[-1:])
    system = _system_assigned(resource, snapshot, options)
    tenants = [one for scope in options.scopes for one in _tenant(resource, snapshot, scope, options)]
    findings = [*_nothing_assigned(resource, snapshot, options), *(one for one in system + users if one.status != OK),
                *(one for one in tenants if one.status == FAILED)]
    broken = {one.identity or one.scope for one in findings if one.status == FAILED}
    for identity in [SYSTEM] * len(system) + list(snapshot.identities.user_assigned):
        principal = principal_of(snapshot.block, None if identity == SYSTEM else identity)
        if principal and identity not in broken:
            findings += [await _access(resource, scope, identity, principal, options, role=role)
                         for role, scope in product(options.roles, options.scopes) if scope not in broken]
    return findings


async def _for_purpose(resource: ResourceId, snapshot: Snapshot, purpose: Purpose, options: CheckOptions
                       ) -> list[Finding]:
    """Whether the system-assigned identity may do what the purpose needs, and each target is right for it."""
    found = {scope: await _target(resource, snapshot, scope, options) for scope in options.scopes}
    usable = [scope for scope, (_, exists) in found.items() if exists]
    missing = Finding("identity", FAILED, f"'{resource.name}' has no system-assigned identity. {_INSTRUCTIONS}", SYSTEM,
                      fix=[_assign_system(resource, [purpose.role], usable)])
    identity = _system_assigned(resource, snapshot, options) or _unsupported(resource, snapshot) or [missing]
    principal = principal_of(snapshot.block, None) if worst(identity) == OK else None
    access = [await _access(resource, scope, SYSTEM, principal, options) for scope in usable if principal]
    return [*identity, *(finding for findings, _ in found.values() for finding in findings), *access]


async def _target(resource: ResourceId, snapshot: Snapshot, scope: str, options: CheckOptions
                  ) -> tuple[list[Finding], bool]:
    """The findings on a target, and whether it exists, as far as this login can tell."""
    findings = _tenant(resource, snapshot, scope, options)
    if worst(findings) == FAILED:  # this login can't read it
        return findings, False
    target = await read_target(scope)
    if target.missing:
        return [*findings, Finding("target", FAILED, target.missing, scope=scope)], False
    if target.error:
        findings.append(Finding("target", UNKNOWN, f"Can't read {_named(scope)}: {_why(target.error)}", scope=scope))
    if target.account:
        findings += target_findings(str(options.purpose), scope, target.account)
    return findings, True


def _tenant(resource: ResourceId, snapshot: Snapshot, scope: str, options: CheckOptions) -> list[Finding]:
    """Whether a target in another subscription belongs to the tenant of the resource."""
    if subscription_in(scope) == resource.subscription.lower():
        return []
    ours = str(snapshot.block.get("tenantId") or options.tenant_of(resource.id)).lower()
    theirs = options.tenant_of(scope)
    if not (ours and theirs):
        return [Finding("tenant", UNKNOWN, "Azure CLI doesn't know the tenant of the subscription of "
                        f"{_named(scope)}.", scope=scope)]
    if ours == theirs:
        return [Finding("tenant", OK, f"{_named(scope)} belongs to the tenant of '{resource.name}'.", scope=scope)]
    return [Finding("tenant", FAILED, f"{_named(scope)} belongs to tenant '{theirs}', but '{resource.name}' "
                    f"belongs to '{printable(ours)}'. An identity works only in its own tenant.", scope=scope)]


async def _access(resource: ResourceId, scope: str, identity: str, principal: str, options: CheckOptions, *,
                  role: str = "") -> Finding:
    """Whether one identity holds a role, or has what the purpose needs, at a scope."""
    if (subscription_in(scope) or resource.subscription.lower()) in options.managed:
        return Finding("access", UNKNOWN, f"{hidden_from_manager('this subscription')}. Check with a login of the "
                       "subscription's own tenant.", identity, scope)
    try:
        rights = await (role_held(role, scope, resource.subscription, principal, options.now) if role else
                        rights_for(PURPOSES[str(options.purpose)], scope, principal, options.now))
    except RequestError as error:
        return Finding("access", UNKNOWN, f"Can't tell what it may do: {_why(error)}", identity, scope)
    fix = [create_command(scope, rights.role, principal)] if rights.access.why in _FIXED_BY_ROLE else []
    return Finding("access", rights.access.status, _verdict(rights, scope, options), identity, scope, fix)


def _verdict(rights: Rights, scope: str, options: CheckOptions) -> str:
    """The reason of a verdict on access."""
    access, role = rights.access, printable(rights.role)
    held = " and ".join(dict.fromkeys(_described(rights.name_of(one), one) for one in access.assignments))
    denies = ", ".join(f"'{printable(one.id)}'" for one in access.denies)
    is_inferred = options.purpose and not any(rights.name_of(one) == rights.role for one in access.assignments)
    inferred = f" (inferred: Microsoft names '{role}')" if is_inferred else ""
    part = PURPOSES[options.purpose].needs_in_words if options.purpose else f"what '{role}' allows"
    return {
        "granted": f"It has {held}{inferred}.",
        "new": f"It has {held}{inferred}, which may take until {_when(access.settled)} to work everywhere. Wait, then "
               "check again.",
        "denied": f"A deny assignment blocks what it needs: {denies}.",
        "may-be-denied": f"It has {held}, but a deny assignment may apply to it, through a group or with a condition: "
                         f"{denies}.",
        "condition": f"It has {held}, but only under a condition. Can't tell whether it is met.",
        "unreadable": f"It has {held}, but your login can't read the definition of that role.",
        "no-definition": f"Your login can't read the definition of the role '{role}'. That needs the action "
                         "Microsoft.Authorization/roleDefinitions/read, which the role Reader has.",
        "below": f"It has {held}, which doesn't apply to {_named(scope)}.",
        "part": f"It has {held}, which allows only a part of {part}.",
        "undecided": f"It has {held}. Can't tell whether that includes {part}.",
        "missing": f"It doesn't have the role '{role}', or roles that allow as much, on {_named(scope)} or "
                   "above.",
    }[access.why]


def _described(role: str, assignment: Assignment) -> str:
    group = f" through the group {printable(assignment.principal_id)}" if assignment.through_group else ""
    return f"the role '{printable(role)}' on {_named(assignment.scope)}{group}"


def _why(error: RequestError) -> str:
    return str(explained(error) or error)


def _named(scope: str) -> str:
    """A scope as reasons name it: what it is, or the last two segments, which tell its type and name."""
    kind, name = ("", *scope.rstrip("/").split("/"))[-2:]
    what = {"subscriptions": "subscription", "resourcegroups": "resource group",
            "managementgroups": "management group"}.get(kind.lower())
    return f"{what} '{printable(name)}'" if what else f"'{printable(f'{kind}/{name}')}'"


def _when(moment: datetime | None) -> str:
    if moment is None or moment.year == datetime.max.year:
        return "an unknown time"
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"
