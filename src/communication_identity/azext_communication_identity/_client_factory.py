# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The SDK clients. SDKs are imported here, inside functions, so that help and wrong input don't pay for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from azure.mgmt.communication.operations import CommunicationServicesOperations


def communication_services(cli_ctx: Any, subscription: str | None = None) -> CommunicationServicesOperations:
    """Operations on communicationServices in a subscription (None: the command's own)."""
    from azure.cli.core.commands.client_factory import get_mgmt_service_client
    from azure.mgmt.communication import CommunicationServiceManagementClient

    from ._pipeline import ArmRetryPolicy, JsonObjectPolicy
    client = get_mgmt_service_client(cli_ctx, CommunicationServiceManagementClient, subscription_id=subscription,
                                     retry_policy=ArmRetryPolicy(), per_retry_policies=[JsonObjectPolicy()])
    return cast("CommunicationServicesOperations", client.communication_services)


def authorization(cli_ctx: Any, subscription: str | None = None) -> Any:
    """The client of role definitions and role assignments in a subscription (None: the command's own)."""
    from azure.cli.core.commands.client_factory import get_mgmt_service_client
    from azure.cli.core.profiles import ResourceType

    from ._pipeline import ArmRetryPolicy
    return get_mgmt_service_client(cli_ctx, ResourceType.MGMT_AUTHORIZATION, subscription_id=subscription,
                                   retry_policy=ArmRetryPolicy())


def user_assigned_identities(cli_ctx: Any, subscription: str | None = None) -> Any:
    """Operations on userAssignedIdentities in a subscription (None: the command's own)."""
    from azure.cli.core.commands.client_factory import get_mgmt_service_client
    from azure.cli.core.profiles import ResourceType
    client = get_mgmt_service_client(cli_ctx, ResourceType.MGMT_MSI, subscription_id=subscription)
    return client.user_assigned_identities
