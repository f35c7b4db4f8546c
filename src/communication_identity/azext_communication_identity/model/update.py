# SPDX-License-Identifier: MIT
"""Changes the identities of one resource, from the first read to the final check. Pure.

GET, compute, PATCH with If-Match, follow the operation, check what the resource shows. Starts over after a 412 or a
lost answer. Done is what the resource shows: a service may accept a change and not make it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from azure.cli.core.azclierror import AzureResponseError, ForbiddenError

from .answers import TRANSIENT, Answer, NoAnswer, Reply, error_code, error_of, error_text, object_at
from .identities import NONE, Identities, expected_block, identities_of, patch_body, unsupported_reason, without_ids
from .operation import FAILED_STATES, OPERATION_LIMIT, NotDoneError, operation_address, poll_operation
from .quoting import for_shell, printable
from .requests import BACKOFF, TIMEOUT, GetResource, PollDelay, RequestError, Sleep, UpdateIdentity, read
from .resource_id import ResourceId
from .unfinished import accepted

CONTENTION_LIMIT = 300.0  # seconds to go on trying while others write to the same resource
LOST_LIMIT = 4  # answers to one PATCH that may get lost
TIMEOUT_COUNTS = 3  # of these for one that doesn't come in time, after a minute: the PATCH is sent twice at most
# The code of a 409 tells whether it is temporary: Conflict (recorded: "conflict with a concurrent request"),
# AnotherOperationInProgress, OperationInProgress, ConcurrentUpdate…, and FailedIdentityOperation while a deletion is
# pending. Any other remains until someone acts.
_TEMPORARY_CODES = ("conflict", "inprogress", "concurrent", "retry", "failedidentityoperation")
IGNORED_LIMIT = 30.0  # seconds after the end of an operation until an unchanged resource means that nothing happens
VISIBLE_LIMIT = 60.0  # seconds after the end of an operation until the resource has to show all of it
IDS_LIMIT = 30.0  # seconds after the end of an operation to wait for the IDs of what was added
# Every other provisioningState means that an operation is running: Accepted (recorded), Creating, Updating, Moving, …
_TERMINAL = ("succeeded", *FAILED_STATES)


class Snapshot(NamedTuple):
    """A resource as the service sent it. `body`: its JSON, or the parts of it that are needed. `at`: when it came, in
    seconds. `retry_after`: seconds that the service asks to wait until the next read.
    """

    body: Mapping[str, Any]
    etag: str | None = None
    at: float = 0.0
    retry_after: float | None = None

    @property
    def block(self) -> Mapping[str, Any]:
        """The identity block; empty if the resource has none."""
        return object_at(self.body, "identity")

    @property
    def identities(self) -> Identities:
        """The identities in the block."""
        return identities_of(self.block)

    @property
    def state(self) -> str:
        """The provisioningState in lower case; "succeeded" if the service sends none."""
        return str(object_at(self.body, "properties").get("provisioningState") or "Succeeded").lower()

    @property
    def is_busy(self) -> bool:
        """Whether an operation on the resource is still running."""
        return self.state not in _TERMINAL


class Updated(NamedTuple):
    """The resource after an update, and what to warn of."""

    snapshot: Snapshot
    warnings: Sequence[str] = ()


Change = Callable[[Identities], Identities]


@dataclass(frozen=True)
class Goal:
    """What the resource has to show: `wanted` instead of `before`. `named`: what the command names, which needs IDs.
    `had_failed`: whether the resource showed a failure already before the PATCH.
    """

    resource: ResourceId
    before: Identities
    wanted: Identities
    named: Identities
    had_failed: bool

    def is_met_by(self, block: Mapping[str, Any]) -> bool:
        """Whether a block shows it."""
        has = identities_of(block)
        missing, left = self.named - has, (self.before - self.wanted) & has
        return not missing and not left


async def get(resource: ResourceId) -> Snapshot:
    """Read the resource. Raises RequestError."""
    snapshot = await get_in_full(resource)
    body, state = snapshot.body, object_at(snapshot.body, "properties").get("provisioningState")
    # A fleet keeps thousands of these: only what is needed.
    return snapshot._replace(body={"id": body["id"], "identity": body.get("identity"),
                                   "properties": {"provisioningState": state}})


async def get_in_full(resource: ResourceId, retries: int = len(BACKOFF), patience: float = GetResource.patience
                      ) -> Snapshot:
    """Read the resource with all of its JSON. `patience`: seconds to wait while ARM throttles. Raises RequestError."""
    request = GetResource(resource, patience)
    snapshot = snapshot_of(await read(request, retries), resource)
    if snapshot is None:
        raise request.unusable("The service returned something other than the requested resource.")
    return snapshot


def snapshot_of(reply: Reply, resource: ResourceId) -> Snapshot | None:
    """The resource in an answer; None if the answer contains something else."""
    body = reply.body
    if not isinstance(reply, Answer) or not reply.ok or not isinstance(body, dict):
        return None
    if (str(body.get("id")).rstrip("/").lower() != resource.id.lower()
            or not isinstance(body.get("identity"), (dict, type(None)))):
        return None
    return Snapshot(body, reply.headers.get("etag"), reply.at, reply.retry_after)


async def until_idle(resource: ResourceId, snapshot: Snapshot) -> Snapshot:
    """Read the resource until no operation runs on it. Raises AzureResponseError if that takes too long."""
    since, polls = snapshot.at, 0
    while snapshot.is_busy:
        if snapshot.at - since > OPERATION_LIMIT:
            raise AzureResponseError(
                f"An operation on '{resource.name}' is still running after {snapshot.at - since:.0f} seconds "
                f"(provisioningState: {printable(snapshot.state)}).", resource.to_wait)
        at_least = snapshot.retry_after and min(snapshot.retry_after, OPERATION_LIMIT)
        await PollDelay(since, polls, at_least, f"another operation on '{resource.name}' to finish",
                        own_operation=False)
        snapshot, polls = await get(resource), polls + 1
    return snapshot


def require_supported(resource: ResourceId, block: Mapping[str, Any]) -> None:
    """Raise ForbiddenError if a PATCH would drop something that the resource has."""
    reason = unsupported_reason(block)
    if reason:
        raise ForbiddenError(
            f"'{resource.name}' has {reason}, which this extension can't write back. Nothing was changed.",
            f"To see the whole resource, run:\naz resource show --ids {for_shell(resource.id)}")


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
        is_contended = ((reply.status == 412 and request.etag is not None)
                        or (reply.status == 409 and any(word in error_code(reply) for word in _TEMPORARY_CODES)))
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


async def update_identities(resource: ResourceId, snapshot: Snapshot, change: Change, *, named: Identities = NONE,
                            wait: bool = True, needs_ids: bool = False,
                            still_agreed: Callable[[Snapshot, Identities], bool] | None = None) -> Updated:
    """Bring the resource to what `change` makes of its identities: with no PATCH if nothing changes, with one if all
    goes well. `named`: what the command adds, present identities included. `needs_ids`: wait for their IDs even if
    there is nothing to write. `still_agreed`: whether this change may be made without asking again. Raises RequestError
    if the service refuses, AzureResponseError if someone else changed the resource, NotDoneError if the service accepts
    the change but doesn't make it; UnfinishedError for every failure after a PATCH that was or may have been accepted.
    """
    etag, attempts = snapshot.etag, Attempts(resource)
    had_failed = True  # until something is written, a failure that the resource shows isn't this update's
    with accepted(resource, attempts.accepted_sentence):
        while True:
            if snapshot.is_busy:
                had_failed = had_failed and not attempts.may_have_written
                snapshot = await until_idle(resource, snapshot)
                etag = snapshot.etag
            current = snapshot.identities
            wanted = change(current)
            if wanted != current:
                had_failed = snapshot.state != "succeeded"
            goal = Goal(resource, current, wanted, wanted & named, had_failed)
            if wanted == current:
                if not wait or not (attempts.may_have_written or needs_ids):
                    return Updated(snapshot)
                return await _until_visible(snapshot, goal, snapshot.at)
            if attempts.exhausted:
                raise attempts.exhausted
            if still_agreed and not still_agreed(snapshot, wanted):
                raise AzureResponseError(f"Meanwhile, someone else changed the identities of '{resource.name}'."
                                         + ("" if attempts.may_have_written else " Nothing was removed."),
                                         f"Run the command again. {resource.to_see}")
            require_supported(resource, snapshot.block)
            request = UpdateIdentity(resource, patch_body(current, wanted), etag)
            reply = await request
            if isinstance(reply, Answer) and reply.ok and (  # a malformed body alone doesn't say yes
                    reply.status == 202 or not reply.is_malformed or operation_address(reply, resource)):
                attempts.was_accepted = True
                if not wait:
                    return Updated(_without_waiting(snapshot, reply, goal))
                return await _follow(reply, goal)
            await attempts.record(request, reply)
            latest = await get(resource)
            # A 412 although nobody changed the resource: this service interprets If-Match differently.
            is_misunderstood = reply.status == 412 and etag is not None and latest.etag == etag
            snapshot, etag = latest, None if is_misunderstood else latest.etag


def _without_waiting(before: Snapshot, reply: Answer, goal: Goal) -> Snapshot:
    """What the resource will be, with the IDs that the answer to the PATCH, or the read before it, shows."""
    answered = snapshot_of(reply, goal.resource)
    if answered and goal.is_met_by(answered.block):
        return answered
    return Snapshot({**before.body, "identity": expected_block(goal.wanted, before.block)}, at=reply.at)


async def _follow(reply: Answer, goal: Goal) -> Updated:
    """The service accepted the change: wait until it's done, and check."""
    address, ended = operation_address(reply, goal.resource), reply.at
    if address:
        ended = await poll_operation(goal.resource, address, reply)
    elif reply.retry_after:
        await Sleep(min(reply.retry_after, OPERATION_LIMIT), "the operation to finish")
    answered = snapshot_of(reply, goal.resource)
    is_latest = answered and not address and not reply.retry_after and reply.status != 202
    latest = answered if answered and is_latest else await get(goal.resource)
    return await _until_visible(latest, goal, ended)


