# SPDX-License-Identifier: MIT
"""Reading Resource Graph page by page."""

from __future__ import annotations

from typing import Any

import pytest
from azext_communication_identity.arm.graph import assignments_everywhere, graph_rows, role_names
from azext_communication_identity.model.answers import Answer, NoAnswer
from azext_communication_identity.model.requests import Query, Sleep
from flow import play


def page(name: str, left: str = "5", resets: str = "00:00:05", token: str | None = None) -> Answer:
    return Answer(200, {"data": [{"name": name}], "$skipToken": token},
                  {"x-ms-user-quota-remaining": left, "x-ms-user-quota-resets-after": resets})


@pytest.mark.parametrize(("left", "resets", "pauses"), [
    ("1", "00:00:05", []), ("0", "00:00:05", [5.0]), ("0", "00:15:00", [900.0]),
    ("0", "00:15:01", []), ("0", "99:59:59", [])])  # a refusal then says how long it asks to wait
def test_the_quota_is_waited_for_unless_it_takes_too_long(left: str, resets: str, pauses: list[float]) -> None:
    played = play(graph_rows("q", lambda row: row["name"]), page("a", left, resets, "t"), page("b"))
    assert played.result == (["a", "b"], "")
    assert played.sleeps == [Sleep(seconds, "Azure Resource Graph to grant another query") for seconds in pauses]


def test_a_refusal_says_how_long_the_quota_takes() -> None:
    refused = Answer(429, headers={"x-ms-user-quota-resets-after": "99:59:59"})
    played = play(graph_rows("q", dict), page("a", "0", "99:59:59", "t"), refused)
    assert played.refused.reply is refused


@pytest.mark.parametrize(("data", "most", "said"), [
    ([{"name": "a"}], 10_000, "10,000 pages were read."),
    ([], 101, "101 pages were read, and the last 101 were empty.")])
def test_an_answer_without_end(data: list[dict[str, str]], most: int, said: str) -> None:
    endless = [Answer(200, {"data": data, "$skipToken": str(number)}) for number in range(most)]
    played = play(graph_rows("q", lambda row: row["name"]), *endless)
    assert played.refused.reply == NoAnswer(f"Azure Resource Graph's response has no end: {said}", permanent=True)
    assert played.refused.request == played.requests[-1]
    last = play(graph_rows("q", lambda row: row["name"]), *endless[1:], page("b"))
    assert last.result[0] == [*["a"] * (len(data) * (most - 1)), "b"]


# ---- incomplete ------------------------------------------------------------------------------------------------------

LIMIT = {"x-ms-tenant-subscription-limit-hit": "True"}
SEVERAL = ("The list is incomplete: Azure Resource Graph searches at most 10,000 subscriptions, and you have access to "
           "more.")
TRUNCATED = "The list is incomplete: Azure Resource Graph truncated its response."


@pytest.mark.parametrize(("last", "incomplete"), [
    (Answer(200, {"data": []}, LIMIT), SEVERAL), (Answer(200, {"data": [], "resultTruncated": "true"}, LIMIT), SEVERAL),
    (Answer(200, {"data": [], "resultTruncated": "true"}), TRUNCATED), (Answer(200, {"data": [], "resultTruncated": True}), TRUNCATED),
    (Answer(200, {"data": [], "resultTruncated": "false"}), ""), (Answer(200, {"data": []}), "")])
def test_the_services_own_word_that_rows_are_missing(last: Answer, incomplete: str) -> None:
    assert play(graph_rows("q", dict), page("a", token="t"), last).result == ([{"name": "a"}], incomplete)
    everywhere = play(assignments_everywhere([WHO]), last)
    assert everywhere.result == (None if incomplete else [])
    if incomplete:
        assert everywhere.refused.reply == NoAnswer(incomplete, permanent=True)


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}, {"data": [{}, 1]}])
def test_an_answer_without_rows(body: dict[str, Any]) -> None:
    reply = NoAnswer("Azure Resource Graph's response has no 'data'.", permanent=True)
    played = play(graph_rows("q", dict), Answer(200, body))
    assert (played.refused.reply, played.refused.request) == (reply, played.requests[0])


@pytest.mark.parametrize("token", ["t", 5, ["t"]])
def test_a_page_that_was_read_already(token: Any) -> None:
    answers = [Answer(200, {"data": [], "$skipToken": token})] * (2 if token == "t" else 1)
    reply = NoAnswer("Azure Resource Graph links back to a page that was already read.", permanent=True)
    played = play(graph_rows("q", dict), *answers)
    assert (played.refused.reply, played.refused.request) == (reply, played.requests[-1])


def test_what_is_asked() -> None:
    played = play(graph_rows("q", dict), page("a", token="t"), page("b"))
    options = {"$top": 1000, "resultFormat": "objectArray", "allowPartialScopes": True,
               "authorizationScopeFilter": "AtScopeAboveAndBelow"}
    assert played.requests == [Query({"query": "q", "options": options}),
                               Query({"query": "q", "options": {**options, "$skipToken": "t"}})]


# ---- role assignments and roles --------------------------------------------------------------------------------------

WHO = "00000000-0000-0000-0000-0000000000aa"


def test_the_role_assignments_of_many_principals_take_a_query_for_each_200() -> None:
    principals = [f"00000000-0000-0000-0000-{number:012}" for number in range(401)]
    row = {"id": "/providers/Microsoft.Authorization/roleAssignments/x", "principalId": principals[400].upper(), "scope": "/",
           "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/r"}
    rows = [row, {**row, "principalId": WHO}, {**row, "principalId": WHO, "scope": None}]
    played = play(assignments_everywhere(principals), Answer(200, {"data": [{**row, "principalId": principals[0]}]}),
                  Answer(200, {"data": []}), Answer(200, {"data": rows}))
    assert [(one["id"], one["principalId"]) for one in played.result] == [(row["id"], principals[0]), (row["id"], row["principalId"])]
    for number, request in enumerate(played.requests):
        assert isinstance(request, Query)
        assert [one in request.body["query"] for one in principals] == [index // 200 == number for index in range(401)]


def test_the_names_of_roles() -> None:
    rows = [{"name": "A", "roleName": "One"}, {"name": "b", "roleName": None}, {"name": "c", "roleName": ""}, {"name": ""},
            {"roleName": "Two"}]
    played = play(role_names(["/x/b", "/x/a", "/y/A"]), Answer(200, {"data": rows}))
    assert played.result == {"a": "One"}
    (request,) = played.requests
    assert isinstance(request, Query)
    assert "| where name in~ ('a', 'b') |" in request.body["query"]


def test_a_role_assignment_that_cant_be_read_may_be_any() -> None:
    played = play(assignments_everywhere([WHO]), Answer(200, {"data": [{"id": "x", "principalId": WHO}]}))
    assert isinstance(played.refused.request, Query)
    assert WHO in played.refused.request.body["query"]
    assert "can't be read" in str(played.refused)
