# SPDX-License-Identifier: MIT
"""`remove`: takes identities away from a resource, and on request the role assignments of a system-assigned one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from azure.cli.core.azclierror import (
    AzureResponseError,
    ManualInterrupt,
    RequiredArgumentMissingError,
    ResourceNotFoundError,
)

from ..arm.errors import explained, reasons
from ..arm.graph import assignments_everywhere
from ..arm.identities import explain_refusal
from ..arm.roles import assignments_of, delete_assignment
from ..model.identities import NO_BLOCK, NONE, SYSTEM_ASSIGNED, Identities, expected_block, plain_block, principal_of
from ..model.operation import NotDoneError
from ..model.quoting import for_display, printable
from ..model.requests import Ask, RequestError
from ..model.resource_id import ResourceId, name_or_id
from ..model.role_assignments import delete_command, hidden_from_manager
from ..model.unfinished import accepted, remaining
from ..model.update import Snapshot, get, until_idle, update_identities
from ..runner.messages import counted, warn
from ..runner.terminal import Consent, agrees
from .dry_run import dry_run_result, require_writable
from .options import KEYWORD_ONLY, ChangeOptions


@dataclass(frozen=True, **KEYWORD_ONLY)
class RemoveOptions(ChangeOptions):
    """What the command line of `remove` says. `user_assigned`: empty means all. `managed`: subscriptions that the login
    manages from another tenant (Azure Lighthouse), in lower case.
    """

    delete_role_assignments: bool = False
    consent: Consent = Consent.PROCEED
    managed: Collection[str] = ()

    @property
    def removes_all(self) -> bool:
        """Whether all user-assigned identities go, without being named."""
        return self.user_assigned is not None and not self.user_assigned

    def left_of(self, current: Identities, named: Identities) -> Identities:
        """What stays of the current identities."""
        return current - (named | (current - SYSTEM_ASSIGNED) if self.removes_all else named)


@dataclass(frozen=True, **KEYWORD_ONLY)
class Removal:
    """The removal of identities from one resource, as it is announced. `assignments`: the role assignments (plain) of
    the system-assigned identity, which are deleted too or grant access to no one afterwards.
    """

    resource: ResourceId
    before: Identities
    left: Identities
    principal: str | None
    options: RemoveOptions
    assignments: tuple[dict[str, str], ...] = ()

    @property
    def gone(self) -> Identities:
        """The identities that go."""
        return self.before - self.left

    @property
    def is_destructive(self) -> bool:
        """Whether it removes something that can't be restored, or that the user hasn't named."""
        return self.gone.system_assigned or (bool(self.gone) and (self.options.removes_all or not self.left))

    def still_agreed(self, snapshot: Snapshot, wanted: Identities) -> bool:
        """Whether no more goes than was announced, although someone else may have changed the resource."""
        gone = snapshot.identities - wanted
        return (not gone - self.gone and bool(wanted or not self.left)
                and (not gone.system_assigned or principal_of(snapshot.block, None) == self.principal))

    def as_result(self) -> dict[str, Any]:
        """The removal in the form of a dry run's result, for a table."""
        return {"id": self.resource.id, "before": expected_block(self.before, NO_BLOCK),
                "after": expected_block(self.left, NO_BLOCK), "roleAssignments": [
                    {"change": "delete" if self.options.delete_role_assignments else "orphan",
                     "identity": "SystemAssigned", **one} for one in self.assignments]}

    def consequence(self) -> str:
        """What is lost, in one paragraph."""
        *most, one = _described(self.gone, self.resource)
        gone, name = " and ".join(filter(None, [", ".join(most), one])), self.resource.name
        texts = [f"This removes {gone} from '{name}'." if self.left else
                 f"Removing {gone} leaves '{name}' without an identity."]
        if self.gone.system_assigned:
            texts.append("The principal of the system-assigned identity is deleted; a new one won't have its access.")
        if self.assignments:
            roles = ", ".join(printable(f"'{one['roleName']}' on {one['scope']}") for one in self.assignments)
            texts.append(f"Its role assignments are deleted too: {roles}." if self.options.delete_role_assignments else
                         f"Its role assignments remain and grant access to no one: {roles}. {self._to_delete()}")
        return " ".join(texts)

    def _to_delete(self) -> str:
        if self.options.consent in (Consent.ASK, Consent.NEEDS_YES):
            return "To delete them too, add --delete-role-assignments."
        return f"To delete them, run:\n{delete_command(one['id'] for one in self.assignments)}"


Table = Callable[[list[dict[str, Any]]], list[dict[str, str]]]


def confirm(removals: Sequence[Removal], table: Table) -> None:
    """Say what is lost, and ask once for all resources. Raises ManualInterrupt if the answer isn't yes."""
    going = sorted((one for one in removals if one.gone), key=lambda one: one.resource.name.lower())
    if not any(removal.is_destructive for removal in going):
        return
    if len(going) == 1:
        warn(going[0].consequence())
    else:
        warn(f"{_summary(going, is_done=False)}\n{_tabulated(going, table)}")
    what = counted(sum(len(removal.gone.described()) for removal in going), "identity", "identities")
    where = f"'{going[0].resource.name}'" if len(going) == 1 else f"{len(going)} resources"
    if not agrees(f"Remove {what} from {where}?"):
        raise ManualInterrupt("Nothing was removed.")


