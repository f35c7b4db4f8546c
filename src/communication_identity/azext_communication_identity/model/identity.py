# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Managed identities of a resource as data: what it has, what is wanted, and the PATCH body between them.

Pure: identity block in, identity block or PATCH body out; no I/O, no SDK. An identity block is the `identity`
property of an ARM resource (common-types v5, ManagedServiceIdentity):

    {"type": "SystemAssigned, UserAssigned", "principalId": GUID, "tenantId": GUID,
     "userAssignedIdentities": {RESOURCE_ID: {"clientId": GUID, "principalId": GUID}}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Block = Mapping[str, Any]

SYSTEM = "systemassigned"
USER = "userassigned"
_SPELLING = {SYSTEM: "SystemAssigned", USER: "UserAssigned", "none": "None"}


class Identities(NamedTuple):
    """The identities of one resource; user-assigned ones as resource IDs, in the service's own casing."""

    system_assigned: bool = False
    user_assigned: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """The `type` of ARM's contract, spelled as the OpenAPI document spells it (no space)."""
        kinds = ["SystemAssigned"] * self.system_assigned + ["UserAssigned"] * bool(self.user_assigned)
        return ",".join(kinds) or "None"


class Change(NamedTuple):
    """The identities that a command names. `all_user_assigned` applies only to a removal."""

    system_assigned: bool = False
    user_assigned: tuple[str, ...] = ()
    all_user_assigned: bool = False


def same_id(one: str, other: str) -> bool:
    """Whether two ARM resource IDs name the same resource. ARM IDs are case-insensitive."""
    return one.lower() == other.lower()


def find_id(wanted: str, among: tuple[str, ...]) -> str | None:
    """The ID of `among` that is the same as `wanted`, in its own casing."""
    return next((identity for identity in among if same_id(identity, wanted)), None)


def identities_of(block: Block | None) -> Identities:
    """Read an identity block in any spelling: the service answers "SystemAssigned, UserAssigned" (recorded), accepts
    "SystemAssigned,UserAssigned", and omits the block if there are no identities. The identities in the map count, no
    matter what the type says: a write that left them out would drop them.
    """
    return Identities(SYSTEM in _kinds(block), tuple(_users(block)))


def unknown_of(block: Block | None) -> str | None:
    """A description of what our PATCH can't express and would drop; None if it can express the whole block."""
    users = (block or {}).get("userAssignedIdentities")
    strange = [kind for kind in _kinds(block) if kind not in _SPELLING]
    if not (block or {}).get("type") and (block or {}).get("principalId"):
        return "a principal ID without a type"
    if strange:
        return f"the type {(block or {}).get('type')!r}"
    if users is not None and not isinstance(users, Mapping):
        return "a map of user-assigned identities in an unknown form"
    if USER in _kinds(block) and not users:
        return f"the type {(block or {}).get('type')!r} without its user-assigned identities"
    return None


def after_assign(current: Identities, change: Change) -> Identities:
    """The current and the named identities, each once. Current ones keep their casing and order."""
    users = list(current.user_assigned)
    for identity in change.user_assigned:
        if find_id(identity, tuple(users)) is None:
            users.append(identity)
    return Identities(current.system_assigned or change.system_assigned, tuple(users))


def after_remove(current: Identities, change: Change) -> Identities:
    """The current identities that aren't named."""
    users = tuple(identity for identity in current.user_assigned
                  if not change.all_user_assigned and find_id(identity, change.user_assigned) is None)
    return Identities(current.system_assigned and not change.system_assigned, users)


def not_assigned(current: Identities, change: Change) -> tuple[str, ...]:
    """The user-assigned identities that are named but not assigned."""
    return tuple(identity for identity in change.user_assigned
                 if find_id(identity, current.user_assigned) is None)


def patch_body(current: Identities, wanted: Identities) -> dict[str, Any]:
    """The body of the PATCH that leads from `current` to `wanted`.

    It names the whole wanted state: every identity to keep or add as {}, and every one to remove as null. That is
    correct whether the service merges the map (as recorded for Storage, Compute and others) or replaces it. If no
    user-assigned identity is left, the map is absent: ARM refuses it unless `type` contains UserAssigned.
    """
    block: dict[str, Any] = {"type": wanted.type}
    if wanted.user_assigned:
        block["userAssignedIdentities"] = {
            **{identity: {} for identity in wanted.user_assigned},
            **{identity: None for identity in current.user_assigned
               if find_id(identity, wanted.user_assigned) is None},
        }
    return {"identity": block}


def holds(block: Block | None, wanted: Identities) -> bool:
    """Whether the block has all identities in `wanted`, with or without their IDs."""
    return difference(wanted, identities_of(block)) == Identities()


def unsettled(block: Block | None, wanted: Identities) -> list[str]:
    """The identities in `wanted` that have no IDs yet, as messages name them: the system-assigned identity without its
    principal ID, a user-assigned one without its client ID or principal ID. Directly after a write, the service may
    answer {} for them (recorded for PUT).
    """
    users = {identity.lower(): details for identity, details in _users(block).items()}
    missing = Identities(
        wanted.system_assigned and not (block or {}).get("principalId"),
        tuple(identity for identity in wanted.user_assigned
              if not all(users.get(identity.lower(), {}).get(key) for key in ("clientId", "principalId"))))
    return described(missing)


def holds_any(block: Block | None, unwanted: Identities) -> bool:
    """Whether the block still has any identity in `unwanted`."""
    has = identities_of(block)
    return (has.system_assigned and unwanted.system_assigned
            or any(find_id(identity, has.user_assigned) for identity in unwanted.user_assigned))


def difference(one: Identities, other: Identities) -> Identities:
    """The identities in `one` that aren't in `other`."""
    return Identities(one.system_assigned and not other.system_assigned,
                      tuple(identity for identity in one.user_assigned
                            if find_id(identity, other.user_assigned) is None))


def plain_block(block: Block | None) -> dict[str, Any]:
    """The block as commands print it: plain dicts, keys absent rather than null, `type` without the service's space,
    and {"type": "None"} if there is no identity.
    """
    kinds = sorted({_SPELLING.get(kind, kind) for kind in _kinds(block)} - {"None"})
    plain: dict[str, Any] = {"type": ",".join(kinds) or "None"}
    for key in ("principalId", "tenantId"):
        if SYSTEM in _kinds(block) and (block or {}).get(key):
            plain[key] = (block or {})[key]
    if _users(block):
        plain["userAssignedIdentities"] = {
            identity: {key: value for key, value in details.items() if value is not None}
            for identity, details in _users(block).items()}
    return plain


def block_of(identities: Identities, known: Block | None) -> dict[str, Any]:
    """The plain block for these identities, with the IDs that `known` has for them."""
    users = {identity.lower(): details for identity, details in _users(known).items()}
    block: dict[str, Any] = {"type": identities.type}
    if identities.system_assigned:
        block.update({key: (known or {}).get(key) for key in ("principalId", "tenantId")})
    block["userAssignedIdentities"] = {one: users.get(one.lower(), {}) for one in identities.user_assigned}
    return plain_block(block)


def principals_of(block: Block | None, among: Identities) -> list[str]:
    """The principal IDs of the identities `among`, if the block has them."""
    users = {identity.lower(): details for identity, details in _users(block).items()}
    found = [(block or {}).get("principalId")] if among.system_assigned else []
    found += [users.get(identity.lower(), {}).get("principalId") for identity in among.user_assigned]
    return list(dict.fromkeys(principal for principal in found if principal and isinstance(principal, str)))


def described(identities: Identities) -> list[str]:
    """The identities as messages name them."""
    return ["the system-assigned identity"] * identities.system_assigned + [
        f"'{identity}'" for identity in identities.user_assigned]


def _kinds(block: Block | None) -> list[str]:
    """The parts of `type`: known ones in lower case, others as they are."""
    kinds = str((block or {}).get("type") or "None").split(",")
    return [kind.strip() if kind.strip().lower() not in _SPELLING else kind.strip().lower() for kind in kinds]


def _users(block: Block | None) -> dict[str, dict[str, Any]]:
    """The map of user-assigned identities, with {} for every value that isn't an object."""
    users = (block or {}).get("userAssignedIdentities")
    return {str(identity): dict(details) if isinstance(details, Mapping) else {}
            for identity, details in users.items()} if isinstance(users, Mapping) else {}
