# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The whole life of a write to one resource, as steps: read, compute, write, follow the operation, check. Pure.

azure-core's ARM polling does a part of this, but it blocks a thread for each operation and waits 30 seconds between two
polls unless the service names a time. The rules for headers, final states and answers of a Location are the same here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from azure.cli.core.azclierror import AzureResponseError, ForbiddenError

from .identity import (
    Block,
    Change,
    Identities,
    after_remove,
    block_of,
    described,
    difference,
    identities_of,
    patch_body,
    unknown_of,
    unsettled,
)
from .names import Resource, for_shell
from .steps import (
    BACKOFF,
    LONGEST_THROTTLE,
    PASSING,
    TIMEOUT,
    Answer,
    Life,
    NextPoll,
    NoAnswer,
    Pause,
    RefusedError,
    Reply,
    Request,
    error_code,
    error_of,
    error_words,
    read,
)

API_VERSION = "2023-04-01"  # the first stable one whose PATCH takes the identity block

CONTENTION_LIMIT = 300.0  # seconds to go on trying while others write to the same resource
OPERATION_LIMIT = 1800.0  # seconds to follow one operation
IGNORED_LIMIT = 30.0  # seconds after the end of an operation until an unchanged resource means that nothing happens
SETTLE_LIMIT = 60.0  # seconds after the end of an operation until the resource has to show all of it
FAILURE_LIMIT = 15  # failures in a row, about 30 seconds, until an operation's address is of no use
IDS_LIMIT = 30.0  # seconds after the end of an operation until the IDs of what was added are no longer waited for
LOST_LIMIT = 4  # answers to one PATCH that may get lost
STALL_COUNTS = 3  # a PATCH that isn't answered in time takes a minute: it is sent twice at most
# Every other provisioningState means that an operation is running: Accepted (recorded), Creating, Updating, Moving, …
_FAILED = ("failed", "canceled", "cancelled")
_TERMINAL = ("succeeded", *_FAILED)
# The code of a 409 tells whether it is temporary: Conflict (recorded: "conflict with a concurrent request"),
# AnotherOperationInProgress, OperationInProgress, ConcurrentUpdate…, and FailedIdentityOperation while a deletion is
# pending. Any other remains until someone acts.
_PASSING_CODES = ("conflict", "inprogress", "concurrent", "retry", "failedidentityoperation")
# Statuses that say nothing of an operation: its address can't be read, or not with this request.
_NOT_THE_OPERATIONS = (401, 403, 404, 405, 410, 501)


class Document(NamedTuple):
    """A resource as the service sent it. `etag`: None if it sent none. `at`: when, in seconds."""

    body: Mapping[str, Any]
    etag: str | None = None
    at: float = 0.0

    @property
    def block(self) -> Block:
        """The identity block; empty if the resource has none."""
        block = self.body.get("identity")
        return block if isinstance(block, Mapping) else {}

    @property
    def state(self) -> str:
        """The provisioningState in lower case; "succeeded" if the service sends none."""
        properties = self.body.get("properties")
        state = properties.get("provisioningState") if isinstance(properties, Mapping) else None
        return str(state or "Succeeded").lower()

    @property
    def busy(self) -> bool:
        """Whether an operation on the resource is still running."""
        return self.state not in _TERMINAL


class Plan(NamedTuple):
    """What a command wants to change in a resource. `added`: the identities that the command names and wants to add."""

    before: Identities
    wanted: Identities
    added: Identities

    @property
    def removed(self) -> Identities:
        """What the command removes."""
        return difference(self.before, self.wanted)

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return self.wanted != self.before

    def done(self, block: Block) -> bool:
        """Whether a block shows what the command asked for."""
        has = identities_of(block)
        return difference(self.added, has) == Identities() and difference(self.removed, has) == self.removed


class Written(NamedTuple):
    """The result of a write: the resource afterwards, and notes for the user."""

    document: Document
    notes: Sequence[str] = ()


class OperationFailedError(AzureResponseError):
    """The operation that a write started has failed. `code`: the code of its error, in lower case."""

    def __init__(self, message: str, recommendation: str, code: str) -> None:
        super().__init__(message, recommendation)
        self.code = code


class ChangedError(Exception):
    """Someone else changed the resource, and the plan is no longer the one that was agreed to. `document`: the resource
    as it is now.
    """

    def __init__(self, document: Document) -> None:
        super().__init__()
        self.document = document


