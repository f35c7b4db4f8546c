# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Change the identities of one resource: read, compute, write, check; again when someone else came first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from azure.cli.core.azclierror import AzureResponseError
from knack.log import get_logger

from ._patience import Patience
from ._resource import Document, read, write
from .model.identity import (
    Change,
    Identities,
    after_remove,
    difference,
    holds,
    holds_any,
    identities_of,
    patch_body,
    words,
)
from .model.names import Resource

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError
    from azure.mgmt.communication import CommunicationServiceManagementClient

logger = get_logger(__name__)

Plan = Callable[[Identities, Change], Identities]

PRECONDITION_FAILED = 412
# Answers to a PATCH after which it is worth to read and try again: someone else was first, or the outcome is unknown.
# No 429: the pipeline has waited for its end already.
_TRY_AGAIN = (408, 409, PRECONDITION_FAILED, 500, 502, 503, 504)
# Recorded 409s that stay until a person does something.
_FINAL_CODES = ("MissingSubscriptionRegistration", "ScopeLocked")


def change_identities(client: CommunicationServiceManagementClient, resource: Resource, first: Document, plan: Plan,
                      change: Change, *, no_wait: bool = False) -> Document:
    """Bring the resource from what it has to what `plan` makes of it and `change`; return it as it then is.

    `first` is the resource as it was read before. No write when nothing changes, 1 PATCH when all goes well. Unless
    `no_wait`, the answer is checked. Raises azure.core.exceptions.AzureError where the service refuses, and
    AzureResponseError where it says yes but doesn't do it in time.
    """
    document, etag, patience = first, first.etag, Patience()
    while True:
        before = identities_of(document.block)
        wanted = plan(before, change)
        if wanted == before:
            answer: Document | AzureError = document
        elif document.busy and not patience.over:
            _wait(patience, resource, "An operation on it is still running")
            document = read(client, resource)
            etag = document.etag
            continue
        else:
            answer = _write(client, resource, patch_body(before, wanted), etag)
        if isinstance(answer, Document):
            return answer if no_wait else _settled(client, resource, answer, before, wanted, change=change)
        if patience.over:
            raise answer
        _wait(patience, resource, f"The service did not take the change ({_reason(answer)})")
        latest = read(client, resource)
        # A 412 although nobody changed the resource: this service doesn't speak If-Match as we do.
        misunderstood = _status(answer) == PRECONDITION_FAILED and latest.etag == document.etag
        document, etag = latest, None if misunderstood else latest.etag


def _write(client: CommunicationServiceManagementClient, resource: Resource, body: dict[str, object],
           etag: str | None) -> Document | AzureError:
    """The resource after the PATCH, or the error after which another try makes sense. Raises the other errors."""
    from azure.core.exceptions import AzureError, HttpResponseError
    try:
        return write(client, resource, body, etag)
    except HttpResponseError as error:
        from ._service_error import service_error
        broke_off = error.status_code is None  # a body that ended too soon
        if not broke_off and (error.status_code not in _TRY_AGAIN or service_error(error).code in _FINAL_CODES):
            raise
        return error
    except AzureError as error:  # the connection broke before or after the write took effect, or garbage came back
        return error


def _settled(client: CommunicationServiceManagementClient, resource: Resource, answer: Document, before: Identities,
             wanted: Identities, *, change: Change) -> Document:
    """Read until the resource holds, settled, what the change names of `wanted`, and nothing that it takes away."""
    asked = difference(wanted, after_remove(wanted, change))
    removed = difference(before, wanted)
    patience = Patience()
    while not holds(answer.block, asked) or holds_any(answer.block, removed):
        if patience.over:
            raise AzureResponseError(
                f"The service accepted the change of '{resource.name}', but after {patience.limit:.0f} seconds the "
                f"resource does not show it.\nWanted: {_words(wanted)}\nFound:  {_words(identities_of(answer.block))}",
                f"It may still be working. To see what the resource has now, run:\n"
                f"az communication identity show --ids {resource.id}")
        patience.pause()
        answer = read(client, resource)
    lost = difference(difference(wanted, asked), identities_of(answer.block))
    if lost != Identities():
        logger.warning("While this command ran, someone else removed from '%s': %s", resource.name, _words(lost))
    return answer


def _wait(patience: Patience, resource: Resource, why: str) -> None:
    logger.info("%s: %s; trying again for up to %.0f seconds.", resource.id, why, patience.limit)
    patience.pause()


def _status(error: AzureError) -> int | None:
    return getattr(error, "status_code", None)


def _reason(error: AzureError) -> str:
    return f"status {_status(error)}" if _status(error) else type(error).__name__


def _words(identities: Identities) -> str:
    return ", ".join(words(identities)) or "no identity"
