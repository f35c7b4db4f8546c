# SPDX-License-Identifier: MIT
"""The queries to Resource Graph, run on tables by armsim's evaluator."""

from __future__ import annotations

from typing import Any

import pytest
from armsim.kusto import Table, run
from armsim.resource_graph import AUTHORIZATION_COLUMNS, RESOURCE_COLUMNS
from azext_communication_identity.arm import graph
from hypothesis import example, given
from hypothesis import strategies as st

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
ACS = "microsoft.communication/communicationservices"


def identity_id(name: str, group: str = "rg") -> str:
    return f"{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"


def resource(name: str, identity: dict[str, Any] | None = None, kind: str = ACS) -> dict[str, Any]:
    return {**dict.fromkeys(RESOURCE_COLUMNS), "id": f"/{name}", "name": name, "type": kind, "resourceGroup": "rg",
            "subscriptionId": "s", "identity": identity}


def carrying(name: str, *keys: str) -> dict[str, Any]:
    return resource(name, {"type": "UserAssigned", "userAssignedIdentities": {key: {} for key in keys}})


def names(query: str, *rows: dict[str, Any]) -> list[str]:
    return [row["name"] for row in run(query, {"resources": Table(RESOURCE_COLUMNS, list(rows))}).rows]


def test_resources_are_those_of_communication_services_sorted_by_id() -> None:
    rows = [resource("b"), resource("a", {"type": "None"}), resource("c", kind="microsoft.web/sites"),
            resource("d", kind="Microsoft.Communication/CommunicationServices")]
    table = run(graph.resources_query(), {"resources": Table(RESOURCE_COLUMNS, rows)})
    assert [row["name"] for row in table.rows] == ["a", "b", "d"]
    assert table.columns == ("id", "name", "resourceGroup", "subscriptionId", "identity")


FLEET = [
    resource("none"), resource("system", {"type": "SystemAssigned", "principalId": "p"}),
    resource("empty", {"type": "None"}), resource("emptied", {"type": "UserAssigned", "userAssignedIdentities": {}}),
    carrying("one", identity_id("app")), carrying("lower", identity_id("app").lower()),
    carrying("upper", identity_id("app").upper()), carrying("elsewhere", identity_id("app", "rg2")),
    carrying("longer", identity_id("app-2")), carrying("prefixed", identity_id("my-app")),
    carrying("two", identity_id("x"), identity_id("app")),
    resource("other", {"userAssignedIdentities": {identity_id("app"): {}}}, "microsoft.web/sites")]


def test_an_id_finds_this_identity_in_any_casing() -> None:
    for wanted in (identity_id("app"), identity_id("app").lower(), identity_id("app").upper()):
        assert names(graph.resources_query([wanted]), *FLEET) == ["lower", "one", "two", "upper"]


def test_a_name_finds_every_identity_of_that_name() -> None:
    for wanted in ("app", "APP"):
        assert names(graph.resources_query([], [wanted]), *FLEET) == ["elsewhere", "lower", "one", "two", "upper"]


def test_ids_and_names_are_alternatives_and_a_resource_comes_once_for_each() -> None:
    assert names(graph.resources_query([identity_id("x"), identity_id("app-2")], ["app"]), *FLEET) == [
        "elsewhere", "longer", "lower", "one", "two", "two", "upper"]


def test_an_identity_beyond_the_row_limit_of_mv_expand_is_found() -> None:
    many = carrying("many", *(identity_id(f"i{number}") for number in range(300)), identity_id("last"))
    assert names(graph.resources_query([identity_id("last")]), many) == ["many"]


def assignment(number: int, principal: str, scope: str = SUBSCRIPTION) -> dict[str, Any]:
    return {**dict.fromkeys(AUTHORIZATION_COLUMNS), "id": f"/{number}", "name": str(number),
            "type": "microsoft.authorization/roleassignments",
            "properties": {"principalId": principal, "scope": scope, "roleDefinitionId": "/roles/Reader"}}


def definition(guid: str, name: str, kind: str) -> dict[str, Any]:
    return {**dict.fromkeys(AUTHORIZATION_COLUMNS), "id": f"/providers/Microsoft.Authorization/RoleDefinitions/{guid}",
            "name": guid, "type": "microsoft.authorization/roledefinitions",
            "properties": {"roleName": name, "type": kind}}


AUTHORIZATION = {"authorizationresources": Table(AUTHORIZATION_COLUMNS, [
    assignment(2, "AAAA"), assignment(1, "aaaa", "/"), assignment(3, "bbbb"), definition("g1", "Reader", "BuiltInRole"),
    definition("g2", "My Role", "CustomRole"), definition("g3", "Owner", "BuiltInRole")])}


def test_role_assignments_of_principals() -> None:
    rows = run(graph.assignments_query(["aaaa", "cccc"]), AUTHORIZATION).rows
    assert rows == [
        {"id": "/1", "principalId": "aaaa", "scope": "/", "roleDefinitionId": "/roles/Reader"},
        {"id": "/2", "principalId": "AAAA", "scope": SUBSCRIPTION, "roleDefinitionId": "/roles/Reader"}]


def test_role_names_of_built_in_and_custom_roles() -> None:
    ids = ["/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/G1", "g2"]
    assert [(row["name"], row["roleName"]) for row in run(graph.role_names_query(ids), AUTHORIZATION).rows] == [
        ("g1", "Reader"), ("g2", "My Role")]



ONE = {"t": Table(("id",), [{"id": "1"}])}
PRINTABLE = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=30)
NASTY = st.text(st.sampled_from("\\'\"|()[]; ab"), max_size=12)


@given(PRINTABLE | NASTY)
@example("' or 1 == 1 | where id == '")
@example("\\' or '1' == '1")
@example("ends with \\")
def test_a_literal_means_the_text_and_never_more(text: str) -> None:
    assert run(f"t | project x = {graph.kql_quoted(text)}", ONE).rows == [{"x": text}]


@given(PRINTABLE | NASTY)
def test_whatever_the_name_nothing_else_is_found(name: str) -> None:
    others = [row for row in FLEET if row["name"] != "one"]
    found = names(graph.resources_query([], [name]), carrying("wanted", f"/userAssignedIdentities/{name}"),
                  carrying("not", f"/userAssignedIdentities/{name}#"), resource("none"))
    assert found == ["wanted"]
    assert "wanted" not in names(graph.resources_query([f"#{name}"]), carrying("wanted", name), *others)


@given(st.lists(PRINTABLE | NASTY, min_size=1, max_size=4))
def test_lists_are_quoted_too(principals: list[str]) -> None:
    rows = {"authorizationresources": Table(AUTHORIZATION_COLUMNS, [
        *(assignment(number, principal) for number, principal in enumerate(principals)),
        assignment(99, "".join(principals) + "#")])}
    found = [row["principalId"] for row in run(graph.assignments_query(principals), rows).rows]
    assert found == principals


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "\t", "\x00", "\u2028", "\ufeff"])
def test_control_characters_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        graph.kql_quoted(text)