Planner = Callable[[Identities, Change], Identities]


def plan(document: Document, planner: Planner, change: Change) -> Plan:
    """The plan that `planner` makes from the resource and the identities that a command names."""
    before = identities_of(document.block)
    wanted = planner(before, change)
    return Plan(before, wanted, difference(wanted, after_remove(wanted, change)))


def get(resource: Resource, retries: int = len(BACKOFF), patience: float = LONGEST_THROTTLE) -> Life[Document]:
    """Read the resource. `patience`: how many seconds to wait if ARM throttles. Raises RefusedError."""
    request = Request("GET", f"{resource.id}?api-version={API_VERSION}", patience=patience)
    document = document_of((yield from read(request, retries)), resource)
    if document is None:
        raise RefusedError(request, NoAnswer("The service returned something other than the requested resource.",
                                             final=True))
    return document


def document_of(reply: Reply, resource: Resource) -> Document | None:
    """The resource in an answer; None if the answer contains something else."""
    body = reply.body
    if not isinstance(reply, Answer) or not reply.ok or not isinstance(body, dict):
        return None
    if str(body.get("id")).rstrip("/").lower() != resource.id.lower():
        return None
    if not isinstance(body.get("identity"), (dict, type(None))):
        return None
    return Document(body, reply.headers.get("etag"), reply.at)


def idle(resource: Resource, document: Document) -> Life[Document]:
    """Read the resource until no operation runs on it. Raises AzureResponseError if that takes too long."""
    since, polls = document.at, 0
    while document.busy:
        if document.at - since > OPERATION_LIMIT:
            raise AzureResponseError(
                f"An operation on '{resource.name}' is still running after {document.at - since:.0f} seconds "
                f"(provisioningState: {document.state}).", resource.to_wait)
        yield NextPoll(since, polls, None, f"another operation on '{resource.name}' to finish", own_operation=False)
        document, polls = (yield from get(resource)), polls + 1
    return document


def require_expressible(resource: Resource, document: Document) -> None:
    """Raise ForbiddenError if a PATCH would drop something that the resource has."""
    unknown = unknown_of(document.block)
    if unknown:
        raise ForbiddenError(
            f"'{resource.name}' has {unknown}, which this extension can't write back. Nothing was changed.",
            f"To see the whole resource, run:\naz resource show --ids {for_shell(resource.id)}")


def write(resource: Resource, document: Document, planner: Planner, change: Change, *, no_wait: bool = False,
          needs_ids: bool = False, agreed: Callable[[Document, Plan], bool] | None = None) -> Life[Written]:
    """Bring the resource from `document` to what `planner` makes of it. Sends no PATCH when nothing changes, and one
    when all goes well. `needs_ids`: wait for the IDs of the named identities even if there is nothing to write.
    `agreed`: whether a plan, made again after someone else's change, may still be carried out. Raises ChangedError if
    not, RefusedError if the service refuses, and AzureResponseError if it accepts the change but doesn't make it.
    """
    document = document._replace(body={key: document.body.get(key) for key in ("id", "identity", "properties")})
    etag, failures = document.etag, _Failures(resource)
    had_failed = True  # until something is written, a failure that the resource shows isn't this write's
    while True:
        if document.busy:
            document = yield from idle(resource, document)
            etag = document.etag
        planned = plan(document, planner, change)
        if not planned.changes:
            if no_wait or not (failures.wrote or needs_ids):
                return Written(document)
            return (yield from _settle(resource, document, planned, document.at, had_failed))
        if failures.final:
            raise failures.final
        if agreed and not agreed(document, planned):
            raise ChangedError(document)
        require_expressible(resource, document)
        had_failed = document.state != "succeeded"
        request = Request("PATCH", f"{resource.id}?api-version={API_VERSION}",
                          patch_body(planned.before, planned.wanted), etag)
        reply: Reply = yield request
        # A garbled body doesn't tell what the service did. The status 202 and the address of an operation do.
        if isinstance(reply, Answer) and reply.ok and (
                reply.status == 202 or not reply.garbled or _operation_address(reply, resource)):
            return (yield from _accepted(resource, document, reply, planned, no_wait))
        yield failures.add(request, reply)
        latest = yield from get(resource)
        # A 412 although nobody changed the resource: this service interprets If-Match differently.
        misunderstood = reply.status == 412 and etag is not None and latest.etag == etag
        document, etag = latest, None if misunderstood else latest.etag


