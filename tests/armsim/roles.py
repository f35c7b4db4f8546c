# SPDX-License-Identifier: MIT
"""Built-in roles: their real IDs, what those allow that decide over rights here (K42), and how an action is matched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Role:
    """A role definition. `scope`: where a custom role can be assigned; a built-in one everywhere."""

    name: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    scope: str = "/"

    @property
    def custom(self) -> bool:
        """Whether somebody made it."""
        return self.scope != "/"

    def allows(self, action: str) -> bool:
        """Whether an action is among the actions and not among the exceptions."""
        return (any(_matches(pattern, action) for pattern in self.actions)
                and not any(_matches(pattern, action) for pattern in self.not_actions))


@cache
def _pattern(wildcard: str) -> re.Pattern[str]:
    """`/*/` stands for nothing too (A22)."""
    text = re.escape(wildcard).replace(r"/\*/", "/(?:.*/)?").replace(r"\*", ".*")
    return re.compile(text, re.IGNORECASE)


def _matches(wildcard: str, action: str) -> bool:
    return _pattern(wildcard).fullmatch(action) is not None


_MSI = "Microsoft.ManagedIdentity/userAssignedIdentities"
_ACS = "Microsoft.Communication/CommunicationServices"
_EVERY_OTHER = ("Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Resources/deployments/*",
                "Microsoft.Support/*")
_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
BUILT_IN_ROLES = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": Role("Owner", ("*",)),
    "b24988ac-6180-42a0-ab88-20f7382dd24c": Role("Contributor", ("*",), (
        "Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write",
        "Microsoft.Authorization/elevateAccess/Action")),
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": Role("Reader", ("*/read",)),
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": Role("User Access Administrator", (
        "*/read", "Microsoft.Authorization/*", "Microsoft.Support/*")),
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": Role("Role Based Access Control Administrator", (
        f"{_ASSIGNMENTS}/write", f"{_ASSIGNMENTS}/delete", "*/read", "Microsoft.Support/*")),
    "f1a07417-d97a-45cb-824c-7a7467783830": Role("Managed Identity Operator", (
        f"{_MSI}/*/read", f"{_MSI}/*/assign/action", *_EVERY_OTHER)),
    "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59": Role("Managed Identity Contributor", (
        f"{_MSI}/read", f"{_MSI}/write", f"{_MSI}/delete", f"{_MSI}/revokeTokens/action", *_EVERY_OTHER)),
    "09976791-48a7-449e-bb21-39d1a415f350": Role("Communication and Email Service Owner", (  # K56
        f"{_ACS}/read", f"{_ACS}/write", f"{_ACS}/delete", f"{_ACS}/ListKeys/action", f"{_ACS}/RegenerateKey/action",
        f"{_ACS}/LinkNotificationHub/action", "Microsoft.Communication/Locations/OperationStatuses/read")),
    # Roles to grant; what they allow decides nothing here.
    "a97b65f3-24c7-4388-baec-2e87135dc908": Role("Cognitive Services User"),
    "25fbc0a9-bd7c-42a3-aa1a-3b75d497ee68": Role("Cognitive Services Contributor"),
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": Role("Storage Blob Data Reader"),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": Role("Storage Blob Data Contributor"),
    "4633458b-17de-408a-b874-0445c86b69e6": Role("Key Vault Secrets User"),
}


def built_in(name: str) -> Role:
    """A built-in role by its name. Raises KeyError."""
    return {role.name.lower(): role for role in BUILT_IN_ROLES.values()}[name.lower()]
