# SPDX-License-Identifier: MIT
"""Azure AI accounts, storage accounts and blob containers as ARM shows them to this login."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..model.answers import is_not_found, object_at
from ..model.purposes import account_of
from ..model.requests import RequestError, SharedGet, pages, read

_VERSION = "api-version=2023-05-01"  # of both providers; newer ones show nothing else that matters here


class Target(NamedTuple):
    """`account`: its JSON. `missing`: a sentence if the target doesn't exist. `error`: why it can't be read."""

    account: dict[str, Any]
    missing: str = ""
    error: RequestError | None = None


async def read_target(target: str) -> Target:
    """Read the account, and the container if the target is one."""
    account, path = {}, account_of(target)
    try:
        account = await _get(path)
        if path != target:
            path = target
            if object_at(await _get(path), "properties").get("deleted") is True:
                return Target(account, f"'{'/'.join(path.split('/')[-2:])}' was deleted, and can be recovered.")
    except RequestError as error:
        if not is_not_found(error.reply):
            return Target(account, error=error)
        return Target(account, f"There is no '{'/'.join(path.split('/')[-2:])}' in resource group "
                      f"'{path.split('/')[4]}'{await _deleted(path)}.")
    return Target(account)


async def _get(path: str) -> dict[str, Any]:
    """The JSON of a resource. Raises RequestError, also if the answer is something else."""
    request = SharedGet(f"{path}?{_VERSION}")
    found: dict[str, Any] = (await read(request)).body
    if str(found.get("id")).lower() != path.lower():
        raise request.unusable("The service's response is not the resource.")
    return found


async def _deleted(path: str) -> str:
    """Whether an Azure AI account was deleted and can be recovered, as the end of a sentence."""
    _, _, subscription, _, group, _, provider, _, name, *_ = path.split("/")
    if provider.lower() != "microsoft.cognitiveservices":
        return ""
    deleted = SharedGet(f"/subscriptions/{subscription}/providers/{provider}/deletedAccounts?{_VERSION}")
    try:
        ids = await pages(deleted, lambda one: str(one.get("id")).lower())
    except RequestError:  # the login may not list them
        return ""
    end = f"/resourcegroups/{group}/deletedaccounts/{name}".lower()
    return ": it was deleted, and can be recovered" if any(one.endswith(end) for one in ids) else ""
