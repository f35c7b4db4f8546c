# SPDX-License-Identifier: MIT
"""The polling addresses of an operation (K6, K57), and their answers."""

from __future__ import annotations

import itertools
import uuid
from typing import Any
from urllib.parse import urlsplit

from . import errors
from .clock import Clock
from .http_types import Answer, json_answer
from .operations import Operation
from .patch_shapes import ASYNC

_TICKS = itertools.count()  # no two addresses are the same
# Certificate, signature and hash, made up; as long as those of K57.
_LONG = f"&c={'MIIHpTCCBo2gAwIB' * 161}&s={'keq3-UATIOz_' * 28}keq3IU&h={'kgKrcT3N' * 5}kgK"


def addresses(operation: Operation, base_url: str, subscription: str, api_version: str, now: float) -> dict[str, str]:
    """The headers with an operation's addresses. Clients must send them back byte for byte: even an escaped * is a
    violation.
    """
    headers = {}
    for header in operation.shape.headers:
        kind = "operationStatuses" if header == ASYNC or operation.shape.location == "status" else "operationResults"
        headers[header] = (f"{base_url}/subscriptions/{subscription}/providers/Microsoft.Communication/locations"
                           f"/WESTUS2/{kind}/{operation.name}?api-version={api_version}"
                           f"&t={int(now) * 10**7 + next(_TICKS):018}{_LONG}")
        operation.addresses.add(_target(headers[header]))
    return headers


def unchanged(operation: Operation, raw_path: str) -> bool:
    """Whether an address came back as it was given."""
    return raw_path in operation.addresses


def answer(operation: Operation, is_status: bool, subscription: str, clock: Clock) -> Answer | None:
    """The answer to a poll; None where it is the resource: a Location whose operation has ended."""
    shape, now = operation.shape, clock.now()
    if shape.address == "missing":
        raise errors.ArmError(404, "OperationNotFound", "The operation could not be found.")
    if shape.address == "html":
        return Answer(200, b"<html><body>Sign in</body></html>", {"Content-Type": "text/html"})
    headers = {"ETag": f'"00000000-0000-0100-0000-{int(operation.started):08x}0000"', **identifier()}
    running = now < operation.done
    if running and shape.poll_retry_after is not None:
        headers["Retry-After"] = str(shape.poll_retry_after)
    if is_status:
        body: dict[str, Any] = operation.body(subscription, now)
        if shape.address == "no-status":
            del body["status"]
        return json_answer(202 if running and shape.running == "Deleting" else 200, body, headers)  # 202: K8
    if running:
        return Answer(202, b"", headers)
    error = operation.failure(now)
    if error:  # as if it had been synchronous (K63)
        return json_answer(400, {"error": error}, headers)
    return Answer(204, b"", headers) if shape.location == "nothing" else None


def identifier() -> dict[str, str]:
    """A header of ProviderHub's operations (K57)."""
    return {"x-ms-operation-identifier": f"tenantId={uuid.uuid4()},objectId={uuid.uuid4()}/westindia/{uuid.uuid4()}"}


def _target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
