# SPDX-License-Identifier: MIT
"""Every decision about identities, as properties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azext_communication_identity.model.identities import Identities, expected_block, identities_of, patch_body, plain_block, principals_of, unsupported_reason, without_ids
from azext_communication_identity.model.identity import Change, after_assign, after_remove, described, difference
from hypothesis import given
from hypothesis import strategies as st

SETTLED = {"clientId": "c", "principalId": "p"}


def identity_id(name: str) -> str:
    return f"/subscriptions/0/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"


names = st.sampled_from("abcdefgh")
casings: st.SearchStrategy[Callable[[str], str]] = st.sampled_from([str, str.lower, str.upper, str.swapcase, str.title])


@st.composite
def resource_ids(draw: st.DrawFn) -> str:
    return str(draw(casings)(identity_id(draw(names))))


def distinct(identities: list[str]) -> tuple[str, ...]:
    return tuple({identity.lower(): identity for identity in identities}.values())


id_lists = st.lists(resource_ids(), max_size=6)
identities = st.builds(Identities, st.booleans(), id_lists.map(distinct))
changes = st.builds(Change, st.booleans(), id_lists.map(distinct))
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
    assert plain_block(block)["type"] == of.type
    assert identities_of(plain_block(block)) == of


@given(identities, changes)
def test_not_assigned_is_what_is_named_but_not_there(before: Identities, change: Change) -> None:
    absent = {identity.lower() for identity in difference(change, before).user_assigned}
    assert absent == {i.lower() for i in change.user_assigned} - {i.lower() for i in before.user_assigned}


# ---- blocks, row by row ----------------------------------------------------------------------------------------------

A, B, C = (identity_id(name) for name in "abc")
BOTH = {"type": "SystemAssigned, UserAssigned", "principalId": "p", "tenantId": "t",
        "userAssignedIdentities": {A: SETTLED, B: {}}}


def only(**more: Any) -> dict[str, Any]:
    return {"type": "UserAssigned", "userAssignedIdentities": {A: SETTLED}, **more}


@pytest.mark.parametrize(("block", "expected"), [
    ({}, {"type": "None"}), ({"type": None}, {"type": "None"}),
    ({"type": "none"}, {"type": "None"}),
    ({"type": "None", "principalId": "p", "tenantId": "t"}, {"type": "None"}),
    ({"type": "systemassigned", "principalId": "p", "tenantId": "t", "x": 1},
     {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"}),
    ({"type": "SystemAssigned", "principalId": None, "tenantId": ""}, {"type": "SystemAssigned"}),
    ({"type": "UserAssigned , SystemAssigned"}, {"type": "SystemAssigned,UserAssigned"}),
    ({"type": "Magic, Dust"}, {"type": "Dust,Magic"}), ({"type": "None, SystemAssigned"}, {"type": "SystemAssigned"}),
    (only(principalId="p"), only()),
    (only(userAssignedIdentities={A: {"clientId": "c", "principalId": None}, B: None, 1: "x"}),
     only(userAssignedIdentities={A: {"clientId": "c"}, B: {}, "1": {}})),
    (only(userAssignedIdentities={}), {"type": "UserAssigned"}),
    (only(userAssignedIdentities=[A]), {"type": "UserAssigned"}),
])
def test_a_block_as_commands_print_it(block: Any, expected: dict[str, Any]) -> None:
    assert plain_block(block) == expected


@pytest.mark.parametrize(("block", "expected"), [
    ({}, None), ({"type": "None"}, None), (BOTH, None), (only(), None),
    ({"type": "SystemAssigned"}, None),
    (only(type="None"), None), (only(type=None), None),
    ({"principalId": "p"}, "a principal ID without a type"),
    (only(type="", principalId="p"), "a principal ID without a type"),
    ({"type": "None", "principalId": "p"}, None),
    (only(type="Magic, UserAssigned"), "the type 'Magic, UserAssigned'"),
    (only(userAssignedIdentities=[A]), "a map of user-assigned identities in an unknown form"),
    (only(type="None", userAssignedIdentities=""), "a map of user-assigned identities in an unknown form"),
    (only(userAssignedIdentities=None), "the type 'UserAssigned' without its user-assigned identities"),
    (only(userAssignedIdentities={}), "the type 'UserAssigned' without its user-assigned identities"),
    ({"type": "SystemAssigned", "userAssignedIdentities": {}}, None),
])
def test_what_a_patch_can_not_say(block: Any, expected: str | None) -> None:
    assert unsupported_reason(block) == expected


@pytest.mark.parametrize(("block", "wanted", "expected"), [
    ({}, Identities(), []), ({}, Identities(True), ["the system-assigned identity"]), (BOTH, Identities(True), []),
    (BOTH, Identities(False, (A.upper(),)), []), (BOTH, Identities(True, (A, B, C)), [f"'{B}'", f"'{C}'"]),
    ({"type": "SystemAssigned"}, Identities(True, (A,)), ["the system-assigned identity", f"'{A}'"]),
    (only(userAssignedIdentities={A: {"clientId": "c"}}), Identities(False, (A,)), [f"'{A}'"]),
    (only(userAssignedIdentities={A: {"principalId": "p"}}), Identities(False, (A,)), [f"'{A}'"]),
    (only(userAssignedIdentities={A.upper(): SETTLED}), Identities(False, (A,)), []),
])
def test_what_has_no_ids_yet(block: Any, wanted: Identities, expected: list[str]) -> None:
    assert without_ids(block, wanted) == expected


@pytest.mark.parametrize(("wanted", "known", "expected"), [
    (Identities(), BOTH, {"type": "None"}),
    (Identities(True), BOTH, {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"}),
    (Identities(True, (A.upper(), C)), BOTH, {
        "type": "SystemAssigned,UserAssigned", "principalId": "p", "tenantId": "t",
        "userAssignedIdentities": {A.upper(): SETTLED, C: {}}}),
    (Identities(True, (A,)), {}, {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {A: {}}}),
    (Identities(False, (A,)), BOTH, only()),
])
def test_the_block_that_a_resource_will_have(wanted: Identities, known: Any, expected: dict[str, Any]) -> None:
    assert expected_block(wanted, known) == expected


@pytest.mark.parametrize(("block", "among", "expected"), [
    ({}, Identities(True, (A,)), []), (BOTH, Identities(), []), (BOTH, Identities(True), ["p"]),
    (only(principalId="s"), Identities(True, (A.upper(), B)), ["s", "p"]), (BOTH, Identities(False, (A, B)), ["p"]),
    (BOTH, Identities(True, (A,)), ["p"]), (only(principalId="s"), Identities(False, (A,)), ["p"]),
])
def test_principals(block: Any, among: Identities, expected: list[str]) -> None:
    assert principals_of(block, among) == expected


def test_a_principal_that_is_no_text() -> None:
    assert principals_of({"type": "SystemAssigned", "principalId": 1}, Identities(True)) == []


def test_words() -> None:
    assert described(Identities()) == []
    assert described(Identities(True, (A, B))) == ["the system-assigned identity", f"'{A}'", f"'{B}'"]
