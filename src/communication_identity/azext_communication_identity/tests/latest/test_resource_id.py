# SPDX-License-Identifier: MIT
"""Resource IDs and names from people."""

from __future__ import annotations

import pytest
from azure.cli.core.azclierror import InvalidArgumentValueError

from azext_communication_identity.model.quoting import for_display
from azext_communication_identity.model.resource_id import (
    ResourceId,
    check_group_name,
    check_resource_name,
    check_subscription,
    check_user_assigned,
    parse_resource_id,
    user_assigned_id,
)

SUB = "00000000-0000-0000-0000-00000000000a"
RESOURCE = ResourceId(SUB, "rg", "app")
IDENTITY = f"/subscriptions/{SUB}/resourcegroups/g.1/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mi_1"


@pytest.mark.parametrize("text", [RESOURCE.id, RESOURCE.id.upper(), RESOURCE.id.lower(), RESOURCE.id + "/",
                                  f" {RESOURCE.id}\n"])
def test_parses_a_resource_id_in_any_casing(text: str) -> None:
    assert parse_resource_id(text).id.lower() == RESOURCE.id.lower()


def test_a_group_may_have_letters_that_others_look_like() -> None:
    assert parse_resource_id(RESOURCE.id.replace("/rg/", "/kiwis-KIWIS.größe/")).group == "kiwis-KIWIS.größe"


@pytest.mark.parametrize("text", [
    "", " ", "app", IDENTITY, RESOURCE.id + "/domains/x", RESOURCE.id.replace("app", ""),
    RESOURCE.id.replace("app", "a/../b"), RESOURCE.id.replace("app", "a%2f"), RESOURCE.id.replace("app", "a b"),
    RESOURCE.id.replace("app", "a" * 64), RESOURCE.id.replace("app", "ä"), RESOURCE.id.replace(SUB, "mine"),
    RESOURCE.id.replace("rg", ".."), RESOURCE.id.replace("rg", "rg."), RESOURCE.id.replace("rg", "r g"),
    "https://management.azure.com" + RESOURCE.id, RESOURCE.id + "?api-version=1", RESOURCE.id + "\x00",
    RESOURCE.id.replace("resource", "re\u017fource"), RESOURCE.id.replace("/sub", "/\u017fub"),
])
def test_refuses_what_is_no_resource_id(text: str) -> None:
    with pytest.raises(InvalidArgumentValueError) as caught:
        parse_resource_id(text)
    assert for_display(text) in str(caught.value)
    assert "az communication identity list" in caught.value.recommendations[0]


@pytest.mark.parametrize("name", ["a", "a" * 63, "my-app_1", "-"])
def test_takes_a_resource_name(name: str) -> None:
    assert check_resource_name(name) == name


@pytest.mark.parametrize("name", ["", " ", "a b", "a" * 64, "a.b", "a/b", "..", "a%20", "a?b", "a#b", "ä", "a\n"])
def test_refuses_a_bad_resource_name(name: str) -> None:
    with pytest.raises(InvalidArgumentValueError, match="not a valid name for a Communication Services resource"):
        check_resource_name(name)


@pytest.mark.parametrize("name", ["g", "my.group_(1)", "a" * 90, "größe"])
def test_takes_a_group_name(name: str) -> None:
    assert check_group_name(name) == name


@pytest.mark.parametrize("name", ["", " ", "g.", "..", ".", "a" * 91, "a/b", "a%2fb", "a?b", "a b", "a\n",
                                  "\u212aiwi", "te\u017ft"])
def test_refuses_a_bad_group_name(name: str) -> None:
    with pytest.raises(InvalidArgumentValueError, match="not a valid name for a resource group"):
        check_group_name(name)


def test_refuses_a_subscription_that_is_no_guid() -> None:
    assert check_subscription(SUB) == SUB
    with pytest.raises(InvalidArgumentValueError, match="'My Subscription' is not a subscription"):
        check_subscription("My Subscription")


@pytest.mark.parametrize(("value", "expected"), [
    (IDENTITY, IDENTITY),
    (IDENTITY + "/", IDENTITY),
    (f" {IDENTITY.upper()} ", IDENTITY.upper()),
    ("mi_1", f"/subscriptions/{SUB}/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mi_1"),
])
def test_resolves_an_identity(value: str, expected: str) -> None:
    assert user_assigned_id(check_user_assigned(value), RESOURCE) == expected


@pytest.mark.parametrize(("value", "message", "way_on"), [
    ("", "--user-assigned contains an empty value", "az identity list"),
    (" \t", "--user-assigned contains an empty value", "az identity list"),
    ("[system]", "'[system]' is not a user-assigned identity", "--system-assigned"),
    (SUB, f"'{SUB}' is a client ID or a principal ID", f"principalId=='{SUB}'"),
    (RESOURCE.id, "is not a valid name or resource ID", "az identity list"),
    ("a/b", "'a/b' is not a valid name or resource ID", "az identity list"),
    ("a\x07b", r"'a\x07b' is not a valid name", "az identity list"),
    ("x" * 10000, "…xxx", "az identity list"),
    (IDENTITY.replace("g.1", ".."), "is not a valid name", "az identity list"),
    (IDENTITY + "%2f..", "is not a valid name", "az identity list"),
    (IDENTITY.replace("resource", "re\u017fource"), "is not a valid name", "az identity list"),
    ("null", "the result of an empty query", "--output tsv"),
    ("None", "the result of an empty query", "--output tsv"),
    ("??", "doesn't support '??'", "assign --help"),
    (f"[0]={IDENTITY}", "setting one element of a list", f"--user-assigned {IDENTITY}"),
    ("[-1]", "setting one element of a list", "--user-assigned ID_OR_NAME"),
    ("https://management.azure.com" + IDENTITY, "is not a valid name", "az identity list"),
])
def test_refuses_what_is_no_identity(value: str, message: str, way_on: str) -> None:
    with pytest.raises(InvalidArgumentValueError) as caught:
        check_user_assigned(value)
    assert message in str(caught.value)
    assert way_on in caught.value.recommendations[0]
    assert len(str(caught.value)) < 400
