# SPDX-License-Identifier: MIT
"""What the command lines of `assign` and `remove` have in common."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from ..model.identities import Identities
from ..model.resource_id import ResourceId, user_assigned_id

KEYWORD_ONLY = {"kw_only": True} if sys.version_info >= (3, 10) else {}  # Python 3.9 has no kw_only


@dataclass(frozen=True, **KEYWORD_ONLY)
class ChangeOptions:
    """`user_assigned`: names and resource IDs; None if the option isn't there."""

    system_assigned: bool = False
    user_assigned: Sequence[str] | None = None
    dry_run: bool = False
    wait: bool = True

    def identities_in(self, resource: ResourceId) -> Identities:
        """The named identities; a name is one in the resource's own group and subscription. Each counts once."""
        return Identities(system_assigned=self.system_assigned) | Identities(
            user_assigned=tuple(user_assigned_id(value, resource) for value in self.user_assigned or ()))