class _Failures:  # pylint: disable=too-few-public-methods  # it counts
    """The PATCHes of one write that were not accepted. `wrote`: whether one of them may have taken effect. `final`: the
    error to end with unless the next read shows the change.
    """

    def __init__(self, resource: Resource) -> None:
        self.wrote = False
        self.final: Exception | None = None
        self._resource, self._count, self._lost, self._since = resource, 0, 0, 0.0

    def add(self, request: Request, reply: Reply) -> Pause:
        """Count one. Returns the pause before the next read. Raises RefusedError if it makes no sense to try again."""
        if not _try_again(request, reply):
            raise RefusedError(request, reply)
        is_lost = _is_lost(reply)
        self._lost += STALL_COUNTS if isinstance(reply, NoAnswer) and reply.stalled else is_lost
        self.wrote, self._since = self.wrote or is_lost, self._since or reply.at
        seconds = reply.at - self._since
        if self._lost > LOST_LIMIT or seconds > CONTENTION_LIMIT:
            self.final = RefusedError(request, reply) if is_lost else AzureResponseError(
                f"Other changes to '{self._resource.name}' prevented this one for {seconds:.0f} seconds. The service "
                f"said: {error_words(error_of(reply)) or 'nothing'}", "Run the command again when they are finished.")
        pause = max(min(0.5 * 2 ** self._count, 10.0), min(reply.retry_after or 0.0, TIMEOUT))
        self._count += 1
        return Pause(pause, "another change to the resource to finish")


def _is_lost(reply: Reply) -> bool:
    """Whether the PATCH may have taken effect although its answer doesn't say so."""
    return isinstance(reply, NoAnswer) or reply.ok or reply.status in PASSING


def _try_again(request: Request, reply: Reply) -> bool:
    """Whether it makes sense to read and retry: the outcome is unknown, or someone else was faster."""
    return (_is_lost(reply) or reply.status == 412 and request.etag is not None
            or reply.status == 409 and any(word in error_code(reply) for word in _PASSING_CODES))


def _accepted(resource: Resource, document: Document, reply: Answer, planned: Plan, no_wait: bool) -> Life[Written]:
    """The service accepted the change: wait until it's done, and check."""
    answered = document_of(reply, resource)
    if no_wait:
        if answered and planned.done(answered.block):
            return Written(answered)
        return Written(Document({**document.body, "identity": block_of(planned.wanted, document.block)}, at=reply.at))
    address, ended = _operation_address(reply, resource), reply.at
    if address:
        ended = yield from _follow(resource, address, reply)
    latest = answered if answered and not address and reply.status != 202 else (yield from get(resource))
    return (yield from _settle(resource, latest, planned, ended, document.state != "succeeded"))


def _follow(resource: Resource, address: str, reply: Answer) -> Life[float]:
    """Poll the operation's address until the operation is over, or until the address turns out to be useless: then only
    the resource itself can tell. Returns the time of the end. Raises AzureResponseError if the operation failed.
    """
    since, polls, failures = reply.at, 0, 0
    has_status = bool(reply.headers.get("azure-asyncoperation"))
    latest: Reply = reply
    while latest.at - since <= OPERATION_LIMIT:
        asked = latest.retry_after
        if asked and latest.at + asked - since > OPERATION_LIMIT:
            raise _still_running(
                resource, f"asks to wait another {asked:.0f} seconds before the next poll of the operation. "
                f"This command polls for at most {OPERATION_LIMIT:.0f} seconds")
        yield NextPoll(since, polls, asked)
        polls += 1
        latest = yield Request("GET", address)
        if not isinstance(latest, Answer) or latest.status in PASSING:
            failures += 1
            if failures > FAILURE_LIMIT or (isinstance(latest, NoAnswer) and (latest.stalled or latest.final)):
                return latest.at
            continue
        failures = 0
        state, error = _operation_state(latest, has_status)
        if state in _FAILED:
            raise OperationFailedError(
                f"The service accepted the change to '{resource.name}', but the operation ended with status "
                f"'{state}': {error}", resource.to_see, error_code(latest))
        if state in ("succeeded", "completed", "useless"):
            return latest.at
    raise _still_running(resource, f"the operation is still running after {latest.at - since:.0f} seconds")


