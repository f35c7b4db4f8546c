# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The resources of all subscriptions, through Azure Resource Graph: a query for each thousand resources instead of a
list for each subscription (REST Microsoft.ResourceGraph/resources 2021-03-01; throttling: articles/governance/
resource-graph/concepts/guidance-for-throttled-requests.md of azure-docs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from azure.cli.core.azclierror import AzCLIError
from azure.core.exceptions import AzureError
from knack.log import get_logger

from ._arm import query
from ._client_factory import communication
from ._errors import explained
from ._patience import sleep
from ._pipeline import quota_resets_after

if TYPE_CHECKING:
    from azure.mgmt.communication import CommunicationServiceManagementClient

logger = get_logger(__name__)

_PATH = "/providers/Microsoft.ResourceGraph/resources"
_PARAMS = {"api-version": "2021-03-01"}
# Resource Graph only pages what has an `id`, and a page goes on where the one before ended only in a fixed order.
QUERY = ("resources | where type =~ 'microsoft.communication/communicationservices' "
         "| project id, name, resourceGroup, subscriptionId, identity | order by id asc")
_PAGE = 1000  # rows, the most that the service gives


def all_documents(cli_ctx: Any) -> list[dict[str, Any]]:
    """Each resource that the login can read, in any subscription: id, name, subscriptionId and identity. A tenant that
    doesn't answer is named in a warning. Raises AzureError or AzCLIError where none does.
    """
    found: dict[str, dict[str, Any]] = {}
    failures: dict[str, AzureError | AzCLIError] = {}
    logins = _logins(cli_ctx)
    for tenant, subscription in logins:
        try:
            found.update({document["id"].lower(): document
                          for document in _documents(communication(cli_ctx, subscription))})
        except (AzureError, AzCLIError) as error:
            failures[tenant] = error
    if len(failures) == len(logins):
        raise next(iter(failures.values()))
    for tenant, failure in failures.items():
        logger.warning("Without the subscriptions of tenant %s, which did not answer: %s\nTo log in there, run: "
                       "az login --tenant %s", tenant, explained(failure), tenant)
    return list(found.values())


def _logins(cli_ctx: Any) -> list[tuple[str, str]]:
    """A tenant and one of its subscriptions, for each tenant and user that the CLI is logged in with: what a query
    sees is bound to both. The subscription only picks the credentials.
    """
    from azure.cli.core._profile import Profile
    known = Profile(cli_ctx=cli_ctx).load_cached_subscriptions()
    one_of_each: dict[tuple[str, str], str] = {}
    for account in known:
        one_of_each.setdefault((account["tenantId"], account["user"]["name"]), account["id"])
    return [(tenant, subscription) for (tenant, _), subscription in one_of_each.items()]


def _documents(client: CommunicationServiceManagementClient) -> Iterator[dict[str, Any]]:
    """What the login of one client can read in its tenant, one POST a page. Raises AzureError."""
    options: dict[str, Any] = {"$top": _PAGE, "allowPartialScopes": True}
    while True:
        page, headers = query(client, _PATH, _PARAMS, {"query": QUERY, "options": options})
        yield from page["data"]
        if not page.get("$skipToken"):
            _warn_of_a_cut(page, headers)
            return
        options["$skipToken"] = page["$skipToken"]
        if headers.get("x-ms-user-quota-remaining") == "0":
            sleep(quota_resets_after(headers))


def _warn_of_a_cut(page: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """Warn where the last page is not the end of what there is."""
    if headers.get("x-ms-tenant-subscription-limit-hit", "").lower() == "true":
        logger.warning("Resource Graph looks at 10,000 subscriptions at most, and this login can read more: the list "
                       "is not complete. For one of the others run: az communication identity list --subscription ID")
    elif page.get("resultTruncated") == "true":
        logger.warning("Resource Graph cut its answer: the list is not complete.")
