# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""User-assigned identities, as lives: whether they exist, and which ones have similar names.

The requests are those of azure-mgmt-msi, without the time that its import takes (api-version 2023-01-31 of
ManagedIdentity.json).
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from azure.cli.core.azclierror import AzCLIError, ResourceNotFoundError

from ..model.identity import find_id
from ..model.names import Resource, for_shell
from ..model.steps import Answer, Life, RefusedError, Request, absent, pages, read

_VERSION = "api-version=2023-01-31"
_TYPE = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities"


def identity_properties(identity: str) -> Life[dict[str, Any] | None]:
    """clientId, principalId and tenantId of a user-assigned identity; None if it doesn't exist, {} if this login can't
    see it. Raises RefusedError.
    """
    try:
        answer = yield from read(Request("GET", f"{identity}?{_VERSION}", shared=True))
    except RefusedError as refusal:
        if isinstance(refusal.reply, Answer) and refusal.reply.status in (403, 404):
            return None if absent(refusal.reply) else {}
        raise
    properties = answer.body.get("properties")
    return properties if isinstance(properties, dict) else {}


def names_in(scope: str) -> Life[list[str]]:
    """The IDs of the user-assigned identities in a subscription or group. Raises RefusedError."""
    found = yield from pages(Request("GET", f"{scope}{_TYPE}?{_VERSION}", shared=True), lambda one: one.get("id"))
    return [identity for identity in found if isinstance(identity, str)]


def missing(identities: Iterable[str]) -> Life[list[str]]:
    """The identities that don't exist, as far as this login can tell."""
    gone = []
    for identity in identities:
        try:
            if (yield from identity_properties(identity)) is None:
                gone.append(identity)
        except RefusedError:
            continue  # unknown; the service's own error is shown
    return gone


def not_found(identity: str) -> Life[AzCLIError]:
    """The error for an identity that doesn't exist, with those that have the same or a similar name."""
    _, _, subscription, _, group, *_, name = identity.split("/")
    try:
        existing = yield from names_in(f"/subscriptions/{subscription}")
    except RefusedError:
        existing = []
    similar = similar_ids(identity, existing)
    how = ("Did you mean one of these?\n" + "\n".join(similar)) if similar else (
        f"To list the identities in its subscription, run:\naz identity list --subscription {subscription} "
        f'--query "[].id" --output tsv\nTo create it, run:\naz identity create --name {name} '
        f"--resource-group {for_shell(group)} --subscription {subscription}")
    return ResourceNotFoundError(f"There is no user-assigned identity '{identity}'.", how)


def gone_but_assigned(resource: Resource, gone: list[str]) -> AzCLIError:
    """The error for a resource with identities that no longer exist: every write that keeps them fails."""
    return ResourceNotFoundError(
        f"'{resource.name}' has user-assigned identities that no longer exist: {', '.join(gone)}. You can't change its "
        "identities until you remove these.",
        f"To remove them, run:\naz communication identity remove --ids {for_shell(resource.id)} "
        f"--user-assigned {' '.join(map(for_shell, gone))}")


def similar_ids(identity: str, existing: list[str]) -> list[str]:
    """At most five existing IDs: first those with the same name, then those with a similar name."""
    names = {other: other.rsplit("/", 1)[-1].lower() for other in existing if find_id(other, (identity,)) is None}
    close = get_close_matches(identity.rsplit("/", 1)[-1].lower(), sorted(set(names.values())), n=5)
    return [other for name in close for other in names if names[other] == name][:5]
