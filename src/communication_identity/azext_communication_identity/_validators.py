# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Checks of a whole command line, before any call: what is missing, what is wrong, and which resources are meant."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from azure.cli.core.azclierror import MutuallyExclusiveArgumentError, RequiredArgumentMissingError
from knack.log import get_logger

from .model.names import (
    Resource,
    check_group_name,
    check_resource_name,
    check_subscription,
    check_user_assigned,
    parse_resource_id,
)

logger = get_logger(__name__)


def validate_assign(cmd: Any, namespace: Namespace) -> None:
    """`assign`: at least one identity to add."""
    _require_identity(namespace, "assign", bool(namespace.user_assigned))
    _check_role(namespace)
    _check_user_assigned(namespace)
    validate_resources(cmd, namespace)


def validate_remove(cmd: Any, namespace: Namespace) -> None:
    """`remove`: at least one identity to take away; --user-assigned without a value means all of them."""
    _require_identity(namespace, "remove", namespace.user_assigned is not None)
    _check_user_assigned(namespace)
    validate_resources(cmd, namespace)


def validate_list(cmd: Any, namespace: Namespace) -> None:
    """`list`: a good group name, if any; not one subscription or group and all of them."""
    if namespace.all_subscriptions:
        _require_no_scope(namespace)
    if namespace.resource_group_name is not None:
        check_group_name(namespace.resource_group_name)
    _subscription(cmd)


def validate_wait(cmd: Any, namespace: Namespace) -> None:
    """`wait`: something to wait for."""
    if not (namespace.created or namespace.updated or namespace.deleted or namespace.exists or namespace.custom):
        raise RequiredArgumentMissingError(
            "What to wait for is missing.",
            "Give one of --created, --updated, --deleted, --exists or --custom JMESPATH.")
    validate_resources(cmd, namespace)


def validate_resources(cmd: Any, namespace: Namespace) -> None:
    """Turn --ids, or --name and --resource-group, into `namespace.resources`, a list of Resource in the order given,
    each once.
    """
    name, group = namespace.resource_name, namespace.resource_group_name
    del namespace.resource_name, namespace.resource_group_name  # the commands know resources only
    if namespace.resources is not None:
        if name is not None:
            logger.warning("option '--name' will be ignored due to use of '--ids'.")
        found = {resource.id.lower(): resource for resource in map(parse_resource_id, split_ids(namespace.resources))}
        namespace.resources = list(found.values())
        if not found:
            raise RequiredArgumentMissingError("--ids was given no resource ID.", "Nothing to do: the list is empty.")
        return
    if name is None or group is None:
        raise RequiredArgumentMissingError(
            "(--name --resource-group | --ids) are required.",
            "Name the resource with --name and --resource-group, or give its resource ID with --ids.")
    check_resource_name(name)
    check_group_name(group)
    namespace.resources = [Resource(_subscription(cmd), group, name)]


def split_ids(values: list[str]) -> list[str]:
    """Resource IDs from what `--ids` takes everywhere in the CLI: words, lines (`-o tsv`), JSON strings, or JSON
    objects with an `id`, as `-o json` of another command gives them.
    """
    text = " ".join(values).strip()
    if text[:1] not in ("[", "{"):
        return [line for value in values for line in value.split() if line]
    try:
        items = json.loads(text)
    except ValueError:
        return [text]  # no resource ID, as the next check says
    items = items if isinstance(items, list) else [items]
    return [item["id"] if isinstance(item, dict) and isinstance(item.get("id"), str) else str(item) for item in items]


def _require_identity(namespace: Namespace, verb: str, has_user_assigned: bool) -> None:
    """Raise unless the command names an identity. `--system-assigned false` names none."""
    if not (namespace.system_assigned or has_user_assigned):
        raise RequiredArgumentMissingError(
            f"Nothing to {verb}: neither --system-assigned nor --user-assigned was given.",
            f"Give --system-assigned, --user-assigned or both. To see examples, run:\n"
            f"az communication identity {verb} --help")


def _require_no_scope(namespace: Namespace) -> None:
    """Raise where --all-subscriptions is given with a group or a subscription; a configured default group gives way."""
    group = namespace.resource_group_name
    if getattr(group, "is_default", False):
        namespace.resource_group_name = group = None
    option = "--resource-group" if group is not None else "--subscription"
    if group is not None or getattr(namespace, "_subscription", None):
        raise MutuallyExclusiveArgumentError(
            f"--all-subscriptions can't be given with {option}.",
            "Leave one of them out. Of a list of all, --query takes what you want, for example:\n"
            "az communication identity list --all-subscriptions --query \"[?resourceGroup=='myResourceGroup']\"")


def _check_role(namespace: Namespace) -> None:
    """Refuse a bad --role or --scope, and a --scope without a --role."""
    if namespace.role is None and namespace.scopes:
        raise RequiredArgumentMissingError("--scope was given without --role.",
                                           "Name the role to grant at that scope with --role.")
    if namespace.role is not None:
        from .model.roles import check_role, check_scope
        namespace.role = check_role(namespace.role)
        namespace.scopes = [check_scope(scope) for scope in namespace.scopes or ()] or None


def _check_user_assigned(namespace: Namespace) -> None:
    """Refuse a bad value of --user-assigned."""
    if namespace.user_assigned is not None:
        namespace.user_assigned = [check_user_assigned(value) for value in namespace.user_assigned]


def _subscription(cmd: Any) -> str:
    """The subscription of this command: --subscription, or the one that `az account show` shows."""
    from azure.cli.core.commands.client_factory import get_subscription_id
    return check_subscription(get_subscription_id(cmd.cli_ctx))