def _operation_state(poll: Answer, has_status: bool) -> tuple[str, str]:
    """What an answer from the operation's address means: a state in lower case, or "useless"; and the error's text. An
    Azure-AsyncOperation answers with a `status`, a Location with 202 until the operation is over.
    """
    body = poll.body if isinstance(poll.body, dict) else {}
    said = error_words(error_of(poll)) or "the service gives no reason"
    status = body.get("status")
    if poll.ok and isinstance(status, str) and status:
        return status.lower(), said
    if poll.status == 429 or poll.status == 202 and not has_status:
        return "running", ""
    if has_status or poll.status in _NOT_THE_OPERATIONS or "apiversion" in error_code(poll):
        return "useless", ""
    return ("succeeded" if poll.ok else "failed" if error_code(poll) else "useless"), said


def _operation_address(reply: Answer, resource: Resource) -> str | None:
    """The address of the operation that a PATCH started. A Location that is the resource itself (recorded for
    ManagedIdentity) is none.
    """
    address = reply.headers.get("azure-asyncoperation") or reply.headers.get("location")
    path = unquote(re.sub(r"\Ahttps?://[^/]*|[?#].*", "", address or "")).rstrip("/")
    return None if path.lower() == resource.id.lower() else address or None


def _settle(resource: Resource, document: Document, planned: Plan, ended: float, had_failed: bool) -> Life[Written]:
    """Read until the resource isn't busy and shows what the command asked for, with all IDs. `had_failed`: whether it
    already showed a failure before the write.
    """
    pause = 1.0
    while True:
        document = yield from idle(resource, document)
        if document.state in _FAILED and not had_failed:
            raise _not_done(resource, planned, document, f"its provisioningState is now {document.state}")
        missing = unsettled(document.block, planned.added)
        if planned.done(document.block) and not missing:
            return Written(document, _surprises(resource, planned, document))
        waited = document.at - ended
        if identities_of(document.block) == planned.before and planned.changes and waited > IGNORED_LIMIT:
            raise _not_done(resource, planned, document, f"{waited:.0f} seconds later the change isn't visible, "
                            "or someone else has undone it")
        if waited > SETTLE_LIMIT and not planned.done(document.block):
            raise _not_done(resource, planned, document, f"{waited:.0f} seconds later the resource doesn't show it")
        if waited > IDS_LIMIT and planned.done(document.block):
            return _without_ids(resource, planned, document, missing)
        yield Pause(pause, "the service to show the change")
        pause = min(pause * 2, 5.0)
        document = yield from get(resource)


def _without_ids(resource: Resource, planned: Plan, document: Document, missing: list[str]) -> Written:
    """The identities are there, but the service doesn't show their IDs. A user-assigned identity has IDs anyway. Raises
    AzureResponseError for a system-assigned identity, which may have no principal at all.
    """
    said = (f"The change to '{resource.name}' succeeded, but the service doesn't show the IDs of these identities yet: "
            f"{', '.join(missing)}.")
    if planned.added.system_assigned and unsettled(document.block, Identities(True)):
        raise AzureResponseError(said, resource.to_see)
    return Written(document, [said, *_surprises(resource, planned, document)])


def _surprises(resource: Resource, planned: Plan, document: Document) -> list[str]:
    """What someone else changed, although the write was sent with the ETag of the read."""
    now = identities_of(document.block)
    lost, new = difference(planned.wanted, now), difference(now, planned.wanted)
    return [f"While this command ran, someone else {verb} {', '.join(described(what))} {where} '{resource.name}'."
            for verb, what, where in (("removed", lost, "from"), ("added", new, "to")) if what != Identities()]


def _not_done(resource: Resource, planned: Plan, document: Document, why: str) -> AzureResponseError:
    wanted, found = (", ".join(described(one)) or "no identity"
                     for one in (planned.wanted, identities_of(document.block)))
    return AzureResponseError(
        f"The service accepted the change to '{resource.name}', but {why}.\nWanted: {wanted}\nFound:  {found}",
        resource.to_see)


def _still_running(resource: Resource, what: str) -> AzureResponseError:
    return AzureResponseError(f"The service accepted the change to '{resource.name}', but {what}.", resource.to_wait)
