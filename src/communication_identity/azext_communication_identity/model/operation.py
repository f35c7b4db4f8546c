# SPDX-License-Identifier: MIT
"""When an operation that a write started is over: which address to poll, and what its answers mean. Pure.

The rules for headers, final states and answers of a Location are those of azure-core's ARM polling, which blocks a
thread for each operation and waits 30 seconds between two polls unless the service names a time. It also trusts a
single answer; here, no single odd answer ends an operation.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from azure.cli.core.azclierror import AzureResponseError

from .answers import TRANSIENT, Answer, NoAnswer, Reply, error_code, error_of, error_text
from .quoting import printable
from .requests import Get, OperationEnded, PollDelay
from .resource_id import ResourceId
from .unfinished import AcceptedError

OPERATION_LIMIT = 1800.0  # seconds to follow one operation
FAILED_STATES = ("failed", "canceled", "cancelled")
_SUCCEEDED_STATES = ("succeeded", "completed")
# An address is of no use after 15 transient failures in a row (about 30 seconds) or 5 odd answers in a row (each counts
# as 3), but not in the first 10 seconds of them.
_USELESS_AFTER, _ODD_COUNTS, _USELESS_SECONDS = 15, 3, 10.0
_NOT_THE_OPERATIONS = (401, 403, 404, 405, 410, 501)  # its address can't be read, or not with this request


class OperationFailedError(AzureResponseError, AcceptedError):  # type: ignore[misc]  # azure-cli has no types
    """The operation that a write started has failed. `code`: the code of its error, in lower case."""

    def __init__(self, message: str, recommendation: str, code: str) -> None:
        super().__init__(message, recommendation)
        self.code = code


class NotDoneError(AzureResponseError, AcceptedError):  # type: ignore[misc]  # azure-cli has no types
    """The service accepted a change and didn't make it, or not in time."""


class PollResult(NamedTuple):
    """`state`: the service's own word in lower case; else "running", "transient" (a failure that may pass) or "odd" (it
    says nothing of the operation). `error`: the text of its error.
    """

    state: str
    error: str = ""


def operation_address(reply: Answer, resource: ResourceId) -> str | None:
    """The address of the operation that a PATCH started. A Location that is the resource itself (recorded) is none."""
    address = reply.headers.get("azure-asyncoperation") or reply.headers.get("location")
    path = unquote(re.sub(r"\Ahttps?://[^/]*|[?#].*", "", address or "")).rstrip("/")
    return None if path.lower() == resource.id.lower() else address or None


async def poll_operation(resource: ResourceId, address: str, reply: Answer) -> float:
    """Poll the operation until it's over, or until its address turns out to be of no use: then only the resource itself
    can tell. Returns the time of the end. Raises OperationFailedError, and NotDoneError if it takes too long.
    """
    since, polls = reply.at, 0
    failures, failing_since = 0, 0.0
    has_status = bool(reply.headers.get("azure-asyncoperation"))
    latest: Reply = reply
    while latest.at - since <= OPERATION_LIMIT:
        asked = latest.retry_after
        if asked and latest.at + asked - since > OPERATION_LIMIT:
            raise _still_running(
                resource, f"asks to wait another {asked:.0f} seconds before the next poll of the operation. "
                f"This command polls for at most {OPERATION_LIMIT:.0f} seconds")
        await PollDelay(since, polls, asked)
        polls += 1
        latest = await Get(address)
        result = poll_result(latest, has_status=has_status)
        if result.state in (*FAILED_STATES, *_SUCCEEDED_STATES):
            await OperationEnded(latest.at - since)
        if result.state in FAILED_STATES:
            raise _failed(resource, result.state, result.error, latest)
        if result.state in _SUCCEEDED_STATES or (isinstance(latest, NoAnswer) and latest.permanent):
            return latest.at
        if result.state in ("odd", "transient"):
            failing_since = latest.at if not failures else failing_since
            failures += _ODD_COUNTS if result.state == "odd" else 1
            if failures >= _USELESS_AFTER and latest.at - failing_since >= _USELESS_SECONDS:
                if has_status or not _is_an_error_of_the_operation(latest):
                    return latest.at
                raise _failed(resource, "failed", result.error, latest)
            continue
        failures = 0
        if latest.status == 202 and not has_status:  # it has moved
            address = latest.headers.get("location") or address
    raise _still_running(resource, f"the operation is still running after {latest.at - since:.0f} seconds")


def poll_result(poll: Reply, *, has_status: bool) -> PollResult:
    """What one answer means. An Azure-AsyncOperation (`has_status`) has a `status`; a Location, 202 until the end."""
    if not isinstance(poll, Answer):
        return PollResult("odd" if poll.timed_out else "transient")
    if poll.status in TRANSIENT:
        return PollResult("transient")
    body = poll.body if isinstance(poll.body, dict) else {}
    error = error_text(error_of(poll)) or "the service gives no reason"
    status = body.get("status")
    if poll.ok and isinstance(status, str) and status:
        return PollResult(status.lower(), error)
    if poll.status == 429 or (poll.status == 202 and not has_status):
        return PollResult("running")
    is_over = not has_status and poll.ok and (body or poll.status == 204)
    return PollResult("succeeded" if is_over else "odd", error)


def _is_an_error_of_the_operation(poll: Reply) -> bool:
    """Whether a Location answers with the operation's own error, and not with one of the request for it."""
    code = error_code(poll)
    return (poll.status >= 400 and poll.status not in (*_NOT_THE_OPERATIONS, *TRANSIENT)
            and bool(code) and "apiversion" not in code)


def _failed(resource: ResourceId, state: str, error: str, poll: Reply) -> OperationFailedError:
    return OperationFailedError(
        f"The service accepted the change to '{resource.name}', but the operation ended with status "
        f"'{printable(state)}': {error}", resource.to_see, error_code(poll))


def _still_running(resource: ResourceId, what: str) -> NotDoneError:
    """The error for an operation that takes too long."""
    return NotDoneError(f"The service accepted the change to '{resource.name}', but {what}.", resource.to_wait)
