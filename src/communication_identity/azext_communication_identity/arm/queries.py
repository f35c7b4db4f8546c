# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The queries to Azure Resource Graph, in KQL. All ignore case, because keys and IDs come in any casing. All sort by
ID, because a page continues where the one before ended only in a fixed order. For the sources, see
docs/service-behaviour.md.
"""

from __future__ import annotations

from collections.abc import Collection

_RESOURCES = "resources | where type =~ 'microsoft.communication/communicationservices'"
_COLUMNS = " | project id, name, resourceGroup, subscriptionId, identity | order by id asc"


def resources() -> str:
    """Every Communication Services resource."""
    return _RESOURCES + _COLUMNS


def resources_with(identity_ids: Collection[str], identity_names: Collection[str] = ()) -> str:
    """The resources that have one of these user-assigned identities. A name means every identity with that name. A
    resource with two of them appears twice: the service can't remove duplicates across pages.
    """
    tests = [f"tostring(carried) in~ ({_list(identity_ids)})"] if identity_ids else []
    tests += [f"tostring(carried) endswith {quoted(f'/userAssignedIdentities/{name}')}" for name in identity_names]
    if not tests:
        raise ValueError("no identity")
    return (f"{_RESOURCES} | mv-expand carried = bag_keys(identity.userAssignedIdentities) limit 400"
            f" | where {' or '.join(tests)}{_COLUMNS}")


def role_assignments(principal_ids: Collection[str]) -> str:
    """The role assignments of principals: id, principalId, scope and roleDefinitionId."""
    return ("authorizationresources | where type =~ 'microsoft.authorization/roleassignments'"
            f" | where tostring(properties.principalId) in~ ({_list(principal_ids)})"
            " | project id, principalId = tostring(properties.principalId), scope = tostring(properties.scope),"
            " roleDefinitionId = tostring(properties.roleDefinitionId) | order by id asc")


def role_names(role_definition_ids: Collection[str]) -> str:
    """The names of role definitions, built-in and custom: id, name (the GUID), roleName. By GUID, because the rest of
    an ID differs between Resource Graph and ARM.
    """
    guids = [role_definition_id.rsplit("/", 1)[-1] for role_definition_id in role_definition_ids]
    return ("authorizationresources | where type =~ 'microsoft.authorization/roledefinitions'"
            f" | where name in~ ({_list(guids)})"
            " | project id, name, roleName = tostring(properties.roleName) | order by id asc")


def quoted(text: str) -> str:
    r"""A KQL string literal with \ and ' escaped. Raises ValueError for control characters."""
    if not text.isprintable():
        raise ValueError(f"a value with control characters can't be part of a query: {text!r}")
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _list(values: Collection[str]) -> str:
    if not values:
        raise ValueError("no values")
    return ", ".join(quoted(value) for value in values)
