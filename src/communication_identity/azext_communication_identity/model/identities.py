# SPDX-License-Identifier: MIT
"""The managed identities of a resource as data: which it has, which are wanted, and the PATCH body between them. Pure.

An identity block is the `identity` property of an ARM resource (common-types v5, ManagedServiceIdentity):

    {"type": "SystemAssigned, UserAssigned", "principalId": GUID, "tenantId": GUID,
     "userAssignedIdentities": {RESOURCE_ID: {"clientId": GUID, "principalId": GUID}}}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from .quoting import printable
from .resource_id import GUID

Block = Mapping[str, Any]
NO_BLOCK: Block = MappingProxyType({})

_SYSTEM = "systemassigned"
_USER = "userassigned"
_SPELLING = {_SYSTEM: "SystemAssigned", _USER: "UserAssigned", "none": "None"}


class Identities(NamedTuple):
    """The identities of one resource; user-assigned ones as resource IDs, in the service's own casing. Operators are
    those of sets. They compare IDs without case, as ARM does, and keep the casing of the left side.
    """

    system_assigned: bool = False
    user_assigned: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """The `type` of ARM's contract, spelled as the OpenAPI document spells it (no space)."""
        kinds = ["SystemAssigned"] * self.system_assigned + ["UserAssigned"] * bool(self.user_assigned)
        return ",".join(kinds) or "None"

    def __bool__(self) -> bool:
        return self.system_assigned or bool(self.user_assigned)

    def __or__(self, other: Identities) -> Identities:
        added: dict[str, str] = {}  # each once
        for one in (other - self).user_assigned:
            added.setdefault(one.lower(), one)
        return Identities(self.system_assigned or other.system_assigned, self.user_assigned + tuple(added.values()))

    def __sub__(self, other: Identities) -> Identities:
        others = {identity.lower() for identity in other.user_assigned}
        return Identities(self.system_assigned and not other.system_assigned,
                          tuple(one for one in self.user_assigned if one.lower() not in others))

    def __and__(self, other: Identities) -> Identities:
        return self - (self - other)

    def described(self) -> list[str]:
        """The identities as messages name them."""
        return ["the system-assigned identity"] * self.system_assigned + [
            f"'{printable(identity)}'" for identity in self.user_assigned]


NONE = Identities()
SYSTEM_ASSIGNED = Identities(system_assigned=True)


def find_id(wanted: str, among: Iterable[str]) -> str | None:
    """The ID of `among` that names the same resource as `wanted`, in its own casing. ARM IDs are case-insensitive."""
    return next((identity for identity in among if identity.lower() == wanted.lower()), None)


def identities_of(block: Block) -> Identities:
    """Read an identity block in any spelling: the service answers "SystemAssigned, UserAssigned" (recorded), accepts
    "SystemAssigned,UserAssigned", and omits the block if there are no identities. The identities in the map count, no
    matter what the type says: a write that left them out would drop them.
    """
    return Identities(_SYSTEM in _kinds(block), tuple(_users(block)))


def unsupported_reason(block: Block) -> str | None:
    """A description of what our PATCH can't express and would drop; None if it can express the whole block."""
    users = block.get("userAssignedIdentities")
    if not block.get("type") and block.get("principalId"):
        return "a principal ID without a type"
    if any(kind not in _SPELLING for kind in _kinds(block)):
        return f"the type '{printable(str(block.get('type')))}'"
    if users is not None and not isinstance(users, Mapping):
        return "a map of user-assigned identities in an unknown form"
    if _USER in _kinds(block) and not users:
        return f"the type '{printable(str(block.get('type')))}' without its user-assigned identities"
    return None


def patch_body(current: Identities, wanted: Identities) -> dict[str, Any]:
    """The body of the PATCH to the whole wanted state: every identity to keep or add as {}, each one to remove null.
    That is correct whether the service merges the map (as recorded for Storage, Compute and others) or replaces it. If
    no user-assigned identity is left, the map is absent: ARM refuses it unless `type` contains UserAssigned.
    """
    block: dict[str, Any] = {"type": wanted.type}
    if wanted.user_assigned:
        block["userAssignedIdentities"] = {
            **{identity: {} for identity in wanted.user_assigned},
            **dict.fromkeys((current - wanted).user_assigned),
        }
    return {"identity": block}


def without_ids(block: Block, wanted: Identities) -> Identities:
    """The wanted identities that lack an ID. After a write, the service may answer {} for them (recorded for PUT)."""
    users = _by_lower_case(_users(block))
    return Identities(
        wanted.system_assigned and not block.get("principalId"),
        tuple(identity for identity in wanted.user_assigned
              if not all(users.get(identity.lower(), {}).get(key) for key in ("clientId", "principalId"))))


def plain_block(block: Block) -> dict[str, Any]:
    """The block as commands print it: keys absent rather than null, and {"type": "None"} without an identity."""
    kinds = sorted({_SPELLING.get(kind, kind) for kind in _kinds(block)} - {"None"})
    plain: dict[str, Any] = {"type": ",".join(kinds) or "None"}
    for key in ("principalId", "tenantId"):
        if _SYSTEM in _kinds(block) and block.get(key):
            plain[key] = block[key]
    if _users(block):
        plain["userAssignedIdentities"] = {
            identity: {key: value for key, value in details.items() if value is not None}
            for identity, details in _users(block).items()}
    return plain


def expected_block(identities: Identities, known: Block, new: Mapping[str, dict[str, Any]] = NO_BLOCK
                   ) -> dict[str, Any]:
    """The plain block for these identities, with the IDs that `known` has, or `new` for further user-assigned ones."""
    users = _by_lower_case({**new, **_users(known)})
    block: dict[str, Any] = {"type": identities.type}
    if identities.system_assigned:
        block.update({key: known.get(key) for key in ("principalId", "tenantId")})
    block["userAssignedIdentities"] = {one: users.get(one.lower(), {}) for one in identities.user_assigned}
    return plain_block(block)


def principals_of(block: Block, among: Identities | None = None) -> list[str]:
    """The principal IDs that the block has of `among`, or of all. What is no GUID is never used in a request."""
    among = identities_of(block) if among is None else among
    users = _by_lower_case(_users(block))
    found = [block.get("principalId")] if among.system_assigned else []
    found += [users.get(identity.lower(), {}).get("principalId") for identity in among.user_assigned]
    return list(dict.fromkeys(one for one in found if isinstance(one, str) and re.fullmatch(GUID, one)))


def principal_of(block: Block, identity: str | None) -> str | None:
    """The principal ID of one identity, the system-assigned one for None; None if the block doesn't show it."""
    one = SYSTEM_ASSIGNED if identity is None else Identities(user_assigned=(identity,))
    return next(iter(principals_of(block, one)), None)


def _kinds(block: Block) -> list[str]:
    """The parts of `type`: known ones in lower case, others as they are."""
    kinds = str(block.get("type") or "None").split(",")
    return [kind.strip() if kind.strip().lower() not in _SPELLING else kind.strip().lower() for kind in kinds]


def _users(block: Block) -> dict[str, dict[str, Any]]:
    """The map of user-assigned identities, with {} for every value that isn't an object."""
    users = block.get("userAssignedIdentities")
    return {str(identity): dict(details) if isinstance(details, Mapping) else {}
            for identity, details in users.items()} if isinstance(users, Mapping) else {}


def _by_lower_case(users: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {identity.lower(): details for identity, details in users.items()}
