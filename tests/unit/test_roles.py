# SPDX-License-Identifier: MIT
"""Role assignments, created, listed and deleted, and what doesn't exist: only ARM's own word counts."""

from __future__ import annotations

from typing import Any

import pytest
from azext_communication_identity.actions.wait import Condition, wait
from azext_communication_identity.arm.identities import find_identity, missing_identities
from azext_communication_identity.arm.roles import (
    OPTIONAL_SECONDS,
    Delegation,
    assignment_at,
    assignments_of,
    create_assignment,
    delete_assignment,
    resolve_role,
    role_name_of,
)
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply
from azext_communication_identity.model.requests import Delete, Get, Put, SharedGet, Sleep
from azext_communication_identity.model.resource_id import IdentityId, ResourceId
from azext_communication_identity.model.role_assignments import Role, new_assignment, plain_assignments
from azure.cli.core.azclierror import InvalidArgumentValueError, ResourceNotFoundError
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


def test_the_name_of_a_role_that_is_not_built_in() -> None:
    own = Role(f"/subscriptions/{SUB}/providers/Microsoft.Authorization/roleDefinitions/{PRINCIPAL}", "My role")
    made = new_assignment(SCOPE, own, PRINCIPAL)
    assert play(create_assignment(SCOPE, own, PRINCIPAL), Answer(201, made)).result["roleName"] == "My role"
    exists = Answer(409, {"error": {"code": "RoleAssignmentExists"}})
    for list_ in (Answer(200, {"value": [made]}), EMPTY):
        assert play(create_assignment(SCOPE, own, PRINCIPAL), exists, list_).result["roleName"] == "My role"


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
    late = PAGE._replace(at=181.0)
    assert play(create_assignment(SCOPE, ROLE, PRINCIPAL), PAGE, EMPTY, late, EMPTY).refused.reply.at == 181.0


def test_a_role_is_found_even_if_the_filter_minds_the_case() -> None:
    every = Answer(200, {"value": [{"id": ROLE.id, "properties": {"roleName": "Reader"}}]})
    assert play(resolve_role("reader", SCOPE, SUB), EMPTY, every).result == ROLE


# ---- deleting ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("answer", [Answer(200, there()), Answer(200), Answer(204), Answer(200, None, text="null"),
                                    Answer(404, {"error": {"code": "ResourceNotFound"}})])
def test_it_is_deleted(answer: Reply) -> None:
    assert len(play(delete_assignment(ID), answer).requests) == 1


def test_a_page_is_no_deletion() -> None:
    assert play(delete_assignment(ID), PAGE, Answer(200, []), Answer(204)).error is None
    never = play(delete_assignment(ID), PAGE, PAGE, PAGE._replace(at=5.0)).refused.reply
    assert never == NoAnswer("The service's response to the deletion is not JSON.", at=5.0)
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


def test_a_list_waits_for_the_service_unless_it_is_optional() -> None:
    plain = Get(f"/subscriptions/{SUB}/providers/Microsoft.Authorization/roleAssignments?{VERSION}&$filter="
                f"principalId%20eq%20%27{PRINCIPAL}%27")
    slow = [Answer(200, {"value": [there()], "nextLink": "/next"}), Answer(200, {"value": []}, at=60.0)]
    played = play(assignments_of(SUB, PRINCIPAL), Answer(503), *slow)
    assert played.requests[:2] == [plain, plain]
    assert [one["id"] for one in played.result] == [there()["id"]]


def test_a_role_assignment_that_cant_be_read_may_be_any() -> None:
    played = play(assignments_of(SUB, PRINCIPAL), Answer(200, {"value": [there(), {"id": ID, "properties": None}]}))
    assert played.refused.request == played.requests[0]
    assert played.refused.reply == NoAnswer("The service's list contains a role assignment that can't be read.", permanent=True)


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


# ---- roles ---------------------------------------------------------------------------------------------------------

DEFINITIONS = f"{SCOPE}/providers/Microsoft.Authorization/roleDefinitions"
VERSION = "api-version=2022-04-01"
LIST_ROLES = 'To list the roles, run:\naz role definition list --query "[].roleName" --output tsv'


def role(name: Any, role_id: Any = ROLE.id) -> dict[str, Any]:
    return {"id": role_id, "properties": {"roleName": name}}


def refused(status: int, code: str = "X", message: str = "m", at: float = 0.0) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message}}, at=at)


