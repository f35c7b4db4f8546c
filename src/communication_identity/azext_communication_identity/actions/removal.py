# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Remove identities from one resource, as a life. Warns of what is lost, and asks for confirmation in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from azure.cli.core.azclierror import (
    AzCLIError,
    AzureResponseError,
    ManualInterrupt,
    RequiredArgumentMissingError,
    ResourceNotFoundError,
)
from knack.log import get_logger

from ..arm.errors import explained, reasons
from ..arm.graph import assignments_everywhere
from ..arm.role_assignments import assignments_of, delete_assignment
from ..model.consent import Consent
from ..model.identity import (
    Identities,
    after_remove,
    block_of,
    described,
    difference,
    not_assigned,
    plain_block,
    principals_of,
)
from ..model.names import Resource, for_shell
from ..model.roles import delete_command
from ..model.steps import Life, Ready, RefusedError
from ..model.write import ChangedError, Document, Plan, get, idle, plan
from .assign import Order, dry_run_result, raise_with, require_writable, write_identities
from .terminal import is_terminal

logger = get_logger(__name__)

PLANS = 5  # how often a removal is planned again after someone else's change


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
    for plans_left in reversed(range(PLANS)):
        document = yield from idle(resource, document)
        removal = yield from _prepared(resource, order, document, consent, delete_role_assignments)
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
            document = yield from write_identities(resource, document, after_remove, change, agreed=removal.covers,
                                                   no_wait=order.no_wait and not removal.delete)
            break
        except ChangedError as changed:
            if consent is Consent.ASK or not plans_left:
                raise _not_agreed(resource) from changed
            document = changed.document
        except GeneratorExit:  # Ctrl-C
            if removal.not_deleted:
                logger.warning(removal.not_deleted)
            raise
        except (RefusedError, AzCLIError) as error:
            raise_with(error, removal.not_deleted)
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
        with _question_on_the_terminal():
            agreed = prompt_y_n(f"Remove {what} from {where}?", default="n")
    except (EOFError, KeyboardInterrupt, NoTTYException):
        agreed = False
    if not agreed:
        raise ManualInterrupt("Nothing was removed.")


def _question_on_the_terminal() -> AbstractContextManager[Any]:
    """Have a question asked on standard error if the output goes to a file or a pipe."""
    hidden = is_terminal(sys.stderr) and not is_terminal(sys.stdout)
    return redirect_stdout(sys.stderr) if hidden else nullcontext()


def _prepared(resource: Resource, order: Order, document: Document, consent: Consent, delete: bool) -> Life[Removal]:
    """The removal, and what is lost by it. Raises ResourceNotFoundError for an identity that isn't assigned."""
    change = order.change(resource)
    planned = plan(document, after_remove, change)
    absent = not_assigned(planned.before, change)
    if absent:
        raise ResourceNotFoundError(
            f"{', '.join(described(Identities(False, absent)))} {'is' if len(absent) == 1 else 'are'}n't assigned to "
            f"'{resource.name}'. Nothing was removed.",
            "Its user-assigned identities are:\n" + ("\n".join(planned.before.user_assigned) or "none"))
    _warn_of_absent_identities(resource, order, planned)
    removal = Removal(resource, document, planned, change.all_user_assigned, delete,
                      answerable=consent in (Consent.ASK, Consent.REFUSE))
    if planned.removed.system_assigned:
        removal.assignments = yield from _assignments(removal)
    return removal


def _not_agreed(resource: Resource) -> AzureResponseError:
    return AzureResponseError(
        f"Someone else changed the identities of '{resource.name}' meanwhile, so they were not removed.",
        "Run the command again. To see the current identities, run:\n"
        f"az communication identity show --ids {for_shell(resource.id)}")


def _warn_of_absent_identities(resource: Resource, order: Order, planned: Plan) -> None:
    if order.system_assigned and not planned.before.system_assigned:
        logger.warning("'%s' has no system-assigned identity. There is nothing to remove.", resource.name)
    if order.user_assigned is not None and not order.user_assigned and not planned.before.user_assigned:
        logger.warning("'%s' has no user-assigned identity. There is nothing to remove.", resource.name)


def _assignments(removal: Removal) -> Life[list[dict[str, str]]]:
    """The role assignments of the system-assigned identity: in the resource's subscription or, to delete them, in all
    subscriptions. A look-up that is only for a warning never delays the removal.
    """
    principals = principals_of(removal.document.block, Identities(True))
    found: dict[str, dict[str, str]] = {}
    for principal in principals:
        try:
            here = yield from assignments_of(removal.resource.subscription, principal, optional=not removal.delete)
        except RefusedError as refusal:
            if removal.delete:
                raise
            logger.warning("The role assignments of the system-assigned identity of '%s' couldn't be looked up: %s",
                           removal.resource.name, explained(refusal))
            continue
        found.update({one["id"].lower(): one for one in here})
    if removal.delete and principals:
        try:
            everywhere = yield from assignments_everywhere(principals)
        except RefusedError as refusal:
            logger.warning("Role assignments in other subscriptions couldn't be looked up and are not deleted: %s",
                           explained(refusal))
            removal.refusal, everywhere = refusal, []
        found = {**{one["id"].lower(): one for one in everywhere}, **found}
    return list(found.values())


def _would_remove(removal: Removal) -> Life[dict[str, Any]]:
    planned, resource = removal.planned, removal.resource
    yield from require_writable(resource, removal.document, planned)
    verb = "delete" if removal.delete else "orphan"
    assignments = [{"change": verb, "identity": "SystemAssigned", **one} for one in removal.assignments]
    return dry_run_result(resource, removal.document, block_of(planned.wanted, removal.document.block), assignments,
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
        principals = principals_of(removal.document.block, Identities(True))
        how.append("To find those in another subscription, run:\naz role assignment list --all --subscription ID "
                   f"--query \"[?principalId=='{principals[0]}'].id\" --output tsv")
    if how:
        raise AzureResponseError(done, how)
