# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The lives of `show`, `list` and `wait`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from azure.cli.core.azclierror import AzureResponseError

from ..model.identity import identities_of, plain_block, principals_of
from ..model.names import Resource, for_shell
from ..model.steps import (
    BACKOFF,
    LONGEST_THROTTLE,
    TIMEOUT,
    Answer,
    Life,
    NextPoll,
    NoAnswer,
    RefusedError,
    Request,
    absent,
    pages,
    passes,
    read,
    seconds_asked_for,
)
from ..model.write import API_VERSION, Document, document_of, get

_LIST = "/providers/Microsoft.Communication/communicationServices"


def show(resource: Resource, roles: bool) -> Life[dict[str, Any]]:
    """The plain identity block; with `roles`, also the role assignments in the resource's own subscription, as ARM has
    them right now.
    """
    document = yield from get(resource)
    block = plain_block(document.block)
    if roles:
        from ..arm.role_assignments import assignments_of
        block["roleAssignments"] = []
        for principal in principals_of(document.block, identities_of(document.block)):
            block["roleAssignments"] += yield from assignments_of(resource.subscription, principal)
    return block


def list_resources(subscription: str, group: str | None) -> Life[list[dict[str, Any]]]:
    """Every resource of a group, or of a subscription, with its plain identity block."""
    scope = f"/subscriptions/{subscription}" + (f"/resourceGroups/{quote(group)}" if group else "")
    request = Request("GET", f"{scope}{_LIST}?api-version={API_VERSION}")
    return (yield from pages(request, lambda item: listed(item, request)))


def carries(item: Mapping[str, Any], identity_ids: Sequence[str], identity_names: Sequence[str]) -> bool:
    """Whether a listed resource has one of the user-assigned identities. A name means every identity with that name."""
    has = [identity.lower() for identity in item.get("userAssignedIdentities", {})]
    return (any(identity.lower() in has for identity in identity_ids)
            or any(identity.rsplit("/", 1)[-1] == name.lower() for identity in has for name in identity_names))


class Condition(NamedTuple):
    """What `wait` waits for. `created` and `updated` mean the same. `custom`: whether a resource's JSON meets a
    JMESPath query.
    """

    created: bool = False
    updated: bool = False
    deleted: bool = False
    exists: bool = False
    custom: Callable[[Mapping[str, Any]], Any] | None = None

    def met(self, document: Document | None) -> bool:
        """The same rules as in azure-cli's own wait. `document`: None if there is no resource."""
        if document is None:
            return self.deleted
        if self.custom is not None and self.custom(document.body):  # pylint: disable=not-callable  # if it isn't None
            return True
        return self.exists or (self.created or self.updated) and document.state == "succeeded"


def wait(resource: Resource, condition: Condition, interval: float, timeout: float) -> Life[None]:
    """Read the resource until it meets the condition. Raises RefusedError, or AzureResponseError after `timeout` s. No
    pause is longer than the time left, not even if the service asks for more.
    """
    started, now = None, 0.0
    failures = 0  # in a row, except for throttling
    absent_is_fine = condition.deleted or condition.created or condition.exists or condition.custom is not None
    while True:
        document, refused = None, None
        try:
            left = timeout if started is None else started + timeout - now
            document = yield from _get_once(resource, min(max(left, 0.0), LONGEST_THROTTLE))
            now = document.at
        except RefusedError as refusal:
            now = refusal.reply.at
            if not absent(refusal.reply) or not absent_is_fine:
                refused = refusal
        started = now if started is None else started
        if document and document.state == "failed" and (condition.created or condition.updated):
            raise AzureResponseError(
                f"The last operation on '{resource.name}' failed: its provisioningState is Failed.",
                f"To see the resource, run:\naz resource show --ids {for_shell(resource.id)}")
        if refused is None and condition.met(document):
            return
        pause = _pause_after(refused, failures) if refused else interval
        failures = failures + 1 if refused and passes(refused.reply) else 0
        if now - started >= timeout:
            raise refused or AzureResponseError(
                f"'{resource.name}' didn't meet the condition within {timeout:.0f} seconds.",
                "To wait longer, use --timeout. To see the resource, run:\n"
                f"az resource show --ids {for_shell(resource.id)}")
        yield NextPoll(now, 0, min(pause, started + timeout - now), f"the condition of '{resource.name}'",
                       own_operation=False)


def _get_once(resource: Resource, patience: float) -> Life[Document]:
    """Read the resource once. `patience`: how many seconds to wait if the service throttles. Raises RefusedError."""
    request = Request("GET", f"{resource.id}?api-version={API_VERSION}", patience=patience)
    document = document_of((yield from read(request, 0)), resource)
    if document is None:
        raise RefusedError(request, NoAnswer("The service returned something other than the requested resource.",
                                             final=True))
    return document


def _pause_after(refusal: RefusedError, failures: int) -> float:
    """The seconds until another read, after a refusal that followed this many failures. Raises the refusal if another
    read is of no use.
    """
    reply = refusal.reply
    asked = reply.retry_after or 0.0 if isinstance(reply, Answer) else 0.0
    if isinstance(reply, Answer) and reply.status == 429:
        asked = seconds_asked_for(reply)
        if asked <= LONGEST_THROTTLE:
            return max(asked, BACKOFF[0])
    elif passes(reply) and failures < len(BACKOFF):
        return max(BACKOFF[failures], min(asked, TIMEOUT))
    raise refusal


def listed(item: Mapping[str, Any], request: Request, **more: str) -> dict[str, Any]:
    """A resource of a list, with its plain identity block. Raises RefusedError for anything else."""
    parts = str(item.get("id")).split("/")
    if len(parts) != 9 or not isinstance(item.get("identity"), (dict, type(None))):
        raise RefusedError(request, NoAnswer("The service's list contains something other than resources."))
    return {"id": item["id"], "name": str(item.get("name") or parts[8]), "resourceGroup": parts[4], **more,
            **plain_block(item.get("identity"))}
