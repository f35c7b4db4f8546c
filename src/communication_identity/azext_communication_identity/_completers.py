# SPDX-License-Identifier: MIT
"""Tab completion of names, as in core's modules: if the look-up fails, there are no suggestions."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from azure.cli.core.decorators import Completer

if TYPE_CHECKING:
    from .model.requests import Flow
    from .model.resource_id import ResourceId


@Completer
def complete_resources(cmd: Any, _prefix: str, namespace: Namespace, **_: Any) -> list[str]:
    """Names of the Communication Services resources in the group, or in the subscription if no group is given."""
    from .actions.list import list_resources
    group = _group(namespace)
    return [item["name"] for item in _read(cmd, lambda subscription: list_resources(subscription, group))]


@Completer
def complete_user_assigned(cmd: Any, _prefix: str, namespace: Namespace, **_: Any) -> list[str]:
    """Names of the user-assigned identities in the group."""
    from .arm.identities import ids_in
    from .model.resource_id import last_segment
    group = _group(namespace)
    if not group:
        return []
    return [last_segment(identity) for identity in _read(cmd, lambda subscription: ids_in(subscription, group))]


@Completer
def complete_assigned(cmd: Any, prefix: str, namespace: Namespace, **_: Any) -> Any:
    """The identities of the resource, by name if that is enough; those in the group if no resource is named yet."""
    resource = _named_so_far(cmd, namespace)
    if resource is None:
        return complete_user_assigned.func(cmd, prefix, namespace)
    from .model.resource_id import name_or_id
    from .model.update import get
    from .runner.report import run_one
    return [name_or_id(one, resource) for one in run_one(cmd, resource, get).identities.user_assigned]


@Completer
def complete_scopes(cmd: Any, _prefix: str, namespace: Namespace, **_: Any) -> list[str]:
    """IDs of the resources in the group."""
    from .model.requests import Get, pages
    group = _group(namespace)
    if not group:
        return []
    path = f"resourceGroups/{group}/resources?api-version=2021-04-01"
    found = _read(cmd, lambda one: pages(Get(f"/subscriptions/{one}/{path}"), lambda item: item.get("id")))
    return [scope for scope in found if isinstance(scope, str)]


@Completer
def complete_roles(cmd: Any, _prefix: str, _namespace: Namespace, **_: Any) -> list[str]:
    """Names of the roles in the subscription."""
    from .arm.roles import role_definitions
    return [role.name for role in _read(cmd, lambda subscription: role_definitions(f"/subscriptions/{subscription}"))]


def _read(cmd: Any, flow: Callable[[str], Flow[Any]]) -> Any:
    from .runner.report import run_in_subscription
    return run_in_subscription(cmd, flow)


def _group(namespace: Namespace) -> str | None:
    """The group that the command line names so far. It becomes part of a path, so it's checked."""
    from .model.resource_id import check_group_name
    from .model.shell_words import clean_value
    group = getattr(namespace, "resource_group_name", None)
    return check_group_name(clean_value(group)) if group else None


def _named_so_far(cmd: Any, namespace: Namespace) -> ResourceId | None:
    """The resource that --ids (the first one), or --name and --resource-group, name so far; None if they don't yet."""
    from azure.cli.core.commands.client_factory import get_subscription_id

    from .model.resource_id import ResourceId, check_resource_name, parse_resource_id
    from .model.shell_words import clean_list
    ids = [value for words in getattr(namespace, "resources", None) or () for value in clean_list(words)]
    if ids:
        return parse_resource_id(ids[0])
    name, group = getattr(namespace, "resource_name", None), _group(namespace)
    if not name or not group:
        return None
    return ResourceId(get_subscription_id(cmd.cli_ctx), group, check_resource_name(name))
