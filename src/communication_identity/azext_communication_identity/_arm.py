# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Lists of ARM that the communication SDK has no operation for, read through its client: same login, same retries, same
connection. To import a second SDK would take a single command longer than the request itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.mgmt.communication import CommunicationServiceManagementClient


def items(client: CommunicationServiceManagementClient, path: str, params: Mapping[str, str]
          ) -> Iterator[dict[str, Any]]:
    """What a list of ARM holds, one GET a page. Raises azure.core.exceptions.AzureError."""
    page = _get(client, path, params)
    yield from page["value"]
    while page.get("nextLink"):
        page = _get(client, page["nextLink"])
        yield from page["value"]


def _get(client: CommunicationServiceManagementClient, url: str, params: Mapping[str, str] | None = None) -> Any:
    """The JSON at a path, or at a whole URL that ARM gave."""
    from azure.core.rest import HttpRequest
    # The SDK's documented way: https://aka.ms/azsdk/dpcodegen/python/send_request
    response = client._send_request(HttpRequest("GET", url, params=params))  # pylint: disable=protected-access  # as above
    response.raise_for_status()
    return response.json()
