# SPDX-License-Identifier: MIT
"""What errors of the service say to users, and the commands in them."""

from __future__ import annotations

from typing import Any

import pytest
from azext_communication_identity.actions.wait import Condition, wait
from azext_communication_identity.arm.errors import explained
from azext_communication_identity.arm.identities import gone_error, identity_not_found
from azext_communication_identity.model.answers import Answer, error_text
from azext_communication_identity.model.identities import Identities
from azext_communication_identity.model.requests import Get, RequestError
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.model.role_assignments import create_command, delete_command
from azure.cli.core.azclierror import AzCLIError, BadRequestError, UnauthorizedError
from flow import play

SUB, OTHER = (f"00000000-0000-0000-0000-00000000000{number}" for number in "12")
WHO = "00000000-0000-0000-0000-00000000000c"
RESOURCE = ResourceId(SUB, "rg(1)", "app")
ONE, TWO = (f"/subscriptions/{OTHER}/resourcegroups/rg(2)/providers/Microsoft.ManagedIdentity"
            f"/userAssignedIdentities/{name}" for name in ("one", "two"))
PATH = f"{RESOURCE.id}?api-version=x"


def refused(status: int, code: str, message: str, path: str = PATH, **more: Any) -> tuple[AzCLIError, str]:
    """The error for an answer, and its recommendations."""
    reply = Answer(status, {"error": {"code": code, "message": message, **more}})
    error = explained(RequestError(Get(path), reply))
    assert error is not None
    return error, "\n".join(error.recommendations)


@pytest.mark.parametrize(("code", "path", "command"), [
    ("ScopeLocked", PATH, f'az lock list --resource-group "rg(1)" --subscription {SUB} --output table\n'),
    ("ScopeLocked", PATH.replace("(", "%28"), f'az lock list --resource-group "rg(1)" --subscription {SUB} --'),
    ("ScopeLocked", f"/subscriptions/{SUB}/x", f"az lock list --subscription {SUB} --output table\n"),
    ("ScopeLocked", "/x", "az lock list --output table\n"),
    ("RequestDisallowedByPolicy", PATH,
     f"az policy assignment list --disable-scope-strict-match --subscription {SUB} --output table"),
    ("RequestDisallowedByPolicy", "/x", "az policy assignment list --disable-scope-strict-match --output table"),
    ("FailedIdentityOperation", PATH, f'az identity list --subscription {SUB} --query "[].id" --output tsv'),
    ("FailedIdentityOperation", "/x", 'az identity list --query "[].id" --output tsv'),
])
def test_commands_name_what_was_meant(code: str, path: str, command: str) -> None:
    assert command in refused(400, code, "No.", path)[1]


@pytest.mark.parametrize(("locked", "said"), [
    (f"/subscriptions/{SUB}/resourceGroups/rg(1)", f"A lock on '/subscriptions/{SUB}/resourceGroups/rg(1)'"),
    (f"{RESOURCE.id}/providers/Microsoft.Authorization/locks/keep",
     f"The lock '{RESOURCE.id}/providers/Microsoft.Authorization/locks/keep'"),
])
def test_the_lock_or_what_it_is_on(locked: str, said: str) -> None:
    message = f"The scope '{RESOURCE.id}' cannot perform write operation because following scope(s) are locked: "
    error, _ = refused(409, "ScopeLocked", f"{message}'{locked}'. Please remove the lock and try again.")
    assert str(error) == f"{said} prevents the change."


def test_an_identity_is_looked_for_in_its_own_subscription() -> None:
    _, way_on = refused(400, "FailedIdentityOperation", f"Resource '{ONE}' was not found.")
    assert f"az identity list --subscription {OTHER} " in way_on


def linked(scopes: str) -> str:
    return (f"The client 'c' with object id '{WHO}' has permission to perform action 'x/write' on scope '{RESOURCE.id}';"
            " however, it does not have permission to perform action 'x/assign/action' on the linked scope(s) "
            f"{scopes} or the linked scope(s) are invalid.")


