# SPDX-License-Identifier: MIT
"""Role assignments, created, listed and deleted, and what doesn't exist: only ARM's own word counts."""

from __future__ import annotations

from typing import Any

import pytest
from azext_communication_identity.actions.wait import Condition, wait
from azext_communication_identity.arm.identities import find_identity, missing_identities
from azext_communication_identity.arm.roles import (
    OPTIONAL_SECONDS,
    assignments_of,
    create_assignment,
    delete_assignment,
    resolve_role,
)
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply
from azext_communication_identity.model.requests import Get, Put
from azext_communication_identity.model.resource_id import IdentityId, ResourceId
from azext_communication_identity.model.role_assignments import Role, new_assignment, plain_assignments
from flow import play

SUB = "00000000-0000-0000-0000-000000000001"
SCOPE = f"/subscriptions/{SUB}/resourceGroups/rg"
GUID = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ROLE = Role(f"/subscriptions/{SUB}/providers/Microsoft.Authorization/roleDefinitions/{GUID}", "Reader")
PRINCIPAL = "00000000-0000-0000-0000-0000000000aa"
ID = f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments/{GUID}"
IDENTITY = IdentityId(SUB, "rg", "one").id
PAGE = Answer(200, None, text="<html>Sign in</html>")
EMPTY = Answer(200, {"value": []})
HIDDEN = [PAGE._replace(status=404), Answer(404, {"error": {"code": "SubscriptionNotFound"}})]


def there(**properties: str) -> dict[str, Any]:
    """The role assignment as the service shows it."""
    made = new_assignment(SCOPE, ROLE, PRINCIPAL)
    return {**made, "properties": {**made["properties"], **properties}}


# ---- creating ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("properties", [{}, {"scope": SCOPE.upper()}, {"principalId": PRINCIPAL.upper()},
                                        {"roleDefinitionId": f"/x/{GUID.upper()}"}])
def test_the_new_role_assignment_is_the_answer(properties: dict[str, str]) -> None:
    played = play(create_assignment(SCOPE, ROLE, PRINCIPAL), Answer(201, there(**properties)))
    assert (played.result["roleName"], played.result["principalId"]) == ("Reader", PRINCIPAL)


DOUBTFUL = [PAGE, Answer(200, {}), Answer(204), Answer(200, []), Answer(201, there(principalId=GUID)),
            Answer(201, there(scope=f"/subscriptions/{SUB}")), Answer(201, there(roleDefinitionId="/x/y")),
            Answer(201, {**there(), "id": SCOPE})]


@pytest.mark.parametrize("doubtful", DOUBTFUL)
def test_any_other_answer_is_settled_by_reading(doubtful: Reply) -> None:
    found = Answer(200, {"value": [{**there(), "id": ID}]})
    assert play(create_assignment(SCOPE, ROLE, PRINCIPAL), doubtful, found).result["id"] == ID


@pytest.mark.parametrize("doubtful", DOUBTFUL)
def test_what_is_not_there_is_created_again(doubtful: Reply) -> None:
    played = play(create_assignment(SCOPE, ROLE, PRINCIPAL), doubtful, EMPTY, Answer(201, there()))
    assert [type(request) for request in played.requests] == [Put, Get, Put]
    assert played.result["principalId"] == PRINCIPAL


def test_what_never_is_there_is_an_error() -> None:
    played = play(create_assignment(SCOPE, ROLE, PRINCIPAL), *[PAGE, EMPTY] * 4)
    assert played.refused.reply == NoAnswer("The service's response is not the new role assignment.")
    assert isinstance(played.refused.request, Put)


# ---- deleting ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("answer", [Answer(200, there()), Answer(200), Answer(204), Answer(200, None, text="null"),
                                    Answer(404, {"error": {"code": "ResourceNotFound"}})])
def test_it_is_deleted(answer: Reply) -> None:
    assert len(play(delete_assignment(ID), answer).requests) == 1


def test_a_page_is_no_deletion() -> None:
    assert play(delete_assignment(ID), PAGE, Answer(200, []), Answer(204)).error is None
    assert isinstance(play(delete_assignment(ID), PAGE, PAGE, PAGE).refused.reply, NoAnswer)
    for reply in HIDDEN:
        assert play(delete_assignment(ID), reply).refused.reply == reply


@pytest.mark.parametrize("reply", HIDDEN)
def test_what_cant_be_seen_may_exist(reply: Answer) -> None:
    found = play(find_identity(IDENTITY), reply).result
    assert (found.properties, found.error.reply, found.is_gone) == ({}, reply, False)
    assert play(missing_identities([IDENTITY]), reply).result == []
    assert play(resolve_role(GUID, SCOPE, SUB), reply).refused.reply == reply
    assert play(wait(ResourceId(SUB, "rg", "app"), Condition(deleted=True), 1, 0), reply).refused.reply == reply


def test_what_arm_knows_nothing_of_is_absent() -> None:
    reply = Answer(404, {"error": {"code": "ResourceNotFound"}})
    assert play(missing_identities([IDENTITY]), reply).result == [IDENTITY]
    assert "There is no role" in play(resolve_role(GUID, SCOPE, SUB), reply).message[0]
    assert play(wait(ResourceId(SUB, "rg", "app"), Condition(deleted=True), 1, 0), reply).error is None


# ---- listing -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": "x"}, {"value": [1]}])
def test_a_list_without_items_is_no_answer(body: Any) -> None:
    assert "no 'value'" in str(play(assignments_of(SUB, PRINCIPAL, optional=True), Answer(200, body)).refused)


def test_every_page_of_an_optional_list_counts() -> None:
    first = Answer(200, {"value": [there()], "nextLink": "/next"})
    played = play(assignments_of(SUB, PRINCIPAL, optional=True), first, Answer(200, {"value": [{**there(), "id": ID}]}))
    assert [one["id"] for one in played.result] == [there()["id"], ID]
    assert [(one.patience, one.timeout) for one in played.requests] == [(0.0, OPTIONAL_SECONDS)] * 2


@pytest.mark.parametrize("second", [Answer(503), PAGE, NoAnswer("x"), Answer(200, {})])
def test_half_an_optional_list_is_no_answer(second: Reply) -> None:
    first = Answer(200, {"value": [there()], "nextLink": "/next"})
    played = play(assignments_of(SUB, PRINCIPAL, optional=True), first, second)
    assert played.refused.request.path == "/next"
    assert played.sleeps == []


def test_an_optional_list_delays_nothing() -> None:
    pages = [Answer(200, {"value": [], "nextLink": f"/{second}"}, at=second) for second in (10, 13, 15)]
    assert "too long" in str(play(assignments_of(SUB, PRINCIPAL, optional=True), *pages).refused)


@pytest.mark.parametrize("bad", [
    SCOPE, "", "/", f"{ID}/more", f"{ID}?x", f"{ID}#x", f"{SCOPE}/../..{ID}", ID.replace(GUID, ".."), f"{ID}%2f..",
    ID.replace("roleAssignments", "roleDefinitions"), ID.replace("Microsoft.Authorization", "Microsoft.Other"),
    ID.replace("/providers/Microsoft.Authorization", ""), f"https://evil.example{ID}", f"{ID}\n", f"{ID}/"])
def test_what_is_no_role_assignment_is_never_returned(bad: str) -> None:
    good = [ID, ID.upper(), ID.replace(SCOPE, ""), ID.replace("/rg/", "/r g(1)/"), ID.replace("/rg/", "/gr\u00fcppe/")]
    found = [{**there(), "id": one} for one in (bad, *good)]
    assert [one["id"] for one in plain_assignments(found, PRINCIPAL)] == good
