# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The pure module: every decision about identities, as tables."""

from __future__ import annotations

from typing import Any

import pytest

from azext_communication_identity.model.identity import (
    Identities,
    holds,
    holds_any,
    identities_of,
    patch_body,
    plain_block,
)


def identity_id(name: str) -> str:
    return f"/subscriptions/0/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"


A, B, C = (identity_id(name) for name in "abc")
SETTLED = {"clientId": "c", "principalId": "p"}
NONE, SYSTEM = Identities(), Identities(True)


# ---- reading a block -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("block", "expected"), [
    (None, NONE),
    ({}, NONE),
    ({"type": "None"}, NONE),
    ({"type": None}, NONE),
    ({"type": "SystemAssigned", "principalId": "p"}, SYSTEM),
    ({"type": "systemassigned"}, SYSTEM),
    ({"type": "UserAssigned", "userAssignedIdentities": {A: {}}}, Identities(False, (A,))),
    ({"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {A: SETTLED, B: None}},
     Identities(True, (A, B))),
    ({"type": "userassigned,SYSTEMASSIGNED", "userAssignedIdentities": {A: {}}}, Identities(True, (A,))),
    ({"type": "SystemAssigned", "userAssignedIdentities": {A: {}}}, SYSTEM),
    ({"type": "UserAssigned", "userAssignedIdentities": None}, NONE),
])
def test_reads_every_spelling(block: dict[str, Any] | None, expected: Identities) -> None:
    assert identities_of(block) == expected


@pytest.mark.parametrize(("block", "printed"), [
    (None, {"type": "None"}),
    ({"type": "None", "principalId": None}, {"type": "None"}),
    ({"type": "SystemAssigned", "principalId": "p", "tenantId": "t", "userAssignedIdentities": None},
     {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"}),
    ({"principalId": "p", "tenantId": "t", "type": "SystemAssigned, UserAssigned",
      "userAssignedIdentities": {A: SETTLED, B: {}}},
     {"type": "SystemAssigned,UserAssigned", "principalId": "p", "tenantId": "t",
      "userAssignedIdentities": {A: SETTLED, B: {}}}),
    ({"type": "UserAssigned", "userAssignedIdentities": {A: {"clientId": None, "principalId": "p"}, B: None}},
     {"type": "UserAssigned", "userAssignedIdentities": {A: {"principalId": "p"}, B: {}}}),
])
def test_prints_plain_blocks_without_nulls(block: dict[str, Any] | None, printed: dict[str, Any]) -> None:
    assert plain_block(block) == printed


# ---- the PATCH body --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("before", "wanted", "block"), [
    (NONE, SYSTEM, {"type": "SystemAssigned"}),
    (SYSTEM, NONE, {"type": "None"}),
    (NONE, Identities(False, (A,)), {"type": "UserAssigned", "userAssignedIdentities": {A: {}}}),
    (Identities(True, (A,)), Identities(True, (A, B)),
     {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {A: {}, B: {}}}),
    (Identities(True, (A, B, C)), Identities(True, (A, C)),
     {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {A: {}, C: {}, B: None}}),
    (Identities(True, (A,)), SYSTEM, {"type": "SystemAssigned"}),
    (Identities(True, (A,)), Identities(False, (A,)), {"type": "UserAssigned", "userAssignedIdentities": {A: {}}}),
    (Identities(False, (A, B)), NONE, {"type": "None"}),
])
def test_patch_names_the_whole_wanted_state(before: Identities, wanted: Identities, block: dict[str, Any]) -> None:
    assert patch_body(before, wanted) == {"identity": block}


# ---- whether an answer holds what was asked --------------------------------------------------------------------------

@pytest.mark.parametrize(("block", "wanted", "expected"), [
    (None, NONE, True),
    (None, SYSTEM, False),
    ({"type": "SystemAssigned"}, SYSTEM, False),
    ({"type": "SystemAssigned", "principalId": "p"}, SYSTEM, True),
    ({"type": "UserAssigned", "userAssignedIdentities": {A: {}}}, Identities(False, (A,)), False),
    ({"type": "UserAssigned", "userAssignedIdentities": {A: None}}, Identities(False, (A,)), False),
    ({"type": "UserAssigned", "userAssignedIdentities": {A.upper(): SETTLED, B: {}}}, Identities(False, (A,)), True),
    ({"type": "UserAssigned", "userAssignedIdentities": {A: SETTLED}}, Identities(False, (A, B)), False),
])
def test_holds_only_what_is_settled(block: dict[str, Any] | None, wanted: Identities, expected: bool) -> None:
    assert holds(block, wanted) is expected


@pytest.mark.parametrize(("block", "unwanted", "expected"), [
    ({"type": "SystemAssigned"}, SYSTEM, True),
    ({"type": "SystemAssigned"}, Identities(False, (A,)), False),
    ({"type": "UserAssigned", "userAssignedIdentities": {A.upper(): {}}}, Identities(True, (A,)), True),
    ({"type": "None"}, Identities(True, (A,)), False),
])
def test_holds_any(block: dict[str, Any], unwanted: Identities, expected: bool) -> None:
    assert holds_any(block, unwanted) is expected
