# SPDX-License-Identifier: MIT
"""Role definitions: the built-in ones as they were recorded (K42, K56), and how an action is matched."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

KEYS = ("actions", "notActions", "dataActions", "notDataActions")


@dataclass(frozen=True)
class Role:
    """A role definition. `scope`: where a custom role can be assigned; a built-in one everywhere."""

    name: str
    permissions: tuple[dict[str, Any], ...] = ()
    scope: str = "/"

    @property
    def custom(self) -> bool:
        """Whether somebody made it."""
        return self.scope != "/"

    def allows(self, action: str) -> bool:
        """Whether an action is among the actions of an element and not among its exceptions."""
        return any(any(_matches(pattern, action) for pattern in one["actions"])
                   and not any(_matches(pattern, action) for pattern in one["notActions"]) for one in self.permissions)


def permission(actions: tuple[str, ...] = (), not_actions: tuple[str, ...] = (), data_actions: tuple[str, ...] = (),
               not_data_actions: tuple[str, ...] = ()) -> dict[str, Any]:
    """An element of `permissions`."""
    return dict(zip(KEYS, map(list, (actions, not_actions, data_actions, not_data_actions)), strict=True))


@cache
def _pattern(wildcard: str) -> re.Pattern[str]:
    """`/*/` stands for nothing too (A22)."""
    text = re.escape(wildcard).replace(r"/\*/", "/(?:.*/)?").replace(r"\*", ".*")
    return re.compile(text, re.IGNORECASE)


def _matches(wildcard: str, action: str) -> bool:
    return _pattern(wildcard).fullmatch(action) is not None


# Those of 787 definitions that Azure gave on 2025-08-12 that have to do with identities, Azure AI and storage.
RECORDED: list[dict[str, Any]] = json.loads(Path(__file__).with_name("role_definitions.json").read_text("utf-8"))
_MSI = "Microsoft.ManagedIdentity/userAssignedIdentities"
_EVERY_OTHER = ("Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Resources/deployments/*",
                "Microsoft.Support/*")
BUILT_IN_ROLES = {one["name"]: Role(one["roleName"], tuple(one["permissions"])) for one in RECORDED} | {
    "f1a07417-d97a-45cb-824c-7a7467783830": Role("Managed Identity Operator", (
        permission((f"{_MSI}/*/read", f"{_MSI}/*/assign/action", *_EVERY_OTHER)),)),
    "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59": Role("Managed Identity Contributor", (permission((
        f"{_MSI}/read", f"{_MSI}/write", f"{_MSI}/delete", f"{_MSI}/revokeTokens/action", *_EVERY_OTHER)),)),
    "4633458b-17de-408a-b874-0445c86b69e6": Role("Key Vault Secrets User"),  # what it allows decides nothing here
}


def built_in(name: str) -> Role:
    """A built-in role by its name. Raises KeyError."""
    return {role.name.lower(): role for role in BUILT_IN_ROLES.values()}[name.lower()]