def warn_of_removed(removals: Sequence[Removal], table: Table) -> None:
    """Say what several resources lost without a question."""
    if not removals:
        return
    removals = sorted(removals, key=lambda one: one.resource.name.lower())
    orphans = [] if removals[0].options.delete_role_assignments else sorted(
        one["id"] for removal in removals for one in removal.assignments)
    warn(f"{_summary(removals, is_done=True)}\n{_tabulated(removals, table)}"
         + (f"\nTo delete the role assignments, run:\n{delete_command(orphans)}" if orphans else ""))


def _tabulated(removals: Sequence[Removal], table: Table) -> str:
    """All that goes, as a table of a dry run."""
    from tabulate import tabulate  # type: ignore[import-untyped]  # it ships no types
    rows = [row for row in table([one.as_result() for one in removals]) if row["Change"]]
    return str(tabulate(rows, headers="keys", disable_numparse=True))


def _summary(removals: Sequence[Removal], *, is_done: bool) -> str:
    """What resources lose, or have lost, in one line."""
    total, last = len(removals), sum(not one.left for one in removals)
    system = sum(one.gone.system_assigned for one in removals)
    users = sum(len(one.gone.user_assigned) for one in removals)
    what = [f"{'its' if total == 1 else 'their'} system-assigned identity" if system == total else
            counted(system, "system-assigned identity", "system-assigned identities"),
            counted(users, "user-assigned identity", "user-assigned identities")]
    lose = "lost" if is_done else "loses" if total == 1 else "lose"
    text = f"{counted(total, 'resource', 'resources')} {lose} {' and '.join(filter(None, what))}"
    text += f", {'all' if last == total else last} of them their last identity" if last and total > 1 else ""
    one, many = {(False, False): ("becomes an orphan", "become orphans"), (True, False): ("is deleted", "are deleted"),
                 (False, True): ("became an orphan", "became orphans"), (True, True): ("was deleted", "were deleted"),
                 }[removals[0].options.delete_role_assignments, is_done]
    assignments = sum(len(removal.assignments) for removal in removals)
    text += f"; {counted(assignments, f'role assignment {one}', f'role assignments {many}')}" if assignments else ""
    return text + ("." if is_done or not system else ". This can't be undone.")


async def remove(resource: ResourceId, options: RemoveOptions, removed: list[Removal] | None = None) -> dict[str, Any]:
    """Returns the plain block, or what would change. `removed`: None for a single resource; with several, a list that
    takes the destructive removals that nobody was asked about.
    """
    named = options.identities_in(resource)
    snapshot = await until_idle(resource, await get(resource))
    _require_assigned(resource, snapshot.identities, named, options)
    removal = await _prepare(resource, snapshot, named, options)
    if options.dry_run:
        return await _preview(removal, snapshot)
    snapshot = await _agree(removal, snapshot, is_single=removed is None)
    left = {one["id"]: one for one in removal.assignments} if options.delete_role_assignments else {}
    with remaining(lambda: _not_deleted(resource, left)):
        # Role assignments are deleted once the identity is gone, so deleting them always waits.
        updated = await explain_refusal(resource, snapshot.identities, NONE, update_identities(
            resource, snapshot, lambda current: options.left_of(current, named),
            wait=options.wait or options.delete_role_assignments, still_agreed=removal.still_agreed))
    for warning in updated.warnings:
        warn(warning)
    await _delete_assignments(resource, left)
    if removed is not None and removal.is_destructive and options.consent is not Consent.ASK:
        removed.append(removal)
    return plain_block(updated.snapshot.block)


def _require_assigned(resource: ResourceId, current: Identities, named: Identities, options: RemoveOptions) -> None:
    """Raise ResourceNotFoundError for a named identity that isn't assigned; warn if there is nothing to remove."""
    absent = named - SYSTEM_ASSIGNED - current
    if absent:
        has = ", ".join(_described(current - SYSTEM_ASSIGNED, resource))
        verb = "is" if len(absent.user_assigned) == 1 else "are"
        raise ResourceNotFoundError(
            f"{', '.join(_described(absent, resource))} {verb}n't assigned to '{resource.name}'. Nothing was removed.",
            f"It has these user-assigned identities: {has}." if has else "It has no user-assigned identities.")
    both = options.system_assigned and options.user_assigned is not None
    nothing = "" if both else " There is nothing to remove."
    if named.system_assigned and not current.system_assigned:
        warn(f"'{resource.name}' has no system-assigned identity.{nothing}")
    if options.removes_all and not current.user_assigned:
        warn(f"'{resource.name}' has no user-assigned identity.{nothing}")


def _described(identities: Identities, resource: ResourceId) -> list[str]:
    """The identities as messages about a resource name them."""
    return identities._replace(user_assigned=tuple(
        name_or_id(one, resource) for one in identities.user_assigned)).described()


