# SPDX-License-Identifier: MIT
"""What `dev.py sim` begins with, and a fleet to play with: resources of all kinds in two subscriptions."""

from __future__ import annotations

from typing import Any

from .state import SUBSCRIPTION, ArmState

OTHER_SUBSCRIPTION = "00000000-0000-0000-0000-000000000002"
GROUPS = ("chat", "voice", "email")
SHARED_IDENTITY, GROUP_IDENTITY = "fleet-shared", "fleet-{group}"


def demo(state: ArmState) -> None:
    """Add a resource without an identity, and an Azure AI resource for it: what the documentation begins with too."""
    state.add_resource("myApp", "myResourceGroup", tags={"team": "chat"})
    state.add_ai_account("myAI", "myResourceGroup")


def fill(state: ArmState, resources: int) -> list[str]:
    """Add that many resources: one in three in a second subscription, in turn without identity, with a system-assigned
    one, with one that all share, with two, and with both kinds. Returns their IDs. The shared identity and every
    second system-assigned one may read blobs of the group.
    """
    state.add_subscription(OTHER_SUBSCRIPTION, "armsim-other")
    shared = state.add_user_identity(SHARED_IDENTITY, "identities")
    state.add_role_assignment(f"/subscriptions/{SUBSCRIPTION}", _BLOBS, _principal(state, shared))
    return [_add(state, number, shared) for number in range(resources)]


_BLOBS = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"  # Storage Blob Data Reader


def _add(state: ArmState, number: int, shared: str) -> str:
    subscription = OTHER_SUBSCRIPTION if number % 3 == 2 else SUBSCRIPTION
    group = GROUPS[number // 3 % len(GROUPS)]
    own = state.add_user_identity(GROUP_IDENTITY.format(group=group), group, subscription)
    kinds: list[dict[str, Any] | None] = [
        None, {"type": "SystemAssigned"}, _users("UserAssigned", shared), _users("UserAssigned", shared, own),
        _users("SystemAssigned,UserAssigned", own)]
    resource = state.add_resource(f"{group}-{number + 1:03}", group, subscription=subscription,
                                  identity=kinds[number % len(kinds)], tags={"team": group})
    block = state.identity_of(resource) or {}
    if "principalId" in block and number % 2:
        state.add_role_assignment(f"/subscriptions/{subscription}/resourceGroups/{group}", _BLOBS, block["principalId"])
    return resource


def _users(kind: str, *identities: str) -> dict[str, Any]:
    return {"type": kind, "userAssignedIdentities": {identity: {} for identity in identities}}


def _principal(state: ArmState, identity: str) -> str:
    return state.identities[identity.lower()].principal_id
