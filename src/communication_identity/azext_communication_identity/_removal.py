# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""What a removal takes away, said before it is done, and asked for where there is someone to ask."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from azure.cli.core.azclierror import ManualInterrupt
from knack.log import get_logger

from ._resource import Document
from .model.identity import Change, Identities, after_remove, difference, identities_of, principals_of, words
from .model.names import Resource

logger = get_logger(__name__)


@dataclass
class Removal:
    """The removal of identities from one resource, as read before. `assignments`: role assignments (plain) that the
    removed identities hold, as far as they were looked up; `delete_assignments`: whether these go too.
    """

    resource: Resource
    document: Document
    change: Change
    assignments: list[dict[str, str]] = field(default_factory=list)
    delete_assignments: bool = False

    @property
    def current(self) -> Identities:
        """What the resource has."""
        return identities_of(self.document.block)

    @property
    def gone(self) -> Identities:
        """What is taken away."""
        return difference(self.current, after_remove(self.current, self.change))

    @property
    def principals(self) -> list[str]:
        """The principals whose role assignments matter: that of the system-assigned identity, which is deleted and
        leaves them behind as orphans; those of user-assigned ones, which live on, only if theirs are to be deleted.
        """
        among = self.gone if self.delete_assignments else Identities(self.gone.system_assigned)
        return principals_of(self.document.block, among)

    def losses(self) -> list[str]:
        """A line for each thing that is gone for good."""
        name, lines = self.resource.name, []
        if self.gone.system_assigned:
            lines.append(f"This removes the system-assigned identity of '{name}': its principal and the "
                         "access it was granted are gone for good; assigning it again makes a new principal.")
        if self.gone != Identities() and self.gone == self.current:
            lines.append(f"This leaves '{name}' without any identity. What goes: {', '.join(words(self.gone))}.")
        if self.assignments:
            roles = ", ".join(f"'{one['roleName']}' at {one['scope']}" for one in self.assignments)
            lines.append(f"Role assignments that are deleted with it: {roles}." if self.delete_assignments else
                         f"Role assignments that stay behind as orphans: {roles}. To delete them too, use "
                         "--delete-role-assignments.")
        return lines

    def warn(self) -> bool:
        """Say what goes for good, and where there is nothing to remove. Returns whether anything goes for good."""
        if self.change.system_assigned and not self.current.system_assigned:
            logger.warning("'%s' has no system-assigned identity; there is none to remove.", self.resource.name)
        if self.change.all_user_assigned and not self.current.user_assigned:
            logger.warning("'%s' has no user-assigned identity; there is none to remove.", self.resource.name)
        losses = self.losses()
        for line in losses:
            logger.warning(line)
        return bool(losses)


def asks(cmd: Any, yes: bool) -> bool:
    """Whether to ask before anything goes for good: in a terminal, unless `yes` or the CLI's configuration says no."""
    return (not yes and sys.stdin.isatty()
            and not cmd.cli_ctx.config.getboolean("core", "disable_confirm_prompt", False))


def confirm(removals: Iterable[Removal]) -> None:
    """Warn of what goes for good, and ask once for all. Raises ManualInterrupt where the answer is no."""
    something_goes = [removal.warn() for removal in removals]
    if not any(something_goes):
        return
    from knack.prompting import prompt_y_n
    if not prompt_y_n("Are you sure you want to remove this?", default="n"):
        raise ManualInterrupt("Nothing was removed.")