@pytest.mark.parametrize(("reply", "name"), [
    (Answer(200, role("My Reader")), "My Reader"), (Answer(200, {}), "Reader"), (Answer(200, role(None)), "Reader"),
    (refused(403), "Reader")])
@pytest.mark.parametrize("text", [GUID, ROLE.id])
def test_a_role_by_id(text: str, reply: Answer, name: str) -> None:
    """A login without permission to read it can still grant it."""
    played = play(resolve_role(text, SCOPE, SUB), reply)
    assert played.requests == [SharedGet(f"{DEFINITIONS}/{GUID}?{VERSION}")]
    assert played.result == Role(ROLE.id, name)


def test_what_a_role_by_id_permits() -> None:
    definition = {"id": ROLE.id, "properties": {"permissions": [{"actions": ["*/read"]}]}}
    assert play(resolve_role(GUID, SCOPE, SUB), Answer(200, definition)).result.permissions == [{"actions": ["*/read"]}]
    other = {**definition, "id": ROLE.id.replace(GUID, PRINCIPAL)}
    assert play(resolve_role(GUID, SCOPE, SUB), Answer(200, other)).result.permissions is None


def test_a_role_by_id_that_does_not_exist() -> None:
    played = play(resolve_role(GUID, SCOPE, SUB), refused(404))
    assert isinstance(played.error, ResourceNotFoundError)
    assert played.message == (f"There is no role '{GUID}' at scope '{SCOPE}'.", [LIST_ROLES])
    assert play(resolve_role(GUID, SCOPE, SUB), refused(401)).refused.reply.status == 401


def test_a_role_by_name() -> None:
    found = Answer(200, {"value": [role("Other"), role("It's ROLE", "/r"), role(5), role("It's role", 5), {}]})
    played = play(resolve_role("it's role", SCOPE, SUB), found)
    assert played.requests == [SharedGet(f"{DEFINITIONS}?{VERSION}&$filter=roleName%20eq%20%27it%27%27s%20role%27")]
    assert played.result == Role("/r", "It's ROLE")


@pytest.mark.parametrize(("every", "way_on"), [
    ([role("Reader"), role("Storage Reader"), role("x")], "Did you mean one of these?\nReader\nStorage Reader"),
    ([role("Reader 4444"), role("Reader 333"), role("Reader 22"), role("Reader 1"), role("", "/r"), {}],
     "Did you mean one of these?\nReader 1\nReader 22\nReader 333"), ([role("x")], LIST_ROLES), ([], LIST_ROLES)])
def test_a_role_that_does_not_exist(every: list[Any], way_on: str) -> None:
    played = play(resolve_role("reade", SCOPE, SUB), EMPTY, Answer(200, {"value": every}))
    assert isinstance(played.error, InvalidArgumentValueError)
    assert played.message == (f"There is no role 'reade' at scope '{SCOPE}'.", [way_on])
    assert played.requests[1] == SharedGet(f"{DEFINITIONS}?{VERSION}")


@pytest.mark.parametrize(("reply", "name"), [
    (Answer(200, role("Mine")), "Mine"), (Answer(200, role("")), GUID), (refused(403), GUID), (Answer(503), GUID)])
def test_the_name_of_a_role(reply: Answer, name: str) -> None:
    played = play(role_name_of(ROLE.id), reply)
    assert (played.result, played.requests) == (name, [SharedGet(f"{ROLE.id}?{VERSION}")])


# ---- creating, again and again ---------------------------------------------------------------------------------------

def why(sleeps: list[Sleep]) -> list[tuple[float, str]]:
    return [(one.seconds, one.why) for one in sleeps]


def test_what_is_sent() -> None:
    made = new_assignment(SCOPE, ROLE, PRINCIPAL)
    properties = {"roleDefinitionId": ROLE.id, "principalId": PRINCIPAL, "principalType": "ServicePrincipal"}
    assert play(create_assignment(SCOPE, ROLE, PRINCIPAL), Answer(201, there())).requests == [
        Put(f"{made['id']}?{VERSION}", {"properties": properties})]
    delegated = play(create_assignment(SCOPE, ROLE, PRINCIPAL, Delegation("customer", "/x")), Answer(201, there()))
    assert delegated.requests == [Put(f"{made['id']}?{VERSION}&tenantId=customer", {
        "properties": {**properties, "delegatedManagedIdentityResourceId": "/x"}})]


