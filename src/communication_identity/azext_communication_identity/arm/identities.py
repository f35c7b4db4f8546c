# SPDX-License-Identifier: MIT
"""What Microsoft.ManagedIdentity shows of user-assigned identities, and the errors for those that can't be used."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Coroutine, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar

from azure.cli.core.azclierror import AzCLIError, ForbiddenError, ResourceNotFoundError

from ..model.answers import error_code, error_of, is_not_found, object_at, text_of
from ..model.identities import Block, Identities, find_id
from ..model.operation import OperationFailedError
from ..model.quoting import for_shell, printable
from ..model.requests import GetUserAssignedIdentity, ListUserAssignedIdentities, RequestError, pages, read
from ..model.resource_id import ResourceId, last_segment, name_or_id, parse_identity_id
from ..model.unfinished import UnfinishedError
from .errors import explained

T = TypeVar("T")

API_VERSION = ListUserAssignedIdentities.api_version
# From 2024-11-30 on, an identity shows isolationScope; from 2026-05-31 on, assignmentRestrictions. A cloud may not know
# these versions yet.
VERSIONS = ("2026-05-31", "2024-11-30", API_VERSION)
_IDENTITY_CODES = ("failedidentityoperation", "linkedauthorizationfailed")
_OTHER_CAUSES = ("authorizationfailed", "scopelocked", "requestdisallowedbypolicy", "missingsubscriptionregistration",
                 "resourcenotfound", "resourcegroupnotfound", "subscriptionnotfound")
_UNKNOWN_VERSION = ("noregisteredproviderfound", "invalidapiversionparameter", "invalidresourcetype")


class Found(NamedTuple):
    """What this login sees of an identity: `properties`, or why it can't be read. Without either, it doesn't exist."""

    properties: dict[str, Any]
    error: RequestError | None = None

    @property
    def is_gone(self) -> bool:
        """Whether it doesn't exist."""
        return not self.properties and self.error is None

    @property
    def ids(self) -> dict[str, Any]:
        """Its client ID and principal ID, as an identity block has them."""
        return {key: self.properties.get(key) for key in ("clientId", "principalId")}

    @property
    def restriction(self) -> str:
        """What it may be assigned to, if that leaves out resources of Communication Services; else empty."""
        limits = []
        providers = object_at(self.properties, "assignmentRestrictions").get("providers")
        allowed = [printable(str(one)) for one in providers] if isinstance(providers, list) else []
        ours = ("microsoft.communication", "microsoft.communication/communicationservices")
        if allowed and not any(one.lower() in ours for one in allowed):
            limits.append(f"of {', '.join(allowed)} (assignmentRestrictions)")
        if str(self.properties.get("isolationScope")).lower() == "regional":
            limits.append("in its own region (isolationScope Regional), and the location of Communication Services "
                          "resources is global")
        return f"can be assigned only to resources {' and '.join(limits)}" if limits else ""


async def find_identity(identity: str, versions: Sequence[str] = (API_VERSION,)) -> Found:
    """Read a user-assigned identity with the first of these API versions that the cloud knows."""
    parsed = parse_identity_id(identity)
    if parsed is None:  # the service's own key, which names something else
        return Found({"id": identity})
    for version in versions:
        request = GetUserAssignedIdentity(parsed, version)
        try:
            answer = await read(request)
        except RequestError as error:
            if error_code(error.reply) in _UNKNOWN_VERSION and version != versions[-1]:
                continue
            return Found({}, None if is_not_found(error.reply) else error)
        if str(answer.body.get("id")).rstrip("/").lower() != parsed.id.lower():
            return Found({}, request.unusable("The service returned something other than the requested identity."))
        return Found({"id": answer.body.get("id"), **object_at(answer.body, "properties")})
    raise AssertionError("no API version was given")


async def missing_identities(identities: Iterable[str]) -> list[str]:
    """The identities that don't exist, as far as this login can tell."""
    return [identity for identity in identities if (await find_identity(identity)).is_gone]


def held_principal(block: Block, identity: str) -> str | None:
    """The principal ID that a block holds for a user-assigned identity: empty if it is null, None if it isn't there."""
    users = block.get("userAssignedIdentities") or {}
    key = find_id(identity, users)
    details = users[key] if key else {}
    if details is None or (isinstance(details, dict) and details.get("principalId", "") is None):
        return ""
    principal = details.get("principalId") if isinstance(details, dict) else None
    return principal if isinstance(principal, str) else None


def was_recreated(block: Block, identity: str, found: Found) -> bool:
    """Whether the block holds another principal, or null. A block without the key is only not complete yet."""
    held, now = held_principal(block, identity), found.properties.get("principalId")
    return held is not None and isinstance(now, str) and held.lower() != now.lower()


def recreated(resource: ResourceId, identity: str) -> tuple[str, str]:
    """What an error or warning says of an identity that was created again, and how to fix it."""
    return (f"'{identity}' was deleted and created again. '{resource.name}' still holds the old identity, which no "
            "longer works.",
            "To assign the new one, run:\n" + "\n".join(replace_commands(resource, identity)))


def replace_commands(resource: ResourceId, identity: str) -> list[str]:
    """The commands that replace an identity by the one that has its ID now."""
    words = f"--ids {for_shell(resource.id)} --user-assigned {for_shell(identity)}"
    return [f"az communication identity remove {words} --yes", f"az communication identity assign {words}"]


