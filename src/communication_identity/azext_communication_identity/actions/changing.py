# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The lives of `assign` and `remove`: what a command changes in one resource, the role that it grants, what a removal
destroys, and the confirmation for that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from azure.cli.core.azclierror import (
    AzCLIError,
    AzureConnectionError,
    AzureInternalError,
    AzureResponseError,
    ManualInterrupt,
    RequiredArgumentMissingError,
    ResourceNotFoundError,
)
from knack.log import get_logger

from ..arm.access import (
    assignment_at,
    assignments_everywhere,
    assignments_of,
    create_assignment,
    delete_assignment,
    gone_but_assigned,
    identity_not_found,
    identity_properties,
    missing_identities,
    resolve_role,
)
from ..arm.errors import explained, reasons
from ..model.identity import (
    Change,
    Identities,
    Role,
    after_assign,
    after_remove,
    block_of,
    create_command,
    delete_command,
    described,
    difference,
    find_id,
    identities_of,
    plain_block,
    principals_of,
)
from ..model.names import Consent, Resource, user_assigned_id
from ..model.steps import Life, Ready, RefusedError, error_code
from ..model.write import (
    ChangedError,
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
from .each import is_terminal

logger = get_logger(__name__)

_PLANS = 5  # how often a removal is planned again after someone else's change


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
        document = yield from _write(resource, document, after_assign, change, no_wait=order.no_wait and not roles,
                                     needs_ids=bool(roles))
    except (RefusedError, AzCLIError) as error:
        hint = "The role was not granted. To grant it, run the command again."
        _raise_with(error, hint if roles else "")
    block = plain_block(document.block)
    if roles:
        block["roleAssignments"] = yield from _grant(resource, document, change, roles)
    return block


def _would_assign(resource: Resource, document: Document, change: Change, roles: dict[str, Role]
                  ) -> Life[dict[str, Any]]:
    document = yield from idle(resource, document)
    planned = plan(document, after_assign, change)
    known = yield from _require_writable(resource, document, planned)
    ids = {one: {key: properties.get(key) for key in ("clientId", "principalId")} for one, properties in known.items()}
    after = block_of(planned.wanted, document.block, ids)
    assignments = []
    for identity, principal in _named(change, after):
        for scope, role in roles.items():
            if not principal or (yield from assignment_at(scope, role, principal)) is None:
                assignments.append({"change": "create", "roleName": role.name, "scope": scope,
                                    "identity": identity, **({"principalId": principal} if principal else {})})
    return _dry_run_result(resource, document, after, assignments, planned.changes or bool(assignments))


def _named(change: Change, block: dict[str, Any]) -> list[tuple[str, str]]:
    """The identities that a change names, each with its principal ID, or "" if the block has none."""
    named = {"SystemAssigned": Identities(True)} if change.system_assigned else {}
    named.update({identity: Identities(False, (identity,)) for identity in change.user_assigned})
    return [(name, next(iter(principals_of(block, one)), "")) for name, one in named.items()]


def _grant(resource: Resource, document: Document, change: Change, roles: dict[str, Role]
           ) -> Life[list[dict[str, str]]]:
    """Grant the role at each scope to every named identity that doesn't have it. Raises AzureResponseError that says
    what is done and how to do the rest.
    """
    granted: list[dict[str, str]] = []
    failed: dict[str, Exception] = {}
    unknown: list[str] = []
    for identity, principal in _named(change, plain_block(document.block)):
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


@dataclass
class Removal:  # pylint: disable=too-many-instance-attributes  # plain data
    """The planned removal of identities from one resource. `answerable`: whether the user can still decline or change
    the command. `asked`: whether they were asked. `assignments`: the role assignments (plain) of the system-assigned
    identity, which are deleted too or stay as orphans. `refusal`: why those to delete in other subscriptions are not
    among them.
    """

    resource: Resource
    document: Document
    planned: Plan
    sweeping: bool
    delete: bool
    answerable: bool = True
    asked: bool = False
    refusal: RefusedError | None = None
    assignments: list[dict[str, str]] = field(default_factory=list)

    @property
    def principal(self) -> str:
        """The principal ID of the system-assigned identity; empty if there is none."""
        return next(iter(principals_of(self.document.block, Identities(True))), "")

    @property
    def destroys(self) -> bool:
        """Whether it removes something that can't be restored, or that the user hasn't named."""
        gone = self.planned.removed
        return gone.system_assigned or bool(gone.user_assigned) and (
            self.sweeping or self.planned.wanted == Identities())

    def covers(self, document: Document, planned: Plan) -> bool:
        """Whether a plan, made again after someone else's change, loses nothing but what was said."""
        system = Identities(True)
        return (difference(planned.removed, self.planned.removed) == Identities()
                and (planned.wanted != Identities() or self.planned.wanted == Identities())
                and (not planned.removed.system_assigned
                     or principals_of(document.block, system) == principals_of(self.document.block, system)))

    def consequences(self) -> list[str]:
        """A sentence for each thing that is lost."""
        name, gone, lines = self.resource.name, self.planned.removed, []
        if gone.system_assigned:
            lines.append(f"This deletes the principal of the system-assigned identity of '{name}'. A new identity "
                         "won't have its access.")
        if gone != Identities() and self.planned.wanted == Identities():
            lines.append(f"This leaves '{name}' without an identity. It removes: {', '.join(described(gone))}.")
        elif self.sweeping and gone.user_assigned:
            lines.append(f"This removes all user-assigned identities from '{name}': "
                         f"{', '.join(described(Identities(False, gone.user_assigned)))}.")
        if self.assignments:
            roles = ", ".join(f"'{one['roleName']}' on {one['scope']}" for one in self.assignments)
            how = ("add --delete-role-assignments." if self.answerable else
                   f"run:\n{delete_command(one['id'] for one in self.assignments)}")
            lines.append(f"Its role assignments are deleted too: {roles}." if self.delete else
                         f"Its role assignments stay as orphans: {roles}. To delete them too, {how}")
        return lines

    @property
    def not_deleted(self) -> str:
        """How to delete the role assignments later; empty if there are none to delete."""
        if not (self.delete and self.assignments):
            return ""
        return (f"The role assignments of the system-assigned identity of '{self.resource.name}' were not deleted. "
                f"Once the identity is gone, run:\n{delete_command(one['id'] for one in self.assignments)}")

    def warn(self) -> None:
        """Warn of what is lost."""
        for line in self.consequences():
            logger.warning(line)


def remove(resource: Resource, order: Order, consent: Consent, delete_role_assignments: bool
           ) -> Life[dict[str, Any]]:
    """Remove identities, keep the others. Returns the remaining plain block, or with `dry_run` what would change."""
    change = order.change(resource)
    document = yield from get(resource)
    for plans_left in reversed(range(_PLANS)):
        document = yield from idle(resource, document)
        removal = yield from _prepared(resource, document, change, consent, delete_role_assignments)
        if order.dry_run:
            return (yield from _would_remove(removal))
        if removal.destroys and consent is Consent.REFUSE:
            raise RequiredArgumentMissingError(
                f"{' '.join(removal.consequences())} Can't prompt for confirmation. Nothing was removed.",
                "To remove without a prompt, add --yes.")
        if consent is Consent.ASK:
            yield Ready(removal)
            if removal.asked:  # the answer may have taken a while
                document = yield from get(resource)
        else:
            removal.warn()
        try:
            # Role assignments are deleted once the identity is gone, so deleting them always waits.
            document = yield from _write(resource, document, after_remove, change, agreed=removal.covers,
                                         no_wait=order.no_wait and not removal.delete)
            break
        except ChangedError as changed:
            if consent is Consent.ASK or not plans_left:
                raise AzureResponseError(
                    f"Someone else changed the identities of '{resource.name}' meanwhile, so they were not removed.",
                    f"Run the command again. {resource.to_see}") from changed
            document = changed.document
        except GeneratorExit:  # Ctrl-C
            if removal.not_deleted:
                logger.warning(removal.not_deleted)
            raise
        except (RefusedError, AzCLIError) as error:
            _raise_with(error, removal.not_deleted)
    if removal.delete:
        yield from _delete(removal)
    return plain_block(document.block)


def confirm(removals: Mapping[Resource, Any]) -> None:
    """Warn of what is lost, and ask once for all resources. Raises ManualInterrupt if the answer isn't yes."""
    going = [removal for removal in removals.values() if removal.planned.changes]
    for removal in going:
        removal.warn()
    if not any(removal.destroys for removal in going):
        return
    for removal in removals.values():
        removal.asked = True
    from knack.prompting import NoTTYException, prompt_y_n
    count = sum(len(described(removal.planned.removed)) for removal in going)
    what = "1 identity" if count == 1 else f"{count} identities"
    where = f"'{going[0].resource.name}'" if len(going) == 1 else f"{len(going)} resources"
    try:
        # The question goes to standard error if the output goes to a file or a pipe.
        hidden = is_terminal(sys.stderr) and not is_terminal(sys.stdout)
        with redirect_stdout(sys.stderr) if hidden else nullcontext():
            agreed = prompt_y_n(f"Remove {what} from {where}?", default="n")
    except (EOFError, KeyboardInterrupt, NoTTYException):
        agreed = False
    if not agreed:
        raise ManualInterrupt("Nothing was removed.")


def _prepared(resource: Resource, document: Document, change: Change, consent: Consent, delete: bool) -> Life[Removal]:
    """The removal, and what is lost by it. Raises ResourceNotFoundError for an identity that isn't assigned."""
    planned = plan(document, after_remove, change)
    absent = difference(change, planned.before).user_assigned
    if absent:
        raise ResourceNotFoundError(
            f"{', '.join(described(Identities(False, absent)))} {'is' if len(absent) == 1 else 'are'}n't assigned to "
            f"'{resource.name}'. Nothing was removed.",
            "Its user-assigned identities are:\n" + ("\n".join(planned.before.user_assigned) or "none"))
    if change.system_assigned and not planned.before.system_assigned:
        logger.warning("'%s' has no system-assigned identity. There is nothing to remove.", resource.name)
    if change.all_user_assigned and not planned.before.user_assigned:
        logger.warning("'%s' has no user-assigned identity. There is nothing to remove.", resource.name)
    removal = Removal(resource, document, planned, change.all_user_assigned, delete,
                      answerable=consent in (Consent.ASK, Consent.REFUSE))
    if planned.removed.system_assigned:
        removal.assignments = yield from _assignments(removal)
    return removal


def _assignments(removal: Removal) -> Life[list[dict[str, str]]]:
    """The role assignments of the system-assigned identity: in the resource's subscription or, to delete them, in all
    subscriptions. A look-up that is only for a warning never delays the removal.
    """
    if not removal.principal:
        return []
    try:
        here = yield from assignments_of(removal.resource.subscription, removal.principal, optional=not removal.delete)
    except RefusedError as refusal:
        if removal.delete:
            raise
        logger.warning("The role assignments of the system-assigned identity of '%s' couldn't be looked up: %s",
                       removal.resource.name, explained(refusal))
        return []
    everywhere: list[dict[str, str]] = []
    try:
        if removal.delete:
            everywhere = yield from assignments_everywhere([removal.principal])
    except RefusedError as refusal:
        logger.warning("Role assignments in other subscriptions couldn't be looked up and are not deleted: %s",
                       explained(refusal))
        removal.refusal = refusal
    return list({one["id"].lower(): one for one in (*everywhere, *here)}.values())


def _would_remove(removal: Removal) -> Life[dict[str, Any]]:
    planned, resource = removal.planned, removal.resource
    yield from _require_writable(resource, removal.document, planned)
    verb = "delete" if removal.delete else "orphan"
    assignments = [{"change": verb, "identity": "SystemAssigned", **one} for one in removal.assignments]
    return _dry_run_result(resource, removal.document, block_of(planned.wanted, removal.document.block), assignments,
                           planned.changes)


def _delete(removal: Removal) -> Life[None]:
    """Delete the role assignments. Raises AzureResponseError with the command that deletes the rest."""
    failed: dict[str, Exception] = {}
    for one in removal.assignments:
        try:
            yield from delete_assignment(one["id"])
        except RefusedError as refusal:
            failed[one["id"]] = refusal
    done, how = f"The identity was removed from '{removal.resource.name}', but", []
    if failed:
        total = len(removal.assignments)
        what = "its role assignment was" if total == 1 else f"{len(failed)} of its {total} role assignments were"
        done += f" {what} not deleted: {reasons(failed.values())}"
        how.append(f"Ask someone who can delete role assignments there to run:\n{delete_command(failed)}")
    elif removal.refusal:
        done += f" its role assignments in other subscriptions couldn't be looked up: {explained(removal.refusal)}"
    if removal.refusal:
        how.append("To find those in another subscription, run:\naz role assignment list --all --subscription ID "
                   f"--query \"[?principalId=='{removal.principal}'].id\" --output tsv")
    if how:
        raise AzureResponseError(done, how)


def _write(resource: Resource, document: Document, planner: Planner, change: Change, *,
           agreed: Callable[[Document, Plan], bool] | None = None, no_wait: bool = False, needs_ids: bool = False
           ) -> Life[Document]:
    """Write, and warn of what someone else changed meanwhile. If the service refuses an identity, find out why."""
    try:
        written = yield from write(resource, document, planner, change, no_wait=no_wait, needs_ids=needs_ids,
                                   agreed=agreed)
    except (RefusedError, OperationFailedError) as error:
        code = error.code if isinstance(error, OperationFailedError) else error_code(error.reply)
        if code == "failedidentityoperation":
            gone = yield from missing_identities(plan(document, planner, change).wanted.user_assigned)
            if gone:
                raise (yield from _gone(resource, document, gone)) from error
        raise
    for note in written.notes:
        logger.warning(note)
    return written.document


def _raise_with(error: Exception, hint: str) -> NoReturn:
    """Raise the error with one more recommendation, unless the service has refused the write: then nothing is done."""
    refused = isinstance(error, RefusedError) and 400 <= error.reply.status < 500
    known = None if refused or not hint else explained(error)
    if not isinstance(known, (AzureResponseError, AzureConnectionError, AzureInternalError)):
        raise error
    known.set_recommendation(hint)
    if known is error:
        raise error
    raise known from error


def _require_writable(resource: Resource, document: Document, planned: Plan) -> Life[dict[str, dict[str, Any]]]:
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
        return (yield from identity_not_found(gone[0]))
    others = yield from missing_identities(one for one in has if one not in stale)
    return gone_but_assigned(resource, [*stale, *others])


def _dry_run_result(resource: Resource, document: Document, after: dict[str, Any], assignments: list[dict[str, str]],
                    changes: bool) -> dict[str, Any]:
    """What `--dry-run` prints for one resource."""
    return {"id": resource.id, "before": plain_block(document.block), "after": after, "roleAssignments": assignments,
            "changes": changes}
