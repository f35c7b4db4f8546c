# SPDX-License-Identifier: MIT
"""Roles and role assignments as data."""

from __future__ import annotations

from typing import Any

import pytest
from azext_communication_identity.model.resource_id import last_segment
from azext_communication_identity.model.role_assignments import (
    Role,
    check_role,
    check_scope,
    create_command,
    delete_command,
    new_assignment,
    plain_assignment,
    role_by_id,
    role_name,
)
from azure.cli.core.azclierror import InvalidArgumentValueError

SUB = "00000000-0000-0000-0000-00000000000a"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
DEFINITION = "/providers/Microsoft.Authorization/roleDefinitions"
ROLE = f"/subscriptions/{SUB}{DEFINITION}/{READER}"


@pytest.mark.parametrize("role", [
    "Reader", "a", "r" * 512, "C: my role", "http role", READER, ROLE, ROLE.upper(), f"{DEFINITION}/{READER}", "Größe"])
def test_takes_a_role(role: str) -> None:
    assert check_role(f" {role}\n") == role


@pytest.mark.parametrize("role", [
    "", " ", "r" * 513, "a\x07b", "a\u202eb", "/x", f"{ROLE}/x", "C:/x", "z:\\x", "http:x"])
def test_refuses_what_is_no_role(role: str) -> None:
    with pytest.raises(InvalidArgumentValueError):
        check_role(role)


@pytest.mark.parametrize("scope", [
    f"/subscriptions/{SUB}", f"/Subscriptions/{SUB.upper()}/resourceGroups/größe", "/providers/a b/c/d",
    f"/subscriptions/{SUB}/resourceGroups/rg/providers/X.Y/z/XX"])
def test_takes_a_scope(scope: str) -> None:
    assert check_scope(f" {scope}/ ") == scope
    assert check_scope(scope + "/") == scope


@pytest.mark.parametrize("scope", [
    "", "/", "subscriptions", "/subscriptions/mine", f"/subscriptions/{SUB}/..", f"/subscriptions/{SUB}//x",
    f"/subscriptions/{SUB}/x%2f", f"/subscriptions/{SUB}/x?y", f"/subscriptions/{SUB}/x\x7f",
    f"/subscriptions/{SUB}/ x"])
def test_refuses_what_is_no_scope(scope: str) -> None:
    with pytest.raises(InvalidArgumentValueError):
        check_scope(scope)


@pytest.mark.parametrize(("text", "expected"), [
    ("Reader", None), ("", None), (f"{READER} ", None), (READER, Role(ROLE, "Reader")),
    (READER.upper(), Role(f"/subscriptions/{SUB}{DEFINITION}/{READER.upper()}", "Reader")),
    (SUB, Role(f"/subscriptions/{SUB}{DEFINITION}/{SUB}", SUB)),
    (ROLE, Role(ROLE, "Reader")), (f"{DEFINITION}/{READER}", Role(f"{DEFINITION}/{READER}", "Reader")),
])
def test_role_by_id(text: str, expected: Role | None) -> None:
    assert role_by_id(text, SUB) == expected


def test_role_names() -> None:
    assert last_segment("/a/b/c") == "c"
    assert last_segment("c") == "c"
    assert Role("/a/b", "x").guid == "b"
    assert [role_name(f"/x/{one}") for one in (READER, READER.upper(), "other")] == ["Reader", "Reader", "other"]


def test_a_new_assignment() -> None:
    """Its name is the same in every run, whatever the casing."""
    name = "e28374ae-cd48-5b3b-880e-ac7b503584d6"
    made = new_assignment("/subscriptions/S", Role(ROLE, "Reader"), "P-1")
    assert made == {"id": f"/subscriptions/S/providers/Microsoft.Authorization/roleAssignments/{name}", "name": name,
                    "properties": {"scope": "/subscriptions/S", "roleDefinitionId": ROLE, "principalId": "P-1"}}
    assert new_assignment("/subscriptions/s", Role(ROLE.upper(), ""), "p-1")["name"] == name


@pytest.mark.parametrize(("name", "shown"), [(None, "Reader"), ("", "Reader"), ("Mine", "Mine")])
def test_an_assignment_as_it_is_printed(name: str | None, shown: str) -> None:
    properties: dict[str, Any] = {"roleDefinitionId": ROLE, "scope": "/s", "principalId": "p", "createdOn": "x"}
    assert plain_assignment({"id": "/a", "name": "a", "properties": properties}, name) == {
        "id": "/a", "roleName": shown, "roleDefinitionId": ROLE, "scope": "/s", "principalId": "p"}


def test_the_command_that_grants() -> None:
    assert create_command("/s", "Key Vault Reader", "p") == (
        'az role assignment create --role "Key Vault Reader" --assignee-object-id p '
        '--assignee-principal-type ServicePrincipal --scope /s')


def test_the_command_that_deletes() -> None:
    assert delete_command(["/a/b", "/a/b c"]) == 'az role assignment delete --ids /a/b "/a/b c"'
