# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""When the service refuses a user-assigned identity: does it exist, and if not, which one may have been meant?"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from azure.cli.core.azclierror import AzCLIError, ResourceNotFoundError

from ._client_factory import user_assigned_identities
from .model.identity import find_id


def identity_not_found(cli_ctx: Any, named: Iterable[str]) -> AzCLIError | None:
    """An error for the first of the named identities (resource IDs) that doesn't exist, with those that have the same
    or a similar name in its subscription. None where all exist, or where this login may not list identities: then the
    service's own error stands.
    """
    from azure.core.exceptions import AzureError
    for identity in named:
        subscription = identity.split("/")[2]
        try:
            existing = [found.id for found in user_assigned_identities(cli_ctx, subscription).list_by_subscription()]
        except AzureError:
            return None
        if find_id(identity, tuple(existing)) is None:
            return ResourceNotFoundError(f"There is no user-assigned identity '{identity}'.",
                                         _suggestion(identity, existing, subscription))
    return None


def similar_ids(identity: str, existing: list[str]) -> list[str]:
    """At most five of the existing IDs whose identity has the same name, then a similar one."""
    names = {other: other.rsplit("/", 1)[-1].lower() for other in existing}
    close = get_close_matches(identity.rsplit("/", 1)[-1].lower(), sorted(set(names.values())), n=5)
    return [other for name in close for other in existing if names[other] == name][:5]


def _suggestion(identity: str, existing: list[str], subscription: str) -> str:
    similar = similar_ids(identity, existing)
    if similar:
        return "Did you mean one of these?\n" + "\n".join(similar)
    return (f"To list the identities of its subscription, run:\n"
            f"az identity list --subscription {subscription} --query [].id --output tsv\n"
            "To create it, run az identity create.")
