# SPDX-License-Identifier: MIT
"""Names and IDs from people: any letter in any place, and errors that tell one ID from the other."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from azext_communication_identity.model.resource_id import (
    IdentityId,
    ResourceId,
    check_group_name,
    check_resource_name,
    check_subscription,
    check_user_assigned,
    parse_identity_id,
    parse_resource_id,
    user_assigned_id,
)
from azext_communication_identity.model.role_assignments import check_role, check_scope
from azure.cli.core.azclierror import InvalidArgumentValueError
from hypothesis import given
from hypothesis import strategies as st

SUB = "00000000-0000-0000-0000-00000000000a"
RESOURCE = ResourceId(SUB, "rg", "app")
IDENTITY = f"/subscriptions/{SUB}/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mi"
ROLE = f"/subscriptions/{SUB}/providers/Microsoft.Authorization/roleDefinitions/{SUB}"
LOOK_ALIKES = {"k": "\u212a", "s": "\u017f"}


def places(text: str) -> list[str]:
    """The text with one letter replaced by its look-alike, for each place outside of the name of the group."""
    fixed = re.sub(r"(?i)(?<=resourcegroups/)rg", "##", text)
    return [text[:at] + LOOK_ALIKES[letter] + text[at + 1:]
            for at, letter in enumerate(fixed.lower()) if letter in LOOK_ALIKES]


@pytest.mark.parametrize("text", [*places(RESOURCE.id), RESOURCE.id.replace("/rg/", "/r\u212ag/")])
def test_no_look_alike_in_a_resource_id(text: str) -> None:
    with pytest.raises(InvalidArgumentValueError):
        parse_resource_id(text)


@pytest.mark.parametrize("text", [*places(IDENTITY), "m\u0131", "\u212a", "\u017f"])
def test_no_look_alike_in_an_identity(text: str) -> None:
    with pytest.raises(InvalidArgumentValueError):
        check_user_assigned(text)


@pytest.mark.parametrize("text", [
    *places(f"/subscriptions/{SUB}"), f"/\u0440roviders/{SUB}", f"/subscriptions/{SUB}/a\u202eb",
    f"/subscriptions/{SUB}/resourceGroups/\u212aiwi"])
def test_no_look_alike_in_a_scope(text: str) -> None:
    with pytest.raises(InvalidArgumentValueError):
        check_scope(text)


@pytest.mark.parametrize("text", [*places(ROLE), "C:/Program Files/Git/x", "https://x/y", "C:\\x", "/x"])
def test_a_role_is_no_path(text: str) -> None:
    with pytest.raises(InvalidArgumentValueError):
        check_role(text)


@given(st.text(alphabet="\u212a\u017f\u0130\u0131kKsS-", min_size=1, max_size=5))
def test_a_resource_name_is_ascii(name: str) -> None:
    if name.isascii():
        assert check_resource_name(name) == name
    else:
        with pytest.raises(InvalidArgumentValueError):
            check_resource_name(name)


@given(st.integers(0, len(RESOURCE.id)), st.text(min_size=1, max_size=3))
def test_whatever_is_put_into_an_id(at: int, what: str) -> None:
    """It is refused, or it becomes part of a name and nothing else."""
    try:
        found = parse_resource_id(RESOURCE.id[:at] + what + RESOURCE.id[at:])
    except InvalidArgumentValueError:
        return
    assert check_resource_name(found.name).isascii()
    assert check_group_name(found.group) == found.group
    assert found.subscription == SUB


# ---- what is valid ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text", [RESOURCE.id, f" {RESOURCE.id}/\n", RESOURCE.id.replace("resourceGroups", "RESOURCEGROUPS")])
def test_a_resource_id(text: str) -> None:
    assert parse_resource_id(text) == RESOURCE


@pytest.mark.parametrize(("check", "good", "bad"), [
    (check_resource_name, ["a", "A-_9", "n" * 63], ["", "n" * 64, "a.b", "a b", "a/b", "a\n", "\u00e4"]),
    (check_group_name, ["g", "gr\u00fcppe", "a.b", "a(1)", "g" * 90, "-", "_"], ["", "g" * 91, "a.", ".", "a/b", "a b", "a\n", "\u212aiwi"]),
    (check_subscription, [SUB, SUB.upper()], ["", "mine", SUB[:-1], f"{SUB}0", f" {SUB}"]),
    (check_user_assigned, ["a", "9-_", "n" * 128, IDENTITY, IDENTITY.upper()], ["", "-a", "_a", "n" * 129, "a.b", f"{IDENTITY}x/y", RESOURCE.id]),
])
def test_what_is_valid(check: Callable[[str], str], good: list[str], bad: list[str]) -> None:
    assert [check(one) for one in good] == good
    for one in bad:
        with pytest.raises(InvalidArgumentValueError):
            check(one)


@pytest.mark.parametrize(("text", "found"), [
    (IDENTITY, IdentityId(SUB, "rg", "mi")), (IDENTITY.upper() + "/", IdentityId(SUB.upper(), "RG", "MI")), ("mi", None),
    (f" {IDENTITY}", None), (RESOURCE.id, None), (f"{IDENTITY}/x", None)])
def test_an_identity_id(text: str, found: IdentityId | None) -> None:
    assert parse_identity_id(text) == found
    assert found is None or parse_identity_id(found.id) == found


def test_a_name_is_one_in_the_resources_own_group() -> None:
    assert user_assigned_id("mi", RESOURCE) == IDENTITY
    assert user_assigned_id("/x", RESOURCE) == "/x"
