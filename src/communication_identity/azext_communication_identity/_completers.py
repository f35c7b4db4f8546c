# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Tab completion of names, as core's modules do it: what can't be looked up completes to nothing."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from azure.cli.core.decorators import Completer


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
    from ._client_factory import user_assigned_identities
    group = getattr(namespace, "resource_group_name", None)
    if not group:
        return []
    return [identity.name for identity in user_assigned_identities(cmd.cli_ctx).list_by_resource_group(group)]


@Completer
def complete_roles(cmd: Any, _prefix: str, _namespace: Namespace, **_: Any) -> list[str]:
    """Names of the roles in the subscription."""
    from azure.cli.core.commands.client_factory import get_subscription_id

    from ._authorization import role_names
    from ._client_factory import authorization
    return role_names(authorization(cmd.cli_ctx), f"/subscriptions/{get_subscription_id(cmd.cli_ctx)}")