async def _prepare(resource: ResourceId, snapshot: Snapshot, named: Identities, options: RemoveOptions) -> Removal:
    """The removal, with the role assignments that lose their principal. Raises an error if they are to be deleted and
    can't all be found: once the identity is gone, nothing else knows its principal.
    """
    current = snapshot.identities
    removal = Removal(resource=resource, before=current, left=options.left_of(current, named), options=options,
                      principal=principal_of(snapshot.block, None))
    if not removal.gone.system_assigned:
        return removal
    if options.delete_role_assignments:
        return replace(removal, assignments=await _all_assignments(removal))
    if removal.principal is None:
        warn(f"The service doesn't show the principal ID of the system-assigned identity of '{resource.name}', so its "
             "role assignments can't be looked up.")
        return removal
    try:
        found = await assignments_of(resource.subscription, removal.principal, optional=True)
    except RequestError as error:
        warn(f"Couldn't look up the role assignments of the system-assigned identity of '{resource.name}': "
             f"{explained(error)}")
        return removal
    return replace(removal, assignments=_each_once(found))


async def _all_assignments(removal: Removal) -> tuple[dict[str, str], ...]:
    resource, principal = removal.resource, removal.principal
    leave = "To remove the identity and leave its role assignments, omit --delete-role-assignments."
    if principal is None:
        raise AzureResponseError(
            f"The service doesn't show the principal ID of the system-assigned identity of '{resource.name}', so its "
            f"role assignments can't be found. Nothing was removed.", f"{resource.to_see}\n{leave}")
    if resource.subscription.lower() in removal.options.managed:
        raise AzureResponseError(
            f"{hidden_from_manager(f'the subscription of {for_display(resource.name)}')}. Nothing was removed.",
            f"Use a login of the subscription's own tenant. {leave}")
    try:
        here = await assignments_of(resource.subscription, principal)
    except RequestError as error:
        known: Any = explained(error)
        raise type(known)(f"Couldn't look up the role assignments of the system-assigned identity of '{resource.name}':"
                          f" {known} Nothing was removed.", [*known.recommendations, leave]) from error
    try:
        everywhere = await assignments_everywhere([principal])
    except RequestError as error:
        raise AzureResponseError(
            f"Couldn't look up the role assignments of the system-assigned identity of '{resource.name}' in other "
            f"subscriptions: {explained(error)} Nothing was removed.",
            f"To retry, run the command again. {leave}") from error
    return _each_once([*everywhere, *here])


def _each_once(assignments: Sequence[dict[str, str]]) -> tuple[dict[str, str], ...]:
    return tuple({one["id"].lower(): one for one in assignments}.values())


async def _preview(removal: Removal, snapshot: Snapshot) -> dict[str, Any]:
    after = plain_block(snapshot.block)
    if removal.gone:
        await require_writable(removal.resource, snapshot, removal.left)
        after = expected_block(removal.left, snapshot.block)
    return dry_run_result(removal.resource, snapshot, after, removal.as_result()["roleAssignments"], {})


async def _agree(removal: Removal, snapshot: Snapshot, *, is_single: bool) -> Snapshot:
    """Warn of what is lost, or ask, then read again. Raises RequiredArgumentMissingError if it can't ask."""
    consent = removal.options.consent
    if removal.is_destructive and consent is Consent.NEEDS_YES:
        raise RequiredArgumentMissingError(
            f"{removal.consequence()} Can't prompt for confirmation without a terminal. Nothing was removed.",
            "To remove without a prompt, add --yes. To see what would change, use --dry-run.")
    if consent is Consent.ASK:
        await Ask(removal)  # the runner calls `confirm` once, for all resources
        return await get(removal.resource) if removal.is_destructive else snapshot
    if removal.is_destructive and is_single:
        warn(removal.consequence())
    return snapshot


async def _delete_assignments(resource: ResourceId, left: dict[str, dict[str, str]]) -> None:
    """Delete these role assignments. Whatever ends it, its error names those that are left."""
    failed: list[Exception] = []
    total = len(left)
    with remaining(lambda: _to_finish(left)), accepted(
            resource, lambda: f"The identity was removed from '{resource.name}'."):
        for assignment_id in list(left):
            try:
                await delete_assignment(assignment_id)
                del left[assignment_id]
            except RequestError as error:
                failed.append(error)
        if failed:
            what = "its role assignment was" if total == 1 else f"{len(left)} of its {total} role assignments were"
            raise NotDoneError(f"The identity was removed from '{resource.name}', but {what} not deleted: "
                               f"{reasons(failed)}")


def _to_finish(left: dict[str, dict[str, str]]) -> str:
    """How to delete the role assignments that are left after their identity; empty if there are none."""
    how = f"To finish, ask someone who can delete role assignments there to run:\n{delete_command(left)}"
    return how if left else ""


def _not_deleted(resource: ResourceId, left: dict[str, dict[str, str]]) -> str:
    """How to delete the role assignments of an identity that may still be there; empty if there are none."""
    return (f"The role assignments of the system-assigned identity of '{resource.name}' were not deleted. Once the "
            f"identity is gone, run:\n{delete_command(left)}") if left else ""
