# SPDX-License-Identifier: MIT
"""What `--dry-run` checks and prints: all that the real run would read and refuse, and what would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..arm.errors import explained
from ..arm.identities import VERSIONS, Found, find_identity, gone_error
from ..model.identities import Identities, identities_of, plain_block
from ..model.resource_id import ResourceId
from ..model.update import Snapshot, require_supported
from ..runner.messages import counted, warn


async def require_writable(resource: ResourceId, snapshot: Snapshot, wanted: Identities,
                           known: Mapping[str, Found] | None = None) -> dict[str, Found]:
    """Look up what a write would name. Raises an azclierror if it would be refused. `known`: by ID in lower case."""
    require_supported(resource, snapshot.block)
    found = {identity: (known or {}).get(identity.lower()) or await find_identity(identity, VERSIONS)
             for identity in wanted.user_assigned}
    gone = [identity for identity, one in found.items() if one.is_gone]
    if gone:
        raise await gone_error(resource, snapshot.identities, gone)
    for identity, one in found.items():
        if one.error:
            warn(f"Can't check whether the user-assigned identity '{identity}' exists: {explained(one.error)}")
        if one.restriction:
            warn(f"The service may refuse the user-assigned identity '{identity}': it {one.restriction}.")
    return found


def dry_run_result(resource: ResourceId, snapshot: Snapshot, after: dict[str, Any],
                   assignments: list[dict[str, str]], found: Mapping[str, Found]) -> dict[str, Any]:
    """What `--dry-run` prints for one resource. `found`: the identities to add that were looked up."""
    before = plain_block(snapshot.block)
    unverified = [identity for identity, one in found.items() if one.error or not one.properties.get("principalId")]
    changes = before != after or any(one["change"] != "orphan" for one in assignments)
    return {"id": resource.id, "before": before, "after": after, "roleAssignments": assignments, "changes": changes,
            **({"unverified": unverified} if unverified else {})}


def warn_of_changes(results: Sequence[dict[str, Any]], total: int) -> None:
    """The last line of a dry run over many resources."""
    changing = [result for result in results if result["changes"]]
    parts = [counted(sum(len((identities_of(result[one]) - identities_of(result[other])).described())
                         for result in changing), f"identity {verb}", f"identities {verb}")
             for verb, one, other in (("added", "after", "before"), ("removed", "before", "after"))]
    for change, verb in (("create", "created"), ("delete", "deleted"), ("orphan", "orphaned")):
        parts.append(counted(len({
            (one["roleName"], one["scope"],  # several resources may share an identity
             result["id"] if one["identity"] == "SystemAssigned" else one["identity"].lower())
            for result in changing for one in result["roleAssignments"] if one["change"] == change}),
            f"role assignment {verb}", f"role assignments {verb}"))
    warn(": ".join(filter(None, [f"{len(changing)} of {total} resources would change", ", ".join(filter(None, parts))]))
         + ".")
