# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Read and write communicationServices resources through the SDK, as the plain JSON that the service sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from .model.names import Resource

if TYPE_CHECKING:
    from azure.mgmt.communication import CommunicationServiceManagementClient

# Every other provisioningState means that an operation is running: Accepted (recorded), Creating, Updating, Moving, …
_TERMINAL = ("succeeded", "failed", "canceled")


@dataclass(frozen=True)
class Document:
    """A resource as the service sent it: the JSON body and the ETag of the answer (None where it sent none)."""

    body: dict[str, Any]
    etag: str | None

    @property
    def block(self) -> dict[str, Any] | None:
        """The identity block; None where the resource has no identity."""
        return self.body.get("identity")

    @property
    def busy(self) -> bool:
        """Whether an operation on the resource is still running."""
        state = (self.body.get("properties") or {}).get("provisioningState") or "Succeeded"
        return state.lower() not in _TERMINAL


def read(client: CommunicationServiceManagementClient, resource: Resource) -> Document:
    """GET the resource. Raises azure.core.exceptions.AzureError."""
    return cast(Document, client.communication_services.get(resource.group, resource.name, cls=_document))


def write(client: CommunicationServiceManagementClient, resource: Resource, body: dict[str, Any],
          etag: str | None) -> Document:
    """PATCH the resource, with If-Match if an ETag is given. Raises azure.core.exceptions.AzureError."""
    headers = {"If-Match": etag} if etag else {}
    content: Any = json.dumps(body).encode()  # bytes, which the SDK takes though it says IO: a stream is sent only once
    return cast(Document, client.communication_services.update(resource.group, resource.name, content, headers=headers,
                                                               cls=_document))


def list_documents(client: CommunicationServiceManagementClient, subscription: str, group: str | None = None
                   ) -> Iterator[dict[str, Any]]:
    """Every resource of the group, or of the subscription, one GET a page. Raises azure.core.exceptions.AzureError.

    Not through the SDK's own lists, which make each resource a model object that would only be turned back into JSON.
    """
    from ._arm import items
    scope = f"/subscriptions/{subscription}" + (f"/resourceGroups/{quote(group)}" if group else "")
    return items(client, f"{scope}/providers/Microsoft.Communication/communicationServices",
                 {"api-version": "2023-04-01"})


def _document(pipeline_response: Any, _model: Any, _headers: Any) -> Document:
    """The SDK's `cls` callback: what came over the wire, instead of a model object, which prints as {} on older
    versions of the CLI and has lost the ETag.
    """
    from azure.core.pipeline.policies import ContentDecodePolicy
    return Document(pipeline_response.context[ContentDecodePolicy.CONTEXT_NAME],
                    pipeline_response.http_response.headers.get("ETag"))
