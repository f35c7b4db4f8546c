# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Tab completion of names, as in core's modules: if the look-up fails, there are no suggestions."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from azure.cli.core.decorators import Completer

if TYPE_CHECKING:
    from .model.names import Resource
    from .model.steps import Life


@Completer
def complete_resource_names(cmd: Any, _prefix: str, namespace: Namespace, **_: Any) -> list[str]:
    """Names of the Communication Services resources in the group, or in the subscription if no group is given."""
    from .actions.reading import list_resources
    group = getattr(namespace, "resource_group_name", None)
    return [item["name"] for item in _read(cmd, lambda subscription: list_resources(subscription, group))]


@Completer
def complete_user_assigned(cmd: Any, _prefix: str, namespace: Namespace, **_: Any) -> list[str]:
    """Names of the user-assigned identities in the group."""
    return _identities_in_group(cmd, namespace)


@Completer
def complete_assigned(cmd: Any, _prefix: str, namespace: Namespace, **_: Any) -> list[str]:
    """The user-assigned identities of the resource that the command line names so far: by name if a name is enough,
    otherwise by ID. Without a resource, those in the group.
    """
    resource = _named_so_far(cmd, namespace)
    if resource is None:
        return _identities_in_group(cmd, namespace)
    from .actions.each import result_of
    from .model.identity import find_id, identities_of
    from .model.names import user_assigned_id
    from .model.write import get
    assigned = identities_of(result_of(cmd, resource, get).block).user_assigned
    names = {identity: identity.rsplit("/", 1)[-1] for identity in assigned}
    return [name if find_id(user_assigned_id(name, resource), (identity,)) else identity
            for identity, name in names.items()]


@Completer
def complete_scopes(cmd: Any, _prefix: str, namespace: Namespace, **_: Any) -> list[str]:
    """IDs of the resources in the group."""
    from .model.steps import Request, pages
    group = getattr(namespace, "resource_group_name", None)
    if not group:
        return []
    path = f"resourceGroups/{group}/resources?api-version=2021-04-01"
    found = _read(cmd, lambda one: pages(Request("GET", f"/subscriptions/{one}/{path}"), lambda item: item.get("id")))
    return [scope for scope in found if isinstance(scope, str)]


@Completer
def complete_roles(cmd: Any, _prefix: str, _namespace: Namespace, **_: Any) -> list[str]:
    """Names of the roles in the subscription."""
    from .arm.access import role_definitions
    return [role.name for role in _read(cmd, lambda subscription: role_definitions(f"/subscriptions/{subscription}"))]


def _read(cmd: Any, life: Callable[[str], Life[Any]]) -> Any:
    from .actions.each import in_subscription
    return in_subscription(cmd, life)


def _identities_in_group(cmd: Any, namespace: Namespace) -> list[str]:
    from .arm.access import ids_in
    group = getattr(namespace, "resource_group_name", None)
    if not group:
        return []
    found = _read(cmd, lambda subscription: ids_in(f"/subscriptions/{subscription}/resourceGroups/{group}"))
    return [identity.rsplit("/", 1)[-1] for identity in found]


def _named_so_far(cmd: Any, namespace: Namespace) -> Resource | None:
    """The resource that --ids, or --name and --resource-group, name; the first of several."""
    from azure.cli.core.commands.client_factory import get_subscription_id

    from .model.names import Resource, check_group_name, check_resource_name, clean_list, parse_resource_id
    ids = [value for words in getattr(namespace, "resources", None) or () for value in clean_list(words)]
    if ids:
        return parse_resource_id(ids[0])
    name, group = getattr(namespace, "resource_name", None), getattr(namespace, "resource_group_name", None)
    if not name or not group:
        return None
    return Resource(get_subscription_id(cmd.cli_ctx), check_group_name(group), check_resource_name(name))