def test_a_principal_that_entra_does_not_know_yet() -> None:
    unknown = [refused(400, "PrincipalNotFound", at=float(seconds)) for seconds in (0, 2, 6, 14, 24, 34)]
    played = play(create_assignment(SCOPE, ROLE, PRINCIPAL), *unknown, Answer(201, there()))
    assert why(played.sleeps) == [(seconds, "Microsoft Entra ID to know the new principal") for seconds in (2.0, 4.0, 8.0, 10.0, 10.0, 10.0)]
    assert played.result["roleName"] == "Reader"
    late = [refused(400, "PrincipalNotFound", at=at) for at in (10.0, 190.0, 190.1)]
    assert play(create_assignment(SCOPE, ROLE, PRINCIPAL), *late).refused.reply is late[-1]


@pytest.mark.parametrize("failure", [Answer(500), Answer(503), NoAnswer("reset")])
def test_a_failure_of_the_service_is_retried_three_times(failure: Reply) -> None:
    played = play(create_assignment(SCOPE, ROLE, PRINCIPAL), *[failure] * 3, Answer(201, there()))
    assert why(played.sleeps) == [(seconds, "the service to answer again") for seconds in (2.0, 4.0, 8.0)]
    assert play(create_assignment(SCOPE, ROLE, PRINCIPAL), *[failure] * 4).refused.reply is failure


@pytest.mark.parametrize("reply", [refused(400), refused(403, "AuthorizationFailed"), refused(409), Answer(302),
                                   NoAnswer("slow", timed_out=True), NoAnswer("Interrupted.", permanent=True)])
def test_any_other_refusal_stands(reply: Reply) -> None:
    assert play(create_assignment(SCOPE, ROLE, PRINCIPAL), reply).refused.reply is reply


EXISTS = "The role assignment already exists."


@pytest.mark.parametrize(("message", "found"), [
    (f"{EXISTS} The ID of the existing role assignment is {GUID.replace('-', '')}.", ID), (f"{EXISTS} It is {SCOPE}/providers/Microsoft.Authorization/roleAssignments/{GUID}.", ID), (EXISTS, None)])
def test_one_that_exists_and_cant_be_read(message: str, found: str | None) -> None:
    """Never an ID that doesn't exist."""
    exists = refused(409, "RoleAssignmentExists", message)
    for list_ in (EMPTY, refused(403)):
        result = play(create_assignment(SCOPE, ROLE, PRINCIPAL), exists, list_).result
        assert result.get("id") == found
        assert (result["roleName"], result["principalId"]) == ("Reader", PRINCIPAL)
    read = play(create_assignment(SCOPE, ROLE, PRINCIPAL), exists, Answer(200, {"value": [{**there(), "id": ID}]}))
    assert read.result["id"] == ID
    assert play(create_assignment(SCOPE, ROLE, PRINCIPAL), exists, refused(401)).refused.reply.status == 401


@pytest.mark.parametrize(("properties", "is_it"), [
    ({}, True), ({"scope": SCOPE.upper()}, True), ({"roleDefinitionId": f"/x/{GUID.upper()}"}, True), ({"scope": f"{SCOPE}/x"}, False),
    ({"roleDefinitionId": "/x/y"}, False), ({"principalId": GUID}, False)])
def test_the_assignment_at_a_scope(properties: dict[str, str], is_it: bool) -> None:
    played = play(assignment_at(SCOPE, ROLE, PRINCIPAL), Answer(200, {"value": [there(**properties)]}))
    assert bool(played.result) is is_it
    assert played.requests == [Get(f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments?{VERSION}&$filter="
                                   f"principalId%20eq%20%27{PRINCIPAL}%27")]


@pytest.mark.parametrize("failure", [Answer(500), NoAnswer("reset"), NoAnswer("slow", timed_out=True)])
def test_a_deletion_is_retried_twice(failure: Reply) -> None:
    played = play(delete_assignment(ID), failure, failure, Answer(204))
    assert why(played.sleeps) == [(1.0, "the service to answer again"), (3.0, "the service to answer again")]
    assert played.requests == [Delete(f"{ID}?{VERSION}")] * 3
    assert play(delete_assignment(ID), *[failure] * 3).refused.reply is failure
    assert play(delete_assignment(ID), refused(409)).refused.reply.status == 409
