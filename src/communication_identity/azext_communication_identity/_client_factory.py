# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The SDK clients. SDKs are imported here, inside functions, so that help and wrong input don't pay for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from azure.mgmt.communication import CommunicationServiceManagementClient


def communication(cli_ctx: Any, subscription: str | None = None, *, connections: int = 1
                  ) -> CommunicationServiceManagementClient:
    """The client of communicationServices in a subscription (None: the command's own), for as many threads as there
    are to be `connections`.
    """
    # The login imports it anyway, but from so deep down the call stack that CPython 3.11 then takes longer for
    # urllib3.util.url alone, which compiles patterns, than for the rest of urllib3 (python -X importtime -m azure.cli).
    import requests  # noqa: F401  # pylint: disable=unused-import  # as above
    from azure.cli.core.commands.client_factory import get_mgmt_service_client
    from azure.mgmt.communication import CommunicationServiceManagementClient

    from ._pipeline import ArmRetryPolicy, JsonObjectPolicy
    client = get_mgmt_service_client(cli_ctx, CommunicationServiceManagementClient, subscription_id=subscription,
                                     retry_policy=ArmRetryPolicy(), per_retry_policies=[JsonObjectPolicy()],
                                     **_transport(connections))
    return cast("CommunicationServiceManagementClient", client)


def authorization(cli_ctx: Any, subscription: str | None = None, *, connections: int = 1) -> Any:
    """The client of role definitions and role assignments in a subscription (None: the command's own), for as many
    threads as there are to be `connections`.
    """
    from azure.cli.core.commands.client_factory import get_mgmt_service_client
    from azure.cli.core.profiles import ResourceType

    from ._pipeline import ArmRetryPolicy
    return get_mgmt_service_client(cli_ctx, ResourceType.MGMT_AUTHORIZATION, subscription_id=subscription,
                                   retry_policy=ArmRetryPolicy(), **_transport(connections))


def user_assigned_identities(cli_ctx: Any, subscription: str | None = None) -> Any:
    """Operations on userAssignedIdentities in a subscription (None: the command's own)."""
    from azure.cli.core.commands.client_factory import get_mgmt_service_client
    from azure.cli.core.profiles import ResourceType
    client = get_mgmt_service_client(cli_ctx, ResourceType.MGMT_MSI, subscription_id=subscription)
    return client.user_assigned_identities


def _transport(connections: int) -> dict[str, Any]:
    """A transport that keeps so many connections; none where azure-core's own is enough, which keeps 10 and makes each
    further one anew for every request.
    """
    if connections <= 10:
        return {}
    from azure.cli.core.util import should_disable_connection_verify
    from azure.core.pipeline.transport import RequestsTransport
    from requests import Session
    from requests.adapters import HTTPAdapter
    session = Session()
    session.mount("https://", HTTPAdapter(pool_maxsize=connections))  # retries are the pipeline's, none is urllib3's
    return {"transport": RequestsTransport(session=session,
                                           connection_verify=not should_disable_connection_verify())}
