# SPDX-License-Identifier: MIT
"""Table rows (`-o table`)."""

from __future__ import annotations

import sys
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any

from .model.findings import SEVERITY
from .model.quoting import printable
from .model.resource_id import last_segment
from .runner.terminal import is_terminal

Row = dict[str, str]
Block = dict[str, Any]
_LEAST_COLUMNS, _MOST_COLUMNS = 80, 100  # to fit scopes and reasons into; long names can make a table wider
_NARROWEST_SCOPE, _NARROWEST_REASON = 20, 28  # columns


def show_table(result: Block | list[Block] | None) -> list[Row]:
    """A row for each identity, also of a dry run. With several resources, each row names its resource."""
    if not isinstance(result, list):
        return _fitted(_rows(result or {}))
    return _fitted([{"Resource": last_segment(block["id"]), **row} for block in result for row in _rows(block)])


def list_table(result: list[Block]) -> list[Row]:
    """A row for each resource of `list`, with its subscription if the list covers all subscriptions."""
    return _fitted([{"Name": item["name"], "ResourceGroup": item["resourceGroup"],
                     **({"Subscription": item["subscriptionId"]} if "subscriptionId" in item else {}),
                     "Type": item["type"], "PrincipalId": item.get("principalId", ""),
                     "UserAssigned": ", ".join(_name_in(identity, item["resourceGroup"])
                                               for identity in item.get("userAssignedIdentities", {}))}
                    for item in result])


def check_table(result: Block | list[Block]) -> list[Row]:
    """A row for each finding of `check`, the worst first. Reasons are wrapped so that the table fits a page."""
    several = isinstance(result, list)
    rows = [{**({"Resource": last_segment(one["id"])} if several else {}), "Status": finding["status"],
             "Check": finding["check"], "Identity": printable(last_segment(finding.get("identity", ""))),
             "Reason": printable(finding["reason"])}
            for one in (result if isinstance(result, list) else [result]) for finding in one["findings"]]
    taken = sum(max([len(name) + 2, *(len(row[name]) for row in rows)]) + 2 for name in (rows[0] if rows else ())
                if name != "Reason")
    width = max(_columns() - taken, _NARROWEST_REASON)
    return [{**row, "Reason": "\n".join(wrap(row["Reason"], width))}
            for row in sorted(rows, key=lambda row: SEVERITY.index(row["Status"]))]


def _rows(block: Block) -> list[Row]:
    if "before" in block:
        return _changes(block)
    rows = list(_identities(block).values()) or [_row("None", "", "", {})]
    if "roleAssignments" not in block:
        return rows
    return [{"Kind": row["Kind"], "Name": row["Name"], **role}
            for row in rows for role in _roles(block["roleAssignments"], row["PrincipalId"])]


def _identities(block: Block) -> dict[str, Row]:
    """A row for each identity, by its ID in lower case; that of the system-assigned identity is empty."""
    rows = {"": _row("SystemAssigned", "", "", block)} if "SystemAssigned" in block.get("type", "") else {}
    return {**rows, **{identity.lower(): _row("UserAssigned", *_name_and_group(identity), details)
                       for identity, details in block.get("userAssignedIdentities", {}).items()}}


def _changes(result: Block) -> list[Row]:
    """What would change: a row for each identity and each role assignment. + means added, - removed."""
    before, after = (_identities(result[key]) for key in ("before", "after"))
    resource = {"Resource": last_segment(result["id"])}
    rows = [{**resource, "Kind": row["Kind"], "Name": row["Name"],
             "Change": "" if identity in before and identity in after else "+" if identity in after else "-"}
            for identity, row in {**before, **after}.items()]
    rows += [{**resource, "Kind": "RoleAssignment", "Name": one["roleName"], "Scope": one["scope"],
              "Change": {"create": "+", "delete": "-"}.get(one["change"], "orphan")}
             for one in result["roleAssignments"]]
    return rows or [{**resource, "Kind": "None", "Name": "", "Change": ""}]


def _roles(assignments: list[dict[str, str]], principal_id: str) -> list[Row]:
    """The roles of one identity; one empty row if it has none."""
    return [{"Role": one["roleName"], "Scope": one["scope"]} for one in assignments
            if one["principalId"].lower() == principal_id.lower()] or [{"Role": "", "Scope": ""}]


def _fitted(rows: list[Row]) -> list[Row]:
    """Escape control characters, and shorten scopes to fit. A dry run shows a scope behind the name of its role."""
    rows = [{column: printable(str(cell)) for column, cell in row.items()} for row in rows]
    widths = {column: max(len(column) + 2, *(len(row.get(column, "")) for row in rows)) + 2
              for column in dict.fromkeys(column for row in rows for column in row) if column != "Scope"}
    room = _columns() - sum(widths.values())
    for row in rows:
        if "Change" in row and "Scope" in row:
            row["Name"] += " on "
            row["Name"] += _short_scope(row.pop("Scope"), room + widths["Name"] - len(row["Name"]))
        elif row.get("Scope"):
            row["Scope"] = _short_scope(row["Scope"], room)
    return rows


def _columns() -> int:
    """The columns of the terminal, within bounds."""
    columns = get_terminal_size().columns if is_terminal(sys.stdout) else _MOST_COLUMNS
    return max(_LEAST_COLUMNS, min(_MOST_COLUMNS, columns))


def _short_scope(scope: str, width: int) -> str:
    """A scope from its resource group on; a subscription by its name. Its middle is left out beyond `width`."""
    parts, text = scope.strip("/").split("/"), scope
    if parts[0].lower() == "subscriptions" and "".join(parts[2:3]).lower() in ("", "resourcegroups"):
        parts = parts[3:] or [f"subscription {_subscription_name(''.join(parts[1:2]))}"]
        text = "/".join(parts)
    width = max(width, _NARROWEST_SCOPE)
    if len(text) > width and len(parts) > 2:
        text = f"{parts[0]}/…/{parts[-1]}"
    half = (width - 1) // 2
    return text if len(text) <= width else f"{text[:half]}…{text[-half:]}"


def _subscription_name(subscription: str) -> str:
    """The name of a subscription, if the CLI knows it; else its ID."""
    from azure.cli.core._session import ACCOUNT
    known = {account["id"].lower(): account["name"] for account in ACCOUNT.get("subscriptions") or ()}
    return printable(known.get(subscription.lower()) or subscription)


def _row(kind: str, name: str, group: str, ids: dict[str, Any]) -> Row:
    return {"Kind": kind, "Name": name, "ResourceGroup": group, "PrincipalId": str(ids.get("principalId", "")),
            "ClientId": ids.get("clientId", "")}


def _name_and_group(identity: str) -> tuple[str, str]:
    """The name and the group in an identity's ID. A key of the service that isn't an ID is taken as the name."""
    parts = identity.split("/")
    return (parts[8], parts[4]) if len(parts) == 9 else (identity, "")


def _name_in(identity: str, group: str) -> str:
    """The name of an identity, with its group unless that is `group`."""
    name, its_group = _name_and_group(identity)
    return name if its_group.lower() in ("", group.lower()) else f"{its_group}/{name}"
