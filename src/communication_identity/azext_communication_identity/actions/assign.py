# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Assign identities to one resource, and grant a role to them, as lives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

from azure.cli.core.azclierror import AzCLIError, AzureConnectionError, AzureInternalError, AzureResponseError
from knack.log import get_logger

from ..arm.errors import explained, reasons
from ..arm.identities import gone_but_assigned, identity_properties, missing, not_found
from ..arm.role_assignments import assignment_at, create_assignment, resolve_role
from ..model.identity import (
    Change,
    Identities,
    after_assign,
    block_of,
    find_id,
    identities_of,
    plain_block,
    principals_of,
)
from ..model.names import Resource, user_assigned_id
from ..model.roles import Role, create_command
from ..model.steps import Answer, Life, RefusedError, error_code
from ..model.write import (
    Document,
    OperationFailedError,
    Plan,
    Planner,
    get,
    idle,
    plan,
    require_expressible,
    write,
)

logger = get_logger(__name__)


class Order(NamedTuple):
    """What a command asks for: identities (names or resource IDs; an empty `user_assigned` of a removal means all), a
    role, and how to carry it out.
    """

    system_assigned: bool
    user_assigned: Sequence[str] | None
    role: str | None = None
    scopes: Sequence[str] = ()
    dry_run: bool = False
    no_wait: bool = False

    def change(self, resource: Resource) -> Change:
        """The change to one resource: a name is an identity in the resource's own group and subscription."""
        ids: dict[str, str] = {}  # by ID in lower case: each counts once
        for value in self.user_assigned or ():
            identity = user_assigned_id(value, resource)
            ids.setdefault(identity.lower(), identity)
        return Change(self.system_assigned, tuple(ids.values()),
                      all_user_assigned=self.user_assigned is not None and not self.user_assigned)


def assign(resource: Resource, order: Order) -> Life[dict[str, Any]]:
    """Add identities, keep the current ones, and grant a role to the named ones. Returns the plain block, or with
    `dry_run` what would change.
    """
    change = order.change(resource)
    roles: dict[str, Role] = {}
    for scope in order.scopes if order.role else ():
        roles[scope] = yield from resolve_role(order.role or "", scope, resource.subscription)
    document = yield from get(resource)
    if order.dry_run:
        return (yield from _would_assign(resource, document, change, roles))
    try:
        # Granting a role needs the principal ID, so it always waits.
        document = yield from write_identities(resource, document, after_assign, change,
                                               no_wait=order.no_wait and not roles, needs_ids=bool(roles))
    except (RefusedError, AzCLIError) as error:
        hint = "The role was not granted. To grant it, run the command again."
        raise_with(error, hint if roles else "")
    block = plain_block(document.block)
    if roles:
        block["roleAssignments"] = yield from _grant(resource, document, change, roles)
    return block


def raise_with(error: Exception, hint: str) -> NoReturn:
    """Raise the error with one more recommendation, unless the service has refused the write: then nothing is done."""
    refused = isinstance(error, RefusedError) and isinstance(error.reply, Answer) and 400 <= error.reply.status < 500
    known = None if refused or not hint else explained(error)
    if not isinstance(known, (AzureResponseError, AzureConnectionError, AzureInternalError)):
        raise error
    known.set_recommendation(hint)
    if known is error:
        raise error
    raise known from error


def write_identities(resource: Resource, document: Document, planner: Planner, change: Change, *,
                     agreed: Callable[[Document, Plan], bool] | None = None, no_wait: bool = False,
                     needs_ids: bool = False) -> Life[Document]:
    """Write, and warn of what someone else changed meanwhile. If the service refuses an identity, find out why."""
    try:
        written = yield from write(resource, document, planner, change, no_wait=no_wait, needs_ids=needs_ids,
                                   agreed=agreed)
    except (RefusedError, OperationFailedError) as error:
        code = error.code if isinstance(error, OperationFailedError) else error_code(error.reply)
        if code == "failedidentityoperation":
            gone = yield from missing(plan(document, planner, change).wanted.user_assigned)
            if gone:
                raise (yield from _gone(resource, document, gone)) from error
        raise
    for note in written.notes:
        logger.warning(note)
    return written.document