@pytest.mark.parametrize("scopes", [f"'{ONE}','{TWO}'", f"'{ONE}', '{TWO}'", f"'{ONE},{TWO}'", f"'{ONE}, {TWO},{ONE}'"])
def test_each_linked_scope_gets_its_command(scopes: str) -> None:
    error, way_on = refused(403, "LinkedAuthorizationFailed", linked(scopes))
    assert str(error) == f"You don't have permission to assign the user-assigned identities '{ONE}', '{TWO}'."
    assert way_on.splitlines()[1:] == [
        f'az role assignment create --role "Managed Identity Operator" --assignee {WHO} --scope "{one}"'
        for one in (ONE, TWO)]


def test_one_linked_scope_is_one() -> None:
    assert f"identity '{ONE}'." in str(refused(403, "LinkedAuthorizationFailed", linked(f"'{ONE}'"))[0])
    assert "linked scope(s) x" in str(refused(403, "LinkedAuthorizationFailed", linked("x"))[0])


@pytest.mark.parametrize(("status", "code"), [
    (401, "ExpiredAuthenticationToken"), (401, "InvalidAuthenticationToken"), (401, "AuthenticationFailed"),
    (401, "InvalidAuthenticationTokenTenant"), (403, "InvalidAuthenticationTokenTenant"), (401, "")])
def test_a_token_that_is_not_taken(status: int, code: str) -> None:
    error, way_on = refused(status, code, "The access token is bad.")
    assert isinstance(error, UnauthorizedError)
    assert "The access token is bad." in str(error)
    assert way_on == "To log in again, run:\naz login"


def test_the_reason_in_the_details() -> None:
    details = [{"code": "InvalidQuery", "message": "Query is invalid.", "details": [{"Message": "Line 1."}]}, None]
    error, _ = refused(400, "BadRequest", "Please provide this.", details=details)
    assert isinstance(error, BadRequestError)
    assert str(error) == "(BadRequest) Please provide this. (InvalidQuery) Query is invalid. Line 1."


@pytest.mark.parametrize("code", ["X", "ScopeLocked", "AuthorizationFailed"])
def test_half_a_character_can_be_printed(code: str) -> None:
    error, way_on = refused(403, code, "perform action 'a\ud800' over scope '/\ud800', scope(s) are locked: '/\ud800'")
    assert r"\ud800" in f"{error} {way_on}"


@pytest.mark.parametrize(("error", "words"), [
    ({}, ""), ({"code": 5, "message": {"a": None}}, ""), ({"code": "X", "message": None, "details": "x"}, "(X)"),
    ({"code": "X", "details": [{"code": "X"}, {"code": "X"}, {"message": "y"}]}, "(X) y"),
    ({"details": [{"message": str(number)} for number in range(9)]}, "0 1 2 3 4"),
])
def test_the_words_of_an_error(error: dict[str, Any], words: str) -> None:
    assert error_text(error) == words


def test_details_within_details_have_no_end() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"details": [deep]}
    assert error_text(deep) == ""


def test_commands_with_names_that_a_shell_would_split() -> None:
    assert create_command("/s/my scope", "It's $5", "p") == (
        "az role assignment create --role 'It'\"'\"'s $5' --assignee-object-id p "
        '--assignee-principal-type ServicePrincipal --scope "/s/my scope"')
    assert delete_command(["/a", "/r(1)"]) == 'az role assignment delete --ids /a "/r(1)"'
    gone = play(gone_error(RESOURCE, Identities(False, (ONE,)), [ONE])).result
    assert gone.recommendations == [
        f'To remove them, run:\naz communication identity remove --ids "{RESOURCE.id}" --user-assigned "{ONE}" --yes']
    absent = play(identity_not_found(ONE, RESOURCE), Answer(200, {"value": []})).result.recommendations
    assert absent == [
        f'To list the identities in its subscription, run:\naz identity list --subscription {OTHER} --query "[].id" '
        "--output tsv\nTo create it, run:\n"
        f'az identity create --name one --resource-group "rg(2)" --subscription {OTHER}']
    _, way_on = play(wait(RESOURCE, Condition(deleted=True), 1, 0), Answer(200, {
        "id": RESOURCE.id, "properties": {}})).message
    assert f'az resource show --ids "{RESOURCE.id}"' in way_on[0]
