# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The commands as the CLI calls them. It imports this file for help and wrong input too, so that what a command needs
is imported when it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .model.consent import Consent

if TYPE_CHECKING:
    from .model.names import Resource

Block = dict[str, Any]


def assign_identity(cmd: Any, resources: list[Resource], *, system_assigned: bool = False,
                    user_assigned: list[str] | None = None, role: str | None = None, scopes: list[str] | None = None,
                    dry_run: bool = False, skip_wait: bool = False) -> Block | list[Block]:
    """Add identities to each resource, keep those that are there; grant a role to those that are named."""
    from ._run import assign
    return assign(cmd, resources, system_assigned, user_assigned, role=role, scopes=scopes, skip_wait=skip_wait)


def remove_identity(cmd: Any, resources: list[Resource], *, system_assigned: bool = False,
                    user_assigned: list[str] | None = None, delete_role_assignments: bool = False,
                    dry_run: bool = False, yes: Consent = Consent.GO_ON, skip_wait: bool = False
                    ) -> Block | list[Block]:
    """Take identities away from each resource; keep the others."""
    from ._run import remove
    return remove(cmd, resources, system_assigned, user_assigned, delete_role_assignments=delete_role_assignments,
                  yes=yes, skip_wait=skip_wait)


def show_identity(cmd: Any, resources: list[Resource], roles: bool = False) -> Block | list[Block]:
    """The identity block of each resource, and what its identities may do."""
    from ._run import show
    return show(cmd, resources, roles)


def list_identities(cmd: Any, resource_group_name: str | None = None, all_subscriptions: bool = False,
                    user_assigned: list[str] | None = None) -> list[Block]:
    """Every resource of the group, the subscription or all subscriptions, with its identity block beside its name."""
    from ._run import list_all
    return list_all(cmd, resource_group_name, all_subscriptions)


def wait_for_resource(cmd: Any, resources: list[Resource], *, created: bool = False, updated: bool = False,
                      deleted: bool = False, exists: bool = False, custom: str | None = None, interval: int = 30,
                      timeout: int = 3600) -> None:
    """The CLI's standard wait, on each resource."""
    from ._run import wait
    wait(cmd, resources, {"created": created, "updated": updated, "deleted": deleted, "exists": exists,
                          "custom": custom, "interval": interval, "timeout": timeout})
