# SPDX-License-Identifier: MIT
"""Table rows (`-o table`)."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from .model.findings import SEVERITY

Row = dict[str, str]
_TABLE_WIDTH, _LEAST_WIDTH = 100, 40


def show_table(result: dict[str, Any] | list[dict[str, Any]] | None) -> list[Row]:
    """A row for each identity in the result of `show`, `assign` and `remove`, or of a dry run. With several resources,
    each row names its resource.
    """
    if isinstance(result, list):
        return [{"Resource": block["id"].rsplit("/", 1)[-1], **row} for block in result for row in _rows(block)]
    return _rows(result or {})


def list_table(result: list[dict[str, Any]]) -> list[Row]:
    """A row for each resource of `list`, with its subscription if the list covers all subscriptions."""
    return [{"Name": item["name"],
             "ResourceGroup": item["resourceGroup"],
             **({"Subscription": item["subscriptionId"]} if "subscriptionId" in item else {}),
             "Type": item["type"],
             "PrincipalId": item.get("principalId", ""),
             "UserAssigned": ", ".join(_name_from(identity, item["resourceGroup"])
                                       for identity in item.get("userAssignedIdentities", {}))}
            for item in result]


def check_table(result: dict[str, Any] | list[dict[str, Any]]) -> list[Row]:
    """A row for each finding of `check`, the worst first. Reasons are wrapped so that the table fits a page."""
    several = isinstance(result, list)
    rows = [{**({"Resource": one["id"].rsplit("/", 1)[-1]} if several else {}), "Status": finding["status"],
             "Check": finding["check"], "Identity": finding.get("identity", "").rsplit("/", 1)[-1],
             "Reason": finding["reason"]}
            for one in (result if isinstance(result, list) else [result]) for finding in one["findings"]]
    taken = sum(max([len(name) + 2, *(len(row[name]) for row in rows)]) + 2 for name in (rows[0] if rows else ())
                if name != "Reason")
    width = max(_TABLE_WIDTH - taken, _LEAST_WIDTH)
    return [{**row, "Reason": "\n".join(wrap(row["Reason"], width))}
            for row in sorted(rows, key=lambda row: SEVERITY.index(row["Status"]))]


def _rows(block: dict[str, Any]) -> list[Row]:
    if "before" in block:
        return _changes(block)
    rows = list(_identities(block).values()) or [_row("None", "", "", {})]
    if "roleAssignments" not in block:
        return rows
    return [{**row, **role} for row in rows for role in _roles(block["roleAssignments"], row["PrincipalId"])]


def _identities(block: dict[str, Any]) -> dict[str, Row]:
    """A row for each identity, by its ID in lower case; that of the system-assigned identity is empty."""
    rows = {"": _row("SystemAssigned", "", "", block)} if "SystemAssigned" in block.get("type", "") else {}
    return {**rows, **{identity.lower(): _row("UserAssigned", *_name_and_group(identity), details)
                       for identity, details in block.get("userAssignedIdentities", {}).items()}}


def _changes(result: dict[str, Any]) -> list[Row]:
    """What would change: a row for each identity and each role assignment. + means added, - removed."""
    before, after = (_identities(result[key]) for key in ("before", "after"))
    resource = {"Resource": result["id"].rsplit("/", 1)[-1]}
    rows = [{**resource, "Kind": row["Kind"], "Name": row["Name"],
             "Change": "" if identity in before and identity in after else "+" if identity in after else "-"}
            for identity, row in {**before, **after}.items()]
    rows += [{**resource, "Kind": "RoleAssignment", "Name": f"{one['roleName']} on {one['scope']}",
              "Change": {"create": "+", "delete": "-"}.get(one["change"], "orphan")}
             for one in result["roleAssignments"]]
    return rows or [{**resource, "Kind": "None", "Name": "", "Change": ""}]


def _roles(assignments: list[dict[str, str]], principal_id: str) -> list[Row]:
    """The roles of one identity; one empty row if it has none."""
    return [{"Role": one["roleName"], "Scope": one["scope"]} for one in assignments
            if one["principalId"].lower() == principal_id.lower()] or [{"Role": "", "Scope": ""}]


def _row(kind: str, name: str, group: str, ids: dict[str, Any]) -> Row:
    return {"Kind": kind, "Name": name, "ResourceGroup": group, "PrincipalId": ids.get("principalId", ""),
            "ClientId": ids.get("clientId", "")}


def _name_and_group(identity: str) -> tuple[str, str]:
    """The name and the group in an identity's ID. What isn't an ID, the service's own key, is its own name."""
    parts = identity.split("/")
    return (parts[8], parts[4]) if len(parts) == 9 else (identity, "")


def _name_from(identity: str, group: str) -> str:
    """The name of an identity, with its group unless that is `group`."""
    name, its_group = _name_and_group(identity)
    return name if its_group.lower() in ("", group.lower()) else f"{its_group}/{name}"
