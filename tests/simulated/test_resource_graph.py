# SPDX-License-Identifier: MIT
"""armsim's Resource Graph: rows, pages, scopes, rights and lag, through the requests that the extension sends."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from armsim import SHAPES, Armsim, ArmState, ManualClock, resource_graph
from azext_communication_identity.arm import graph

PRINCIPAL = "00000000-0000-0000-0000-0000000000aa"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
OTHER = "00000000-0000-0000-0000-000000000002"
MANAGEMENT_GROUP = "/providers/Microsoft.Management/managementGroups/mg"


@pytest.fixture
def state() -> ArmState:
    state = ArmState(ManualClock())
    state.add_subscription(OTHER, "other")
    return state


def ask(state: ArmState, query: str, api_version: str = "2021-03-01", page_size: int = 1000, **body: Any
        ) -> dict[str, Any]:
    return resource_graph.answer(state.graph_rows(), state.authorization_rows(), {"query": query, **body}, api_version,
                                 page_size)


def scopes(state: ArmState, *args: Any, **body: Any) -> list[str]:
    rows = ask(state, graph.assignments_query([PRINCIPAL]), *args, **body)["data"]
    return sorted(row["scope"] for row in rows)


def test_rows_of_resources(state: ArmState) -> None:
    identity = state.add_user_identity("id", "Group")
    resource = state.add_resource("app", "Group", identity={
        "type": "UserAssigned", "userAssignedIdentities": {identity: {}}})
    other = state.add_resource("bare", "Group", subscription=OTHER)
    assert ask(state, graph.resources_query())["data"] == [
        {"id": resource, "name": "app", "resourceGroup": "group", "subscriptionId": state.SUBSCRIPTION,
         "identity": state.identity_of(resource)},
        {"id": other, "name": "bare", "resourceGroup": "group", "subscriptionId": OTHER, "identity": None}]
    assert [row["id"] for row in ask(state, graph.resources_query(), subscriptions=[OTHER.upper()])["data"]] == [other]
    assert [row["id"] for row in ask(state, graph.resources_query([identity.upper()]))["data"]] == [resource]
    state.hide_subscription(OTHER)
    assert [row["id"] for row in ask(state, graph.resources_query())["data"]] == [resource]


def test_pages(state: ArmState) -> None:
    ids = [state.add_resource(f"app{number}", "g") for number in range(5)]
    first = ask(state, graph.resources_query(), page_size=2)
    assert (first["totalRecords"], first["count"], first["resultTruncated"]) == (5, 2, "false")
    seen, options = list(first["data"]), {"$skipToken": first["$skipToken"], "$top": 2}
    while "$skipToken" in options:
        page = ask(state, graph.resources_query(), options=options)
        seen += page["data"]
        options = {"$skipToken": page["$skipToken"], "$top": 2} if "$skipToken" in page else {}
    assert [row["id"] for row in seen] == ids
    unpaged = ask(state, "resources | order by id asc | project name", options={"$top": 2})
    assert unpaged["resultTruncated"] == "true"
    assert "$skipToken" not in unpaged
    with pytest.raises(ValueError, match="order"):
        ask(state, "resources | project id", options={"$top": 2})


@pytest.mark.parametrize("body", [{"facets": []}, {"options": {"$skip": 1}}, {"options": {"resultFormat": "table"}},
                                  {"options": {"authorizationScopeFilter": "AtScopeAboveAndBelow"}}])
def test_what_is_not_simulated_is_refused(state: ArmState, body: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        ask(state, graph.resources_query(), **body)


def test_role_assignments_everywhere_and_how_far_the_scope_filter_goes(state: ArmState) -> None:
    here, there = f"/subscriptions/{state.SUBSCRIPTION}", f"/subscriptions/{OTHER}/resourceGroups/g"
    for scope in (here, there, MANAGEMENT_GROUP):
        state.add_role_assignment(scope, READER, PRINCIPAL)
    assert scopes(state) == [here, there]
    for scope_filter, expected in {"AtScopeAndBelow": [here, there], "AtScopeExact": [here],
                                   "AtScopeAndAbove": [MANAGEMENT_GROUP, here],
                                   "AtScopeAboveAndBelow": [MANAGEMENT_GROUP, here, there]}.items():
        assert scopes(state, "2022-10-01", options={"authorizationScopeFilter": scope_filter}) == expected
    assert scopes(state, subscriptions=[OTHER]) == [there]
    state.hide_subscription(OTHER)
    assert scopes(state) == [here]


def test_role_ids_and_names(state: ArmState) -> None:
    custom = state.add_role("It's Mine")
    for role in (READER, custom):
        state.add_role_assignment(f"/subscriptions/{state.SUBSCRIPTION}", role, PRINCIPAL)
    rows = ask(state, graph.assignments_query([PRINCIPAL.upper()]))["data"]
    assert {row["roleDefinitionId"] for row in rows} == {
        f"/providers/Microsoft.Authorization/RoleDefinitions/{role}" for role in (READER, custom)}
    named = ask(state, graph.role_names_query([row["roleDefinitionId"] for row in rows]))["data"]
    assert {(row["name"], row["roleName"]) for row in named} == {(READER, "Reader"), (custom, "It's Mine")}
    arm = f"/subscriptions/{state.SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{custom}"
    assert state.authorization.definition(custom)["id"] == arm
    assert [row["roleName"] for row in ask(state, graph.role_names_query([arm]))["data"]] == ["It's Mine"]
    assert len(state.authorization.definitions(f"/subscriptions/{state.SUBSCRIPTION}", "roleName eq 'it''s mine'")) == 1
    assert not state.authorization.definitions(f"/subscriptions/{OTHER}", "roleName eq 'it''s mine'")


def test_role_assignments_lag(state: ArmState) -> None:
    state.options.graph_lag_seconds = 60
    scope = f"/subscriptions/{state.SUBSCRIPTION}"
    assignment = state.add_role_assignment(scope, READER, PRINCIPAL)
    older = state.add_role_assignment(f"{scope}/resourceGroups/old", READER, PRINCIPAL, age=3600)
    assert scopes(state) == [f"{scope}/resourceGroups/old"]
    state.clock.sleep(60)
    assert len(scopes(state)) == 2
    state.authorization.delete(assignment)
    state.authorization.delete(older)
    assert len(scopes(state)) == 2  # deleted, and still shown
    state.clock.sleep(60)
    assert scopes(state) == []


def test_resources_lag_behind_the_end_of_an_operation(state: ArmState) -> None:
    state.options.graph_lag_seconds = 60
    state.options.patch = SHAPES["load-test"]
    resource = state.add_resource("app", "g")
    state.patch_resource(resource, {"identity": {"type": "SystemAssigned"}})

    def shown() -> tuple[str | None, str]:
        row, = ask(state, graph.resources_query())["data"]
        return (row["identity"] or {}).get("type"), state.get_resource(resource)[0]["properties"]["provisioningState"]

    assert shown() == (None, "Updating")
    state.clock.sleep(SHAPES["load-test"].seconds + 59)
    assert shown() == (None, "Succeeded")
    state.clock.sleep(1)
    assert shown() == ("SystemAssigned", "Succeeded")


def test_resources_lag(state: ArmState) -> None:
    state.options.graph_lag_seconds = 60
    resource = state.add_resource("app", "g")
    new = resource.replace("/app", "/new")
    state.put_resource(new, {"location": "global", "properties": {"dataLocation": "unitedstates"}})
    for kind in ("SystemAssigned", "None"):
        state.patch_resource(resource, {"identity": {"type": kind}})
        state.clock.sleep(20)

    def shown() -> list[tuple[str, str | None]]:
        found = ask(state, graph.resources_query())["data"]
        return [(row["name"], (row["identity"] or {}).get("type")) for row in found]

    assert shown() == [("app", None)]
    state.clock.sleep(25)
    assert shown() == [("app", "SystemAssigned"), ("new", None)]
    state.clock.sleep(20)
    assert shown() == [("app", "None"), ("new", None)]


def test_only_what_can_be_read_is_found(state: ArmState) -> None:
    mine = state.add_resource("app", "mine")
    state.add_resource("app", "theirs")
    group = mine.split("/providers")[0]
    state.add_role_assignment(group, READER, PRINCIPAL)
    state.add_role_assignment(f"/subscriptions/{state.SUBSCRIPTION}", READER, PRINCIPAL)
    state.grant_only({group: ["Reader"]})
    assert [row["id"] for row in ask(state, graph.resources_query())["data"]] == [mine]
    assert scopes(state) == [group]
    state.grant_only({})
    assert ask(state, graph.resources_query())["data"] == []
    assert scopes(state) == []


def test_over_http_an_unknown_query_is_a_violation() -> None:
    with Armsim(ManualClock()) as sim, requests.Session() as session:
        session.trust_env = False
        sim.state.add_role_assignment(MANAGEMENT_GROUP, READER, PRINCIPAL)

        def post(query: str) -> requests.Response:
            options = {"authorizationScopeFilter": "AtScopeAboveAndBelow", "resultFormat": "objectArray"}
            return session.post(f"{sim.url}/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01",
                                json={"query": query, "options": options}, timeout=10, verify=sim.ca_file)

        answer = post(graph.assignments_query([PRINCIPAL]))
        assert [row["scope"] for row in answer.json()["data"]] == [MANAGEMENT_GROUP]
        assert "x-ms-user-quota-remaining" in answer.headers
        sim.verify()
        assert post("resources | summarize count()").status_code == 404
        with pytest.raises(AssertionError, match="unknown operator 'summarize'"):
            sim.verify()
