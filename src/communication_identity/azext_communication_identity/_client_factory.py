# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The SDK clients. SDKs are imported here, inside functions, so that help and wrong input don't pay for them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from azure.mgmt.communication import CommunicationServiceManagementClient

T = TypeVar("T")


def per_subscription(make: Callable[[str], T]) -> Callable[[str], T]:
    """What `make` makes for a subscription, made when it is first asked for, for all threads: a subscription that the
    CLI doesn't know fails its own resources only.
    """
    made: dict[str, T] = {}
    lock = Lock()

    def client_of(subscription: str) -> T:
        with lock:
            if subscription not in made:
                made[subscription] = make(subscription)
            return made[subscription]
    return client_of


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
    if subscription:
        _require_known(cli_ctx, subscription)
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


def _require_known(cli_ctx: Any, subscription: str) -> None:
    """Raise ResourceNotFoundError if the CLI is logged in, but doesn't know the subscription."""
    from azure.cli.core._profile import Profile
    from azure.cli.core.azclierror import ResourceNotFoundError
    known = {account["id"].lower() for account in Profile(cli_ctx=cli_ctx).load_cached_subscriptions()}
    if known and subscription.lower() not in known:
        raise ResourceNotFoundError(f"The CLI knows no subscription '{subscription}'.",
                                    "If this login may see it, but could not yet when you logged in, run:\n"
                                    "az account list --refresh\nTo list those it knows, run:\n"
                                    "az account list --all --output table")


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
