# SPDX-License-Identifier: MIT
"""Dry runs over answers that the simulation never gives."""

from __future__ import annotations

from typing import Any

from azext_communication_identity.actions.assign import assign
from azext_communication_identity.actions.changing import Order
from azext_communication_identity.actions.remove import remove
from azext_communication_identity.model.answers import Answer
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.runner.terminal import Consent
from life import play

RESOURCE = ResourceId("00000000-0000-0000-0000-00000000000a", "rg", "app")
PRINCIPAL = "00000000-0000-0000-0000-00000000000b"
ORDER = Order(system_assigned=True, user_assigned=None, dry_run=True)


def resource_with(**more: Any) -> Answer:
    return Answer(200, {"id": RESOURCE.id, "identity": {"type": "SystemAssigned", "principalId": PRINCIPAL, **more}})


def test_a_role_assignment_that_is_listed_twice_is_one() -> None:
    same = {"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/y", "principalId": PRINCIPAL,
            "scope": "/"}
    found = [{"id": f"/providers/Microsoft.Authorization/roleAssignments/{name}", "properties": same} for name in "xX"]
    played = play(remove(RESOURCE, ORDER, Consent.GO_ON, False), resource_with(), Answer(200, {"value": found}))
    assert [one["change"] for one in played.result["roleAssignments"]] == ["orphan"]


def test_a_map_of_another_form_that_nothing_changes() -> None:
    played = play(assign(RESOURCE, ORDER), resource_with(userAssignedIdentities="strange"))
    assert played.result["changes"] is False
    assert played.result["after"] == {"type": "SystemAssigned", "principalId": PRINCIPAL}