async def _until_visible(snapshot: Snapshot, goal: Goal, ended: float) -> Updated:
    """Read until the resource isn't busy and shows the goal, with all IDs. `ended`: when the operation did."""
    pause, had_failed, latest_end = 1.0, goal.had_failed, ended + OPERATION_LIMIT
    while True:
        if snapshot.is_busy:
            had_failed = False  # a failure after an operation is new
            snapshot = await until_idle(goal.resource, snapshot)
            ended = min(snapshot.at, latest_end)
        if snapshot.state in FAILED_STATES and not had_failed:
            raise _not_done(goal, snapshot, f"its provisioningState is now {snapshot.state}")
        is_met, missing = goal.is_met_by(snapshot.block), without_ids(snapshot.block, goal.named)
        if is_met and not missing:
            return Updated(snapshot, _surprises(goal, snapshot))
        waited = snapshot.at - ended
        if snapshot.identities == goal.before != goal.wanted and waited > IGNORED_LIMIT:
            raise _not_done(goal, snapshot, f"{waited:.0f} seconds later the change isn't visible, or "
                            "someone else has undone it")
        if waited > VISIBLE_LIMIT and not is_met:
            raise _not_done(goal, snapshot, f"{waited:.0f} seconds later the resource doesn't show it")
        if waited > IDS_LIMIT and is_met:
            return _without_all_ids(goal, snapshot, missing)
        await Sleep(max(pause, min(snapshot.retry_after or 0.0, VISIBLE_LIMIT)), "the service to show the change")
        pause = min(pause * 2, 5.0)
        snapshot = await get(goal.resource)


