# SPDX-License-Identifier: MIT
"""The PATCHes of one update: which answer accepts it, which may be tried again, and when to stop trying. Pure."""

from __future__ import annotations

from azure.cli.core.azclierror import AzureResponseError

from .answers import TRANSIENT, Answer, NoAnswer, Reply, error_code, error_of, error_text
from .operation import operation_address
from .requests import TIMEOUT, RequestError, Sleep, UpdateIdentity
from .resource_id import ResourceId

CONTENTION_LIMIT = 300.0  # seconds to go on trying while others write to the same resource
LOST_LIMIT = 4  # answers to one PATCH that may get lost
TIMEOUT_COUNTS = 3  # a PATCH that isn't answered in time takes a minute: it is sent twice at most
# The code of a 409 tells whether it is temporary: Conflict (recorded: "conflict with a concurrent request"),
# AnotherOperationInProgress, OperationInProgress, ConcurrentUpdate…, and FailedIdentityOperation while a deletion is
# pending. Any other remains until someone acts.
_TEMPORARY_CODES = ("conflict", "inprogress", "concurrent", "retry", "failedidentityoperation")


class Attempts:
    """The PATCHes of one update. `may_have_written`: whether one may have taken effect, although its answer doesn't say
    so. `exhausted`: the error to end with unless the next read shows the change.
    """

    def __init__(self, resource: ResourceId) -> None:
        self.may_have_written = self.was_accepted = False
        self.exhausted: Exception | None = None
        self._resource, self._count, self._lost, self._since = resource, 0, 0, 0.0

    def accepted_sentence(self) -> str:
        """What to say after a failure; empty if nothing can have been changed."""
        if self.was_accepted:
            return f"The service accepted the change to '{self._resource.name}' and may have made it."
        return f"The service may have made the change to '{self._resource.name}'." if self.may_have_written else ""

    def record(self, request: UpdateIdentity, reply: Reply) -> Sleep:
        """Count a PATCH that wasn't accepted; returns the pause before another. Raises RequestError if it's no use."""
        is_lost = isinstance(reply, NoAnswer) or reply.ok or reply.status in TRANSIENT  # it may have taken effect
        is_contended = (reply.status == 412 and request.etag is not None
                        or reply.status == 409 and any(word in error_code(reply) for word in _TEMPORARY_CODES))
        if not is_lost and not is_contended:
            raise RequestError(request, reply)
        self.may_have_written |= is_lost
        self._lost += TIMEOUT_COUNTS if isinstance(reply, NoAnswer) and reply.timed_out else is_lost
        self._since = self._since or reply.at
        seconds = reply.at - self._since
        if self._lost > LOST_LIMIT or seconds > CONTENTION_LIMIT:
            self.exhausted = RequestError(request, reply) if is_lost else AzureResponseError(
                f"Other changes to '{self._resource.name}' prevented this one for {seconds:.0f} seconds. The service "
                f"said: {error_text(error_of(reply)) or 'nothing'}", "Run the command again when they are finished.")
        pause = max(min(0.5 * 2 ** self._count, 10.0), min(reply.retry_after or 0.0, TIMEOUT))
        self._count += 1
        return Sleep(pause, "another change to the resource to finish")


def is_accepted(reply: Reply, resource: ResourceId) -> bool:
    """Whether the service accepted a PATCH: a malformed body doesn't say so; a 202 or an operation's address does."""
    return isinstance(reply, Answer) and reply.ok and (
        reply.status == 202 or not reply.is_malformed or operation_address(reply, resource) is not None)
