# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The pure module: every decision about identities, as tables and as properties."""

from __future__ import annotations

from typing import Any

import pytest
from azext_communication_identity.model.identity import (
    Change,
    Identities,
    after_assign,
    after_remove,
    difference,
    holds,
    holds_any,
    identities_of,
    not_assigned,
    patch_body,
    plain_block,
)
from hypothesis import given
from hypothesis import strategies as st


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


# ---- properties ------------------------------------------------------------------------------------------------------

names = st.sampled_from("abcdefgh")


casings = st.sampled_from([str, str.lower, str.upper, str.swapcase, str.title])


@st.composite
def resource_ids(draw: st.DrawFn) -> str:
    return str(draw(casings)(identity_id(draw(names))))


def distinct(identities: list[str]) -> tuple[str, ...]:
    return tuple({identity.lower(): identity for identity in identities}.values())


id_lists = st.lists(resource_ids(), max_size=6)
identities = st.builds(Identities, st.booleans(), id_lists.map(distinct))
changes = st.builds(Change, st.booleans(), id_lists.map(tuple))
removals = st.builds(Change, st.booleans(), id_lists.map(tuple), st.booleans())


def as_set(of: Identities) -> set[str]:
    return ({"system"} if of.system_assigned else set()) | {identity.lower() for identity in of.user_assigned}


def as_block(of: Identities, spelling: str = ", ") -> dict[str, Any]:
    """The identity block as a service would send it."""
    block: dict[str, Any] = {"type": spelling.join(of.type.split(","))}
    if of.system_assigned:
        block.update(principalId="p", tenantId="t")
    if of.user_assigned:
        block["userAssignedIdentities"] = {identity: dict(SETTLED) for identity in of.user_assigned}
    return block


def merge(before: Identities, body: dict[str, Any]) -> Identities:
    """What a service that merges the map has after the PATCH (recorded for Storage, Compute, Recovery Services)."""
    asked = identities_of({**body["identity"], "userAssignedIdentities": {
        key: value for key, value in body["identity"].get("userAssignedIdentities", {}).items() if value is not None}})
    if "UserAssigned" not in body["identity"]["type"]:
        return Identities(asked.system_assigned)
    nulls = [key.lower() for key, value in body["identity"].get("userAssignedIdentities", {}).items() if value is None]
    kept = [identity for identity in before.user_assigned if identity.lower() not in nulls]
    return after_assign(Identities(asked.system_assigned, tuple(kept)), Change(False, asked.user_assigned))


def replace(body: dict[str, Any]) -> Identities:
    """What a service that replaces the map, and takes null for absent, has after the PATCH."""
    block = body["identity"]
    kept = {key: value for key, value in block.get("userAssignedIdentities", {}).items() if value is not None}
    return identities_of({**block, "userAssignedIdentities": kept})


@given(identities, changes)
def test_assign_adds_what_is_named_and_loses_nothing(before: Identities, change: Change) -> None:
    after = after_assign(before, change)
    assert as_set(after) == as_set(before) | as_set(Identities(change.system_assigned, change.user_assigned))
    assert after.user_assigned[:len(before.user_assigned)] == before.user_assigned
    assert len(distinct(list(after.user_assigned))) == len(after.user_assigned)


@given(identities, removals)
def test_remove_takes_what_is_named_and_nothing_else(before: Identities, change: Change) -> None:
    after = after_remove(before, change)
    named = as_set(before) - {"system"} if change.all_user_assigned else {i.lower() for i in change.user_assigned}
    assert as_set(after) == as_set(before) - named - ({"system"} if change.system_assigned else set())
    assert set(after.user_assigned) <= set(before.user_assigned)


@given(identities, changes)
def test_assign_and_remove_give_back_the_start(before: Identities, change: Change) -> None:
    added = difference(after_assign(before, change), before)
    undo = Change(added.system_assigned, added.user_assigned)
    assert after_remove(after_assign(before, change), undo) == before


@given(identities, changes)
def test_twice_is_once(before: Identities, change: Change) -> None:
    once = after_assign(before, change)
    assert after_assign(once, change) == once
    gone = after_remove(before, change)
    assert after_remove(gone, change) == gone


@given(identities, identities)
def test_the_patch_is_right_for_a_service_that_merges_and_one_that_replaces(before: Identities,
                                                                            wanted: Identities) -> None:
    wanted = after_assign(after_remove(before, Change(True, (), True)),
                          Change(wanted.system_assigned, wanted.user_assigned))
    body = patch_body(before, wanted)
    assert as_set(merge(before, body)) == as_set(wanted)
    assert as_set(replace(body)) == as_set(wanted)
    assert ("userAssignedIdentities" in body["identity"]) == bool(wanted.user_assigned)


@given(identities, st.sampled_from([",", ", ", " , "]))
def test_a_block_is_read_back_as_it_was_written(of: Identities, spelling: str) -> None:
    block = as_block(of, spelling)
    assert identities_of(block) == of
    assert holds(block, of)
    assert plain_block(block)["type"] == of.type
    assert identities_of(plain_block(block)) == of


@given(identities, changes)
def test_not_assigned_is_what_is_named_but_not_there(before: Identities, change: Change) -> None:
    absent = {identity.lower() for identity in not_assigned(before, change)}
    assert absent == {i.lower() for i in change.user_assigned} - {i.lower() for i in before.user_assigned}
