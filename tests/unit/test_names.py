# SPDX-License-Identifier: MIT
"""Names and IDs from people: any letter in any place, and errors that tell one ID from the other."""

from __future__ import annotations

import re

import pytest
from azext_communication_identity.model.quoting import for_display
from azext_communication_identity.model.resource_id import ResourceId, check_group_name, check_resource_name, check_user_assigned, parse_resource_id
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


@pytest.mark.parametrize("group", ["g", "g" * 90])
def test_errors_tell_one_long_id_from_another(group: str) -> None:
    one, other = (ResourceId(SUB, group, "n" * 63 + end).id for end in "ab")
    assert for_display(one) == f"'{one}'"
    assert for_display(one) != for_display(other)
    assert for_display("x" * 500 + "a") != for_display("x" * 500 + "b")
    assert len(for_display("x" * 10_000)) < 250
