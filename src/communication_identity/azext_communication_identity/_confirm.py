# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Say what a removal destroys, and ask first where there is someone to ask."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from knack.log import get_logger

from ._identity import Change, Identities, after_remove, difference
from ._resource_id import Resource

logger = get_logger(__name__)


def confirm_removal(cmd: Any, removals: Mapping[Resource, tuple[Identities, Change]], yes: bool) -> None:
    """Warn of what goes for good, once for all resources, and ask in a terminal unless `yes`.

    `removals`: what each resource has, and what is to be removed. Raises ManualInterrupt where the answer is no.
    """
    warnings = [line for resource, (current, change) in removals.items() for line in _losses(resource, current, change)]
    for resource, (current, change) in removals.items():
        _warn_of_nothing(resource, current, change)
    if not warnings:
        return
    for line in warnings:
        logger.warning(line)
    if yes or not sys.stdin.isatty() or cmd.cli_ctx.config.getboolean("core", "disable_confirm_prompt", False):
        return
    from azure.cli.core.azclierror import ManualInterrupt
    from knack.prompting import prompt_y_n
    if not prompt_y_n("Are you sure you want to remove this?"):
        raise ManualInterrupt("Nothing was removed.")


def _losses(resource: Resource, current: Identities, change: Change) -> list[str]:
    """A line for each thing that can't be had back: the system-assigned identity, or the last identity."""
    wanted = after_remove(current, change)
    gone = difference(current, wanted)
    lines = []
    if gone.system_assigned:
        lines.append(f"This removes the system-assigned identity of '{resource.name}': its principal and its role "
                     "assignments are gone for good; assigning it again makes a new principal.")
    if gone != Identities() and wanted == Identities():
        names = ["the system-assigned identity"] * gone.system_assigned + [
            f"'{identity}'" for identity in gone.user_assigned]
        lines.append(f"This leaves '{resource.name}' without any identity. What goes: {', '.join(names)}.")
    return lines


def _warn_of_nothing(resource: Resource, current: Identities, change: Change) -> None:
    if change.system_assigned and not current.system_assigned:
        logger.warning("'%s' has no system-assigned identity; there is none to remove.", resource.name)
    if change.all_user_assigned and not current.user_assigned:
        logger.warning("'%s' has no user-assigned identity; there is none to remove.", resource.name)
