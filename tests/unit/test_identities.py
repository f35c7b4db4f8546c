# SPDX-License-Identifier: MIT
"""Every decision about identities, as properties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azext_communication_identity.model.identities import (
    NONE,
    SYSTEM_ASSIGNED,
    Identities,
    expected_block,
    find_id,
    identities_of,
    patch_body,
    plain_block,
    principal_of,
    principals_of,
    unsupported_reason,
    without_ids,
)
from hypothesis import given
from hypothesis import strategies as st

PRINCIPAL, OTHER = (f"00000000-0000-0000-0000-0000000000{number}" for number in ("aa", "BB"))
SETTLED = {"clientId": "c", "principalId": PRINCIPAL}


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


def as_set(of: Identities) -> set[str]:
    return ({"system"} if of.system_assigned else set()) | {identity.lower() for identity in of.user_assigned}


def as_block(of: Identities, spelling: str = ", ") -> dict[str, Any]:
    """The identity block as a service would send it."""
    block: dict[str, Any] = {"type": spelling.join(of.type.split(","))}
    if of.system_assigned:
        block.update(principalId=PRINCIPAL, tenantId="t")
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
    return Identities(asked.system_assigned, tuple(kept)) | asked


def replace(body: dict[str, Any]) -> Identities:
    """What a service that replaces the map, and takes null for absent, has after the PATCH."""
    block = body["identity"]
    kept = {key: value for key, value in block.get("userAssignedIdentities", {}).items() if value is not None}
    return identities_of({**block, "userAssignedIdentities": kept})


@given(identities, identities)
def test_operators_are_those_of_sets(one: Identities, other: Identities) -> None:
    """Without case, and in the order and the casing of the left side."""
    both, rest, common = one | other, one - other, one & other
    assert as_set(both) == as_set(one) | as_set(other)
    assert as_set(rest) == as_set(one) - as_set(other)
    assert as_set(common) == as_set(one) & as_set(other)
    assert both.user_assigned[:len(one.user_assigned)] == one.user_assigned
    assert set(rest.user_assigned) | set(common.user_assigned) == set(one.user_assigned)
    assert len(distinct(list(both.user_assigned))) == len(both.user_assigned)
    assert bool(one) is bool(as_set(one))


@given(identities, identities)
def test_to_add_and_to_remove_give_back_the_start(before: Identities, named: Identities) -> None:
    added = (before | named) - before
    assert (before | named) - added == before
    assert before | named | named == before | named
    assert before - named - named == before - named
    assert as_set((before - named) | (before & named)) == as_set(before)


@given(identities, identities)
def test_the_patch_is_right_for_a_service_that_merges_and_one_that_replaces(before: Identities,
                                                                            wanted: Identities) -> None:
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


# ---- blocks, row by row ----------------------------------------------------------------------------------------------

A, B, C = (identity_id(name) for name in "abc")
BOTH = {"type": "SystemAssigned, UserAssigned", "principalId": PRINCIPAL, "tenantId": "t",
        "userAssignedIdentities": {A: SETTLED, B: {}}}


def only(**more: Any) -> dict[str, Any]:
    return {"type": "UserAssigned", "userAssignedIdentities": {A: SETTLED}, **more}


@pytest.mark.parametrize(("block", "expected"), [
    ({}, {"type": "None"}), ({"type": None}, {"type": "None"}),
    ({"type": "none"}, {"type": "None"}),
    ({"type": "None", "principalId": PRINCIPAL, "tenantId": "t"}, {"type": "None"}),
    ({"type": "systemassigned", "principalId": PRINCIPAL, "tenantId": "t", "x": 1},
     {"type": "SystemAssigned", "principalId": PRINCIPAL, "tenantId": "t"}),
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
    ({}, NONE, NONE), ({}, SYSTEM_ASSIGNED, SYSTEM_ASSIGNED), (BOTH, SYSTEM_ASSIGNED, NONE),
    (BOTH, Identities(False, (A.upper(),)), NONE), (BOTH, Identities(True, (A, B, C)), Identities(False, (B, C))),
    ({"type": "SystemAssigned"}, Identities(True, (A,)), Identities(True, (A,))),
    (only(userAssignedIdentities={A: {"clientId": "c"}}), Identities(False, (A,)), Identities(False, (A,))),
    (only(userAssignedIdentities={A: {"principalId": "p"}}), Identities(False, (A,)), Identities(False, (A,))),
    (only(userAssignedIdentities={A.upper(): SETTLED}), Identities(False, (A,)), NONE),
])
def test_what_has_no_ids_yet(block: Any, wanted: Identities, expected: Identities) -> None:
    assert without_ids(block, wanted) == expected


@pytest.mark.parametrize(("wanted", "known", "expected"), [
    (Identities(), BOTH, {"type": "None"}),
    (Identities(True), BOTH, {"type": "SystemAssigned", "principalId": PRINCIPAL, "tenantId": "t"}),
    (Identities(True, (A.upper(), C)), BOTH, {
        "type": "SystemAssigned,UserAssigned", "principalId": PRINCIPAL, "tenantId": "t",
        "userAssignedIdentities": {A.upper(): SETTLED, C: {}}}),
    (Identities(True, (A,)), {}, {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {A: {}}}),
    (Identities(False, (A,)), BOTH, only()),
])
def test_the_block_that_a_resource_will_have(wanted: Identities, known: Any, expected: dict[str, Any]) -> None:
    assert expected_block(wanted, known) == expected


@pytest.mark.parametrize(("block", "among", "expected"), [
    ({}, Identities(True, (A,)), []), (BOTH, NONE, []), (BOTH, SYSTEM_ASSIGNED, [PRINCIPAL]),
    (only(principalId=OTHER), Identities(True, (A.upper(), B)), [OTHER, PRINCIPAL]),
    (BOTH, Identities(False, (A, B)), [PRINCIPAL]), (BOTH, Identities(True, (A,)), [PRINCIPAL]),
    (only(principalId=OTHER), Identities(False, (A,)), [PRINCIPAL]),
])
def test_principals(block: Any, among: Identities, expected: list[str]) -> None:
    assert principals_of(block, among) == expected


@pytest.mark.parametrize("principal", [None, "", 5, [], {}, "p", f"{PRINCIPAL} ", f"{PRINCIPAL}'", f"x{PRINCIPAL}"])
def test_a_principal_is_a_guid(principal: Any) -> None:
    block = {"type": "SystemAssigned,UserAssigned", "principalId": principal, "userAssignedIdentities": {
        A: {"principalId": principal}, B: SETTLED}}
    assert principals_of(block, Identities(True, (A, B))) == [PRINCIPAL]
    assert [principal_of(block, one) for one in (None, A, B.upper(), C)] == [None, None, PRINCIPAL, None]


def test_words() -> None:
    assert NONE.described() == []
    assert Identities(True, (A, "\x1b")).described() == ["the system-assigned identity", f"'{A}'", r"'\x1b'"]


@pytest.mark.parametrize(("wanted", "among", "found"), [(A.upper(), [B, A], A), (C, [A, B], None), (A, [], None)])
def test_ids_are_the_same_in_any_casing(wanted: str, among: list[str], found: str | None) -> None:
    assert find_id(wanted, among) == found


def test_ids_that_were_looked_up_fill_the_block() -> None:
    new = {A: {"clientId": "new"}, C.upper(): {"clientId": "new"}}
    assert expected_block(Identities(False, (A, C)), only(), new)["userAssignedIdentities"] == {
        A: SETTLED, C: {"clientId": "new"}}
