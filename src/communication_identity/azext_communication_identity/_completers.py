# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Tab completion of names, as core's modules do it: what can't be looked up completes to nothing."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from azure.cli.core.decorators import Completer

if TYPE_CHECKING:
    from .model.names import Resource


@Completer
def complete_resource_names(cmd: Any, _prefix: str, namespace: Namespace, **_: Any) -> list[str]:
    """Names of the Communication Services resources in the group, or in the subscription if no group is given."""
    from azure.cli.core.commands.client_factory import get_subscription_id

    from ._client_factory import communication
    from ._resource import list_documents
    group = getattr(namespace, "resource_group_name", None)
    documents = list_documents(communication(cmd.cli_ctx), get_subscription_id(cmd.cli_ctx), group)
    return [document["name"] for document in documents]


@Completer
def complete_user_assigned(cmd: Any, _prefix: str, namespace: Namespace, **_: Any) -> list[str]:
    """Names of the user-assigned identities in the group."""
    return _identities_in_group(cmd, namespace)


@Completer
def complete_assigned(cmd: Any, _prefix: str, namespace: Namespace, **_: Any) -> list[str]:
    """The user-assigned identities of the resource that the command line names so far: by name where a name is enough,
    else by ID. Those of the group where no resource is named.
    """
    resource = _named_so_far(cmd, namespace)
    if resource is None:
        return _identities_in_group(cmd, namespace)
    from azure.cli.core.util import send_raw_request

    from .model.identity import find_id
    from .model.names import user_assigned_id
    answer = send_raw_request(cmd.cli_ctx, "GET", f"{resource.id}?api-version=2023-04-01").json()
    assigned = (answer.get("identity") or {}).get("userAssignedIdentities") or {}
    names = {identity: identity.rsplit("/", 1)[-1] for identity in assigned}
    return [name if find_id(user_assigned_id(name, resource), (identity,)) else identity
            for identity, name in names.items()]


@Completer
def complete_scopes(cmd: Any, _prefix: str, namespace: Namespace, **_: Any) -> list[str]:
    """IDs of the resources in the group."""
    group = getattr(namespace, "resource_group_name", None)
    if not group:
        return []
    from urllib.parse import quote

    from azure.cli.core.commands.client_factory import get_subscription_id
    from azure.cli.core.util import send_raw_request
    condition = quote(f"resourceGroup eq '{group}'")
    found = send_raw_request(cmd.cli_ctx, "GET", f"/subscriptions/{get_subscription_id(cmd.cli_ctx)}/resources"
                                                 f"?$filter={condition}&api-version=2024-11-01").json()["value"]
    return [resource["id"] for resource in found if f"/resourcegroups/{group}/".lower() in resource["id"].lower()]


@Completer
def complete_roles(cmd: Any, _prefix: str, _namespace: Namespace, **_: Any) -> list[str]:
    """Names of the roles in the subscription."""
    from azure.cli.core.commands.client_factory import get_subscription_id

    from ._authorization import role_names
    from ._client_factory import authorization
    return role_names(authorization(cmd.cli_ctx), f"/subscriptions/{get_subscription_id(cmd.cli_ctx)}")


def _identities_in_group(cmd: Any, namespace: Namespace) -> list[str]:
    from ._client_factory import user_assigned_identities
    group = getattr(namespace, "resource_group_name", None)
    if not group:
        return []
    return [identity.name for identity in user_assigned_identities(cmd.cli_ctx).list_by_resource_group(group)]


def _named_so_far(cmd: Any, namespace: Namespace) -> Resource | None:
    """The resource that --ids, or --name and --resource-group, name; the first of several."""
    from azure.cli.core.commands.client_factory import get_subscription_id

    from .model.names import Resource, check_group_name, check_resource_name, parse_resource_id
    from .model.text import clean_list
    ids = [value for words in getattr(namespace, "resources", None) or () for value in clean_list(words)]
    if ids:
        return parse_resource_id(ids[0])
    name, group = getattr(namespace, "resource_name", None), getattr(namespace, "resource_group_name", None)
    if not name or not group:
        return None
    return Resource(get_subscription_id(cmd.cli_ctx), check_group_name(group), check_resource_name(name))
