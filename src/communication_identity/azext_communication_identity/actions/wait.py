# SPDX-License-Identifier: MIT
"""`wait`: reads a resource until it meets a condition, with azure-cli's own rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from azure.cli.core.azclierror import AzureResponseError

from ..model.answers import Answer, is_not_found, is_transient, seconds_asked_for
from ..model.quoting import for_shell
from ..model.requests import BACKOFF, LONGEST_THROTTLE, TIMEOUT, PollDelay, RequestError
from ..model.resource_id import ResourceId
from ..model.update import Snapshot, get_in_full


class Condition(NamedTuple):
    """What `wait` waits for. `custom`: whether a resource's JSON meets a JMESPath query."""

    created: bool = False
    updated: bool = False
    deleted: bool = False
    exists: bool = False
    custom: Callable[[Mapping[str, Any]], Any] | None = None

    def is_met_by(self, snapshot: Snapshot | None) -> bool:
        """The same rules as in azure-cli's own wait. `snapshot`: None if there is no resource."""
        if snapshot is None:
            return self.deleted
        if self.custom is not None and self.custom(snapshot.body):  # pylint: disable=not-callable  # if it isn't None
            return True
        return self.exists or ((self.created or self.updated) and snapshot.state == "succeeded")


async def wait(resource: ResourceId, condition: Condition, interval: float, timeout: float) -> None:
    """Read the resource until it meets the condition. Raises RequestError, or AzureResponseError after `timeout`."""
    started, now = None, 0.0
    failures = 0  # in a row, except for throttling
    may_be_absent = condition.deleted or condition.created or condition.exists or condition.custom is not None
    while True:
        snapshot, refused = None, None
        try:
            left = timeout if started is None else started + timeout - now
            snapshot = await get_in_full(resource, 0, min(max(left, 0.0), LONGEST_THROTTLE))
            now = snapshot.at
        except RequestError as error:
            now = error.reply.at
            if not is_not_found(error.reply) or not may_be_absent:
                refused = error
        started = now if started is None else started
        if snapshot and snapshot.state == "failed" and (condition.created or condition.updated):
            raise AzureResponseError(
                f"The last operation on '{resource.name}' failed: its provisioningState is Failed.",
                f"To see the resource, run:\naz resource show --ids {for_shell(resource.id)}")
        if refused is None and condition.is_met_by(snapshot):
            return
        pause = _pause_after(refused, failures) if refused else interval
        failures = failures + 1 if refused and is_transient(refused.reply) else 0
        if now - started >= timeout:
            raise refused or _too_late(resource, timeout, exists=snapshot is not None)
        await PollDelay(now, 0, min(pause, started + timeout - now), f"the condition of '{resource.name}'",
                        own_operation=False)


def _too_late(resource: ResourceId, timeout: float, *, exists: bool) -> AzureResponseError:
    how = (f"To see the resource, run:\naz resource show --ids {for_shell(resource.id)}" if exists else
           "To list the resources in its subscription, run:\n"
           f"az communication identity list --subscription {resource.subscription} --output table")
    return AzureResponseError(f"'{resource.name}' {'' if exists else 'does not exist, and '}didn't meet the condition "
                              f"within {timeout:.0f} seconds.", f"To wait longer, use --timeout. {how}")


def _pause_after(error: RequestError, failures: int) -> float:
    """The seconds until the next read, after `failures` earlier ones. Raises `error` if another read is of no use."""
    reply = error.reply
    asked = reply.retry_after or 0.0
    if isinstance(reply, Answer) and reply.status == 429:
        asked = seconds_asked_for(reply)
        if asked <= LONGEST_THROTTLE:
            return max(asked, BACKOFF[0])
    elif is_transient(reply) and failures < len(BACKOFF):
        return max(BACKOFF[failures], min(asked, TIMEOUT))
    raise error