def require_writable(resource: Resource, document: Document, planned: Plan) -> Life[dict[str, dict[str, Any]]]:
    """The properties of the user-assigned identities that a write would name, if there is anything to write. Raises an
    azclierror if the service would refuse the write.
    """
    found: dict[str, dict[str, Any]] = {}
    if not planned.changes:
        return found
    require_expressible(resource, document)
    gone = []
    for identity in planned.wanted.user_assigned:
        try:
            properties = yield from identity_properties(identity)
        except RefusedError as refusal:
            logger.warning("Can't check whether the user-assigned identity '%s' exists: %s", identity,
                           explained(refusal))
            continue
        gone += [identity] if properties is None else []
        found[identity] = properties or {}
    if gone:
        raise (yield from _gone(resource, document, gone))
    return found


def _gone(resource: Resource, document: Document, gone: Sequence[str]) -> Life[AzCLIError]:
    """The error for user-assigned identities that a write names and that don't exist. Those that the resource already
    has come first, because no other write works until all of them are removed.
    """
    has = identities_of(document.block).user_assigned
    stale = [one for one in gone if find_id(one, has)]
    if not stale:
        return (yield from not_found(gone[0]))
    others = yield from missing(one for one in has if one not in stale)
    return gone_but_assigned(resource, [*stale, *others])


def dry_run_result(resource: Resource, document: Document, after: dict[str, Any], assignments: list[dict[str, str]],
                   changes: bool) -> dict[str, Any]:
    """What `--dry-run` prints for one resource."""
    return {"id": resource.id, "before": plain_block(document.block), "after": after, "roleAssignments": assignments,
            "changes": changes}


def _would_assign(resource: Resource, document: Document, change: Change, roles: dict[str, Role]
                  ) -> Life[dict[str, Any]]:
    document = yield from idle(resource, document)
    planned = plan(document, after_assign, change)
    known = yield from require_writable(resource, document, planned)
    ids = {one: {key: properties.get(key) for key in ("clientId", "principalId")} for one, properties in known.items()}
    users = {**ids, **((document.block or {}).get("userAssignedIdentities") or {})}
    block = {**(document.block or {}), "userAssignedIdentities": users}
    after = block_of(planned.wanted, block)
    assignments = []
    for identity, principal in _named(change, after):
        for scope, role in roles.items():
            if not principal or (yield from assignment_at(scope, role, principal)) is None:
                assignments.append({"change": "create", "roleName": role.name, "scope": scope,
                                    "identity": identity, **({"principalId": principal} if principal else {})})
    return dry_run_result(resource, document, after, assignments, planned.changes or bool(assignments))


def _named(change: Change, block: dict[str, Any]) -> list[tuple[str, str]]:
    """The identities that a change names, each with its principal ID, or "" if the block has none."""
    named = [Identities(True)] if change.system_assigned else []
    named += [Identities(False, (identity,)) for identity in change.user_assigned]
    return [(one.user_assigned[0] if one.user_assigned else "SystemAssigned",
             next(iter(principals_of(block, one)), "")) for one in named]


def _grant(resource: Resource, document: Document, change: Change, roles: dict[str, Role]
           ) -> Life[list[dict[str, str]]]:
    """Grant the role at each scope to every named identity that doesn't have it. Raises AzureResponseError that says
    what is done and how to do the rest.
    """
    granted: list[dict[str, str]] = []
    failed: dict[str, Exception] = {}
    unknown: list[str] = []
    for identity, principal in dict(_named(change, plain_block(document.block))).items():
        if not principal:
            unknown.append(identity)
            continue
        for scope, role in roles.items():
            try:
                there = yield from assignment_at(scope, role, principal)
                granted.append({**there, "roleName": role.name} if there else
                               (yield from create_assignment(scope, role, principal)))
            except (RefusedError, AzCLIError) as error:
                failed[create_command(scope, role.name, principal)] = error
    if failed or unknown:
        total = len(granted) + len(failed) + len(unknown) * len(roles)
        raise _not_granted(resource, len(granted), total, failed, unknown)
    return granted


def _not_granted(resource: Resource, granted: int, total: int, failed: dict[str, Exception], unknown: Sequence[str]
                 ) -> AzureResponseError:
    """`failed`: by the command that finishes it. `unknown`: identities whose principal ID the service doesn't show."""
    done = f", and {granted} of {total} role assignments were created" if granted else ""
    why = [reasons(failed.values())] if failed else []
    why += [f"The service doesn't show the principal ID of {identity} yet." for identity in unknown]
    how = ["To finish, ask someone who can assign roles there to run:\n" + "\n".join(failed)] if failed else []
    how += ["To grant the role to the identities without a principal ID, run the command again."] if unknown else []
    return AzureResponseError(
        f"The identity is assigned to '{resource.name}'{done}, but the role was not granted: " + "\n".join(why), how)
