# SPDX-License-Identifier: MIT
"""Text of the service moves no cursor, whichever error shows it."""

from __future__ import annotations

from typing import Any

import pytest
from azext_communication_identity.actions.remove import RemoveOptions, remove
from azext_communication_identity.arm.identities import identity_not_found
from azext_communication_identity.arm.roles import resolve_role
from azext_communication_identity.model.answers import Answer
from azext_communication_identity.model.operation import OPERATION_LIMIT
from azext_communication_identity.model.requests import Flow
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.model.update import get, until_idle
from azext_communication_identity.runner.terminal import Consent
from flow import play

SUB = "00000000-0000-0000-0000-00000000000a"
PRINCIPAL = "11111111-1111-1111-1111-111111111111"
APP = ResourceId(SUB, "rg", "app")
IDENTITY = f"/subscriptions/{SUB}/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
SCOPE = f"/subscriptions/{SUB}"
ESCAPE = "\x1b[2J"


def resource(state: str, at: float = 0.0) -> Answer:
    return Answer(200, {"id": APP.id, "identity": {"type": "SystemAssigned", "principalId": PRINCIPAL},
                        "properties": {"provisioningState": state}}, at=at)


async def until_idle_from_first() -> Any:
    return await until_idle(APP, await get(APP))


async def refused(identity: str, resource_id: ResourceId) -> None:
    raise await identity_not_found(identity, resource_id)


def listed(**item: Any) -> Answer:
    return Answer(200, {"value": [item]})


GUID = "a97b65f3-24c7-4388-baec-2e87135dc908"
ASSIGNMENT = {"roleDefinitionId": f"/x/{ESCAPE}", "scope": f"{SCOPE}/{ESCAPE}", "principalId": PRINCIPAL}


@pytest.mark.parametrize(("flow", "replies"), [
    (until_idle_from_first, [resource(f"Up{ESCAPE}"), resource(f"Up{ESCAPE}", OPERATION_LIMIT + 1)]),
    (lambda: refused(IDENTITY, APP), [listed(id=f"/elsewhere/{ESCAPE}/one")]),
    (lambda: refused(IDENTITY, APP), [listed(id=IDENTITY[:-3] + f"{ESCAPE}one")]),
    (lambda: resolve_role("Role", SCOPE, SUB), [Answer(200, {"value": []}), listed(
        id=f"/roleDefinitions/{GUID}", properties={"roleName": f"Role{ESCAPE}"})]),
    (lambda: remove(APP, RemoveOptions(system_assigned=True, consent=Consent.NEEDS_YES)), [resource("Succeeded"), listed(
        id=f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments/{GUID}", properties=ASSIGNMENT)]),
])
def test_control_characters_are_escaped(flow: Any, replies: list[Answer]) -> None:
    coroutine: Flow[Any] = flow()
    text, ways = play(coroutine, *replies).message
    assert "\\x1b" in "".join([text, *ways])
    assert "\x1b" not in "".join([text, *ways])
