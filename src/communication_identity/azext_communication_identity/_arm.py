# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Requests that the communication SDK has no operation for, sent through its client: same login, same retries, same
connection. A second SDK would cost a single command more time than the request itself (benchmarks/).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse
    from azure.mgmt.communication import CommunicationServiceManagementClient


def send(client: CommunicationServiceManagementClient, method: str, url: str, *,
         params: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None) -> HttpResponse:
    """The answer to a request. `url`: a path, or a whole URL that ARM gave. Raises azure.core.exceptions.AzureError."""
    from azure.core.rest import HttpRequest
    request = HttpRequest(method, url, params=params, json=body)
    # The SDK's documented way: https://aka.ms/azsdk/dpcodegen/python/send_request
    response = client._send_request(request)  # pylint: disable=protected-access  # as above
    response.raise_for_status()
    return response


def items(client: CommunicationServiceManagementClient, path: str, params: Mapping[str, str]
          ) -> Iterator[dict[str, Any]]:
    """What a list of ARM holds, one GET a page. Raises azure.core.exceptions.AzureError."""
    page = send(client, "GET", path, params=params).json()
    yield from page["value"]
    while page.get("nextLink"):
        page = send(client, "GET", page["nextLink"]).json()
        yield from page["value"]