def _without_all_ids(goal: Goal, snapshot: Snapshot, missing: Identities) -> Updated:
    """The identities are there, but the service doesn't show their IDs. A user-assigned identity has IDs anyway. Raises
    NotDoneError for a system-assigned identity, which may have no principal at all.
    """
    said = (f"The change to '{goal.resource.name}' succeeded, but the service doesn't show the IDs of these identities "
            f"yet: {', '.join(missing.described())}.")
    if missing.system_assigned:
        raise NotDoneError(said, goal.resource.to_see)
    return Updated(snapshot, [said, *_surprises(goal, snapshot)])


def _surprises(goal: Goal, snapshot: Snapshot) -> list[str]:
    """What someone else changed, although the PATCH was sent with the ETag of the read."""
    now = snapshot.identities
    lost, new = goal.wanted - now, now - goal.wanted
    name = goal.resource.name
    return [f"While this command ran, someone else {verb} {', '.join(what.described())} {where} '{name}'."
            for verb, what, where in (("removed", lost, "from"), ("added", new, "to")) if what]


def _not_done(goal: Goal, snapshot: Snapshot, why: str) -> NotDoneError:
    wanted, found = (", ".join(one.described()) or "no identity" for one in (goal.wanted, snapshot.identities))
    return NotDoneError(
        f"The service accepted the change to '{goal.resource.name}', but {why}.\nWanted: {wanted}\nFound:  {found}",
        goal.resource.to_see)