async def identity_not_found(identity: str, resource: ResourceId, *, in_full: bool = False) -> AzCLIError:
    """The error for an identity that doesn't exist, with those that have the same or a similar name. Identities in the
    resource's own group and subscription are named, unless `in_full`, and others shown with their ID.
    """
    parsed = parse_identity_id(identity)
    if parsed is None:
        return ResourceNotFoundError(f"There is no user-assigned identity '{printable(identity)}'.")
    try:
        existing = await ids_in(parsed.subscription)
    except RequestError:
        existing = []
    here = not in_full and name_or_id(parsed.id, resource) == parsed.name
    similar = [printable(name_or_id(one, resource) if here else one) for one in similar_ids(identity, existing)]
    what = f"'{parsed.name}' in resource group '{parsed.group}'" if here else f"'{identity}'"
    if len(similar) == 1:
        how = f"Did you mean '{similar[0]}'?"
    elif similar:
        how = "Did you mean one of these?\n" + "\n".join(similar)
    else:
        how = ("To list the identities in its subscription, run:\n"
               f'az identity list --subscription {parsed.subscription} --query "[].id" --output tsv\n'
               f"To create it, run:\naz identity create --name {parsed.name} "
               f"--resource-group {for_shell(parsed.group)} --subscription {parsed.subscription}")
    return ResourceNotFoundError(f"There is no user-assigned identity {what}.", how)


async def ids_in(subscription: str, group: str | None = None) -> list[str]:
    """The IDs of the user-assigned identities in a subscription or group. Raises RequestError."""
    request = ListUserAssignedIdentities(subscription, group)
    found = await pages(request, lambda one: one.get("id"))
    return [identity for identity in found if isinstance(identity, str)]


def similar_ids(identity: str, existing: list[str]) -> list[str]:
    """At most five existing IDs: first those with the same name, then those with a similar name."""
    names = {other: last_segment(other).lower() for other in existing if other.lower() != identity.lower()}
    close = get_close_matches(last_segment(identity).lower(), sorted(set(names.values())), n=5)
    return [other for name in close for other in names if names[other] == name][:5]


async def gone_error(resource: ResourceId, has: Identities, gone: Sequence[str], *, in_full: bool = False
                     ) -> AzCLIError:
    """The error for user-assigned identities that a write names and that don't exist. Those that the resource already
    has come first, because no other write works until all of them are removed. `in_full`: never by name.
    """
    stale = list((has & Identities(user_assigned=tuple(gone))).user_assigned)
    if not stale:
        return await identity_not_found(gone[0], resource, in_full=in_full)
    stale += await missing_identities(one for one in has.user_assigned if one not in stale)
    return ResourceNotFoundError(
        f"'{resource.name}' has user-assigned identities that no longer exist: {', '.join(map(printable, stale))}. You "
        "can't change its identities until you remove these.",
        f"To remove them, run:\n{_remove_command(resource, has, stale)}")


async def explain_refusal(resource: ResourceId, has: Identities, named: Identities, update: Coroutine[Any, Any, T]
                          ) -> T:
    """Await an update. If the service refuses it, find out whether an identity is the reason. `has`: those before."""
    try:
        return await update
    except (RequestError, UnfinishedError) as error:
        cause = error.cause if isinstance(error, UnfinishedError) else error
        if not isinstance(cause, OperationFailedError) and not (
                isinstance(cause, RequestError) and cause.request.kind == "write"):
            raise
        try:
            reason = await _reason(resource, has, named, cause)
        except (AzCLIError, CancelledError):  # the login ends, or Ctrl-C: the first error says more
            raise error from None
        if reason is None:
            raise
        if isinstance(error, UnfinishedError):
            raise UnfinishedError(resource, reason, error.accepted or str(cause), error.remaining) from error
        raise reason from error


async def _reason(resource: ResourceId, has: Identities, named: Identities, error: RequestError | OperationFailedError
                  ) -> AzCLIError | None:
    """The error for identities that don't exist, are restricted, or can't be read; None if nothing is wrong with them.
    Services differ in the code: a 404 may name the identity, LinkedAuthorizationFailed may mean that it doesn't exist.
    """
    if isinstance(error, OperationFailedError):
        known, status, code, message = None, 400, error.code, str(error).lower()
    else:
        known, status, code = explained(error), error.reply.status, error_code(error.reply)
        message = text_of(error_of(error.reply).get("message")).lower()
    is_of_identities = code in _IDENTITY_CODES or (status in (400, 404) and "/userassignedidentities/" in message)
    if status not in (400, 403, 404) or (code in _OTHER_CAUSES and not is_of_identities):
        return None
    found = {one: await find_identity(one, VERSIONS)
             for one in ((has | named).user_assigned if is_of_identities else ())}
    gone = [identity for identity, one in found.items() if one.is_gone]
    if gone:
        return await gone_error(resource, has, gone)
    kind: Any = type(known) if known else ForbiddenError
    restricted = [f"'{identity}' {restriction}." for identity in named.user_assigned
                  if (restriction := (await find_identity(identity, VERSIONS)).restriction)]
    if restricted:
        return kind(" ".join([*([str(known)] if known else ()), *restricted]),
                    "Use an identity without this restriction, or the system-assigned identity.")
    unseen = [identity for identity, one in found.items() if one.error and identity.lower() in message]
    if not unseen or code != "linkedauthorizationfailed" or known is None:
        return None
    removal = [f"If it no longer exists, remove it from the resource:\n{_remove_command(resource, has, unseen)}"]
    return kind(f"{str(known).rstrip('.')}, or it no longer exists.", [
        *known.recommendations, *(removal if has & Identities(user_assigned=tuple(unseen)) else ())])


def _remove_command(resource: ResourceId, has: Identities, identities: Sequence[str]) -> str:
    """The command that works without a terminal too, also if it removes the last identity."""
    yes = "" if has - Identities(user_assigned=tuple(identities)) else " --yes"
    return (f"az communication identity remove --ids {for_shell(resource.id)} --user-assigned "
            f"{' '.join(map(for_shell, identities))}{yes}")
