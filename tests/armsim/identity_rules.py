# SPDX-License-Identifier: MIT
"""What PUT and PATCH do to the identities of a resource (docs/service-behavior.md). No HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from . import errors

_ARM_ID = re.compile(r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/[^/]+/[^/]+/[^/]+", re.IGNORECASE)
Principal = dict[str, str]  # {"clientId", "principalId"}


@dataclass
class StoredIdentity:
    """What a resource has. `stated`: whether a block was ever sent; without, answers carry none (K9)."""

    system: str | None = None  # principal ID
    users: dict[str, Principal] = field(default_factory=dict)  # keys in the casing they were sent in (K13, A8)
    stated: bool = False
    hidden: dict[str, Any] = field(default_factory=dict)  # what is shown instead of the IDs, by principal ID (A40)

    def copy(self) -> StoredIdentity:
        """A copy that can be changed."""
        return StoredIdentity(self.system, dict(self.users), self.stated, self.hidden)

    def block(self, tenant: str, pending: Collection[str] = ()) -> dict[str, Any] | None:
        """The block of an answer, keys in the recorded order; `pending`: whose values in the map are {} still (K10)."""
        if not self.stated:
            return None
        kinds = ["SystemAssigned"] * bool(self.system) + ["UserAssigned"] * bool(self.users)
        block: dict[str, Any] = {"principalId": self.system, "tenantId": tenant} if self.system else {}
        if self.system in self.hidden:
            del block["principalId"]
        block["type"] = ", ".join(kinds) or "None"  # with a space (K11); A5
        if self.users:
            block["userAssignedIdentities"] = {
                key: {} if key in pending else self.hidden.get(principal["principalId"], dict(principal))
                for key, principal in self.users.items()}
        return block


@dataclass
class Rules:
    """Applies requests. `find`: the principal of a user-assigned identity's resource ID, or None; `new_principal`:
    makes a system-assigned principal; `merge`: whether the map of a PATCH is merged (K17, A2) or replaces;
    `takes_null`: whether a PATCH may have null in it (A3).
    """

    resource_id: str
    find: Callable[[str], Principal | None]
    new_principal: Callable[[], str]
    merge: bool = True
    takes_null: bool = True

    def put(self, before: StoredIdentity, block: dict[str, Any] | None) -> StoredIdentity:
        """PUT replaces (K9); the system-assigned principal stays if it is wanted still (K12)."""
        if block is None:
            return StoredIdentity()
        kinds, sent = self._read(before, block)
        if None in sent.values():
            raise errors.null_in_put()
        if "userassigned" in kinds and not sent:
            raise errors.missing_identity_ids()
        return StoredIdentity(self._system(before, kinds), {key: self._principal(key) for key in sent}, True)

    def patch(self, before: StoredIdentity, block: dict[str, Any] | None) -> StoredIdentity:
        """PATCH keeps what is not named: the map by key, everything where the block is absent (K17 to K19; A3, A4, A9).
        """
        if block is None:
            return before
        kinds, sent = self._read(before, block)
        if None in sent.values() and not self.takes_null:
            raise errors.null_in_patch()
        users: dict[str, Principal] = {}
        if "userassigned" in kinds:
            users = dict(before.users) if self.merge or "userAssignedIdentities" not in block else {}
            for key, value in sent.items():
                stored = next((known for known in users if known.lower() == key.lower()), None)
                if value is None:
                    users.pop(stored or "", None)
                else:
                    users[stored or key] = self._principal(key)  # also of one that was deleted since (A9)
            if not users:
                raise errors.missing_identity_ids()
        return StoredIdentity(self._system(before, kinds), users, True)

    def _read(self, before: StoredIdentity, block: dict[str, Any]) -> tuple[set[str], dict[str, Any]]:
        """The kinds and the map of a request, checked as ARM's gateway checks them (K20 to K25, A26)."""
        kinds = {kind.strip().lower() for kind in str(block.get("type")).split(",")}
        if not kinds <= {"none", "systemassigned", "userassigned"} or "none" in kinds and len(kinds) > 1:
            raise errors.ArmError(400, "InvalidIdentityType", f"The identity type '{block.get('type')}' is invalid.")
        if "userAssignedIdentities" in block and "userassigned" not in kinds:
            raise errors.map_without_user_assigned(self.resource_id)
        sent = block.get("userAssignedIdentities") or {}
        stored = {key.lower(): value for key, value in before.users.items()}
        for key, value in sent.items():
            if not _ARM_ID.fullmatch(key):
                raise errors.linked_invalid_property_id(key)
            if value not in ({}, None) and value != stored.get(key.lower()):
                raise errors.invalid_identity_value(key)
        return kinds, sent

    def _system(self, before: StoredIdentity, kinds: set[str]) -> str | None:
        return (before.system or self.new_principal()) if "systemassigned" in kinds else None

    def _principal(self, key: str) -> Principal:
        principal = self.find(key)
        if principal is None:
            raise errors.identity_not_found(self.resource_id, key)
        return principal
