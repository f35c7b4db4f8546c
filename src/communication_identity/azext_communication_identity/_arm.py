# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""What the extension reads of ARM beside single resources, through the communication SDK's client: same login, same
retries, same connection. To import a second SDK would take a single command longer than the request itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.core.rest import HttpRequest, HttpResponse
    from azure.mgmt.communication import CommunicationServiceManagementClient


def items(client: CommunicationServiceManagementClient, path: str, params: Mapping[str, str]
          ) -> Iterator[dict[str, Any]]:
    """What a list of ARM holds, one GET a page. Raises azure.core.exceptions.AzureError."""
    from azure.core.rest import HttpRequest
    page = _send(client, HttpRequest("GET", path, params=params)).json()
    yield from page["value"]
    while page.get("nextLink"):
        page = _send(client, HttpRequest("GET", page["nextLink"])).json()
        yield from page["value"]


def query(client: CommunicationServiceManagementClient, path: str, params: Mapping[str, str], body: Mapping[str, Any]
          ) -> tuple[Any, Mapping[str, str]]:
    """The JSON and the headers that a POST which changes nothing is answered with; it is sent again where a GET would
    be. Raises azure.core.exceptions.AzureError.
    """
    from azure.core.rest import HttpRequest
    response = _send(client, HttpRequest("POST", path, params=params, json=body), retry_on_methods=["POST"])
    return response.json(), response.headers


def _send(client: CommunicationServiceManagementClient, request: HttpRequest, **options: Any) -> HttpResponse:
    """The SDK's documented way: https://aka.ms/azsdk/dpcodegen/python/send_request"""
    response = client._send_request(request, **options)  # pylint: disable=protected-access  # as above
    response.raise_for_status()
    return response
