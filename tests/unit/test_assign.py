# SPDX-License-Identifier: MIT
"""`assign`, played by hand: what it reads, in which order, and what it says wherever it ends."""

from __future__ import annotations

from asyncio import CancelledError
from typing import Any

import pytest
from azext_communication_identity.actions.assign import AssignOptions, assign, identities_to_look_up
from azext_communication_identity.arm.errors import explained
from azext_communication_identity.arm.identities import Found
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply
from azext_communication_identity.model.requests import (
    Get,
    GetResource,
    GetUserAssignedIdentity,
    Put,
    Sleep,
    UpdateIdentity,
)
from azext_communication_identity.model.resource_id import IdentityId, ResourceId
from azext_communication_identity.model.role_assignments import Role, create_command, new_assignment
from azext_communication_identity.model.unfinished import UnfinishedError
from azure.cli.core.azclierror import AuthenticationError, ResourceNotFoundError, ValidationError
from flow import Played, play

SUB, OTHER = (f"00000000-0000-0000-0000-00000000000{letter}" for letter in "ab")
RESOURCE = ResourceId(SUB, "rg", "app")
PRINCIPAL, NEW = (f"00000000-0000-0000-0000-0000000000{letters}" for letters in ("aa", "bb"))
ONE = IdentityId(SUB, "rg", "one").id
SCOPE = f"/subscriptions/{SUB}/resourceGroups/ai"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ROLE = Role(f"/subscriptions/{SUB}/providers/Microsoft.Authorization/roleDefinitions/{READER}", "Reader")
SYSTEM = {"type": "SystemAssigned", "principalId": PRINCIPAL, "tenantId": "t"}
DEFINITION = Answer(200, {"properties": {"roleName": "Reader"}})
NONE_THERE = Answer(200, {"value": []})
GONE = Answer(404, {"error": {"code": "ResourceNotFound"}})
COMMAND = create_command(SCOPE, "Reader", PRINCIPAL)


def has(block: Any = None, **more: Any) -> Answer:
    return Answer(200, {"id": RESOURCE.id, "identity": block}, {"etag": "e"}, **more)


def user(principal: str | None = PRINCIPAL, *identities: str) -> dict[str, Any]:
    return {"type": "UserAssigned", "userAssignedIdentities": {
        one: {"clientId": "c", "principalId": principal} for one in identities or (ONE,)}}


def identity(principal: str = PRINCIPAL) -> Answer:
    return Answer(200, {"id": ONE, "properties": {"clientId": "c", "principalId": principal}})


def granted(principal: str = PRINCIPAL, scope: str = SCOPE) -> Answer:
    return Answer(201, new_assignment(scope, ROLE, principal))


def run(*replies: Reply, fail_at: tuple[int, BaseException] | None = None, **options: Any) -> Played:
    return play(assign(RESOURCE, AssignOptions(**{"system_assigned": True, **options})), *replies, fail_at=fail_at)


def with_role(*replies: Reply, fail_at: tuple[int, BaseException] | None = None, **options: Any) -> Played:
    """Assign the system-assigned identity and grant it Reader."""
    return run(DEFINITION, *replies, fail_at=fail_at, **{"roles": [READER], "scopes": [SCOPE], **options})


def kinds(played: Played) -> list[str]:
    return [type(request).__name__ for request in played.requests]


def test_one_read_and_one_write() -> None:
    played = run(has(), has(SYSTEM))
    assert kinds(played) == ["GetResource", "UpdateIdentity"]
    assert played.result == SYSTEM
    assert kinds(run(has(SYSTEM))) == ["GetResource"]


def test_a_role_is_looked_up_before_and_granted_after_the_write() -> None:
    played = with_role(has(), has(SYSTEM), NONE_THERE, granted())
    assert kinds(played) == ["SharedGet", "GetResource", "UpdateIdentity", "Get", "Put"]
    assert [(one["roleName"], one["scope"], one["principalId"]) for one in played.result["roleAssignments"]] == [
        ("Reader", SCOPE, PRINCIPAL)]
    there = Answer(200, {"value": [{**granted().body, "id": f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments/x"}]})
    again = with_role(has(SYSTEM), there)
    assert kinds(again) == ["SharedGet", "GetResource", "Get"]
    assert again.result["roleAssignments"][0]["id"].endswith("/x")


def test_each_role_at_each_scope_for_each_identity() -> None:
    both = {**SYSTEM, **user(NEW), "type": "SystemAssigned,UserAssigned"}
    grants = [reply for principal in (PRINCIPAL, NEW) for scope in (SCOPE, f"{SCOPE}2")
              for reply in (NONE_THERE, granted(principal, scope))]
    played = run(DEFINITION, DEFINITION, has(), has(both), *grants, roles=[READER], scopes=[SCOPE, f"{SCOPE}2"], user_assigned=["one"])
    assert [(one["principalId"], one["scope"]) for one in played.result["roleAssignments"]] == [
        (principal, scope) for principal in (PRINCIPAL, NEW) for scope in (SCOPE, f"{SCOPE}2")]


def test_a_role_waits_for_the_principal_also_with_no_wait() -> None:
    bare = {"type": "SystemAssigned"}
    played = with_role(has(bare), has(SYSTEM), NONE_THERE, granted(), wait=False)
    assert [type(step) for step in played.steps][1:4] == [GetResource, Sleep, GetResource]
    assert kinds(run(has(), Answer(202), wait=False)) == ["GetResource", "UpdateIdentity"]


@pytest.mark.parametrize("options", [{}, {"dry_run": True}])
def test_a_map_of_another_form_that_nothing_changes(options: Any) -> None:
    played = run(has({**SYSTEM, "userAssignedIdentities": "strange"}), **options)
    assert played.result == ({"id": RESOURCE.id, "before": SYSTEM, "after": SYSTEM, "roleAssignments": [], "changes": False}
                             if options else SYSTEM)


@pytest.mark.parametrize(("scope", "tenants", "delegated"), [
    (SCOPE, {}, False), (SCOPE, {SUB: "customer"}, True), (SCOPE, {OTHER: "customer"}, False),
    (f"/subscriptions/{OTHER}", {OTHER: "customer"}, True),
    ("/providers/Microsoft.Management/managementGroups/x", {SUB: "customer"}, True)])
@pytest.mark.parametrize("system", [True, False])
def test_a_subscription_that_is_managed_from_another_tenant(scope: str, tenants: dict[str, str], delegated: bool, system: bool) -> None:
    block = SYSTEM if system else user()
    played = with_role(has(), has(block), NONE_THERE, granted(scope=scope), scopes=[scope], customer_tenants=tenants,
                       system_assigned=system, user_assigned=[] if system else [ONE])
    sent = played.requests[-1]
    assert isinstance(sent, Put)
    assert sent.body["properties"].get("delegatedManagedIdentityResourceId") == (
        (RESOURCE.id if system else ONE) if delegated else None)
    assert sent.address.endswith("&tenantId=customer") is delegated


# ---- the named user-assigned identities ------------------------------------------------------------------------------

@pytest.mark.parametrize(("held", "now", "is_new"), [
    (PRINCIPAL, PRINCIPAL, False), (PRINCIPAL, PRINCIPAL.upper(), False), (PRINCIPAL, NEW, True), (None, NEW, True)])
def test_an_identity_that_was_created_again(held: str | None, now: str, is_new: bool, caplog: pytest.LogCaptureFixture) -> None:
    mend = (f"To assign the new one, run:\naz communication identity remove --ids {RESOURCE.id} --user-assigned {ONE} --yes\n"
            f"az communication identity assign --ids {RESOURCE.id} --user-assigned {ONE}")
    what = f"'{ONE}' was deleted and created again. 'app' still holds the old identity, which no longer works."
    played = run(has(user(held)), identity(now), system_assigned=False, user_assigned=["one"])
    assert kinds(played) == ["GetResource", "GetUserAssignedIdentity"]
    assert [record.getMessage() for record in caplog.records] == ([f"{what} {mend}"] if is_new else [])
    if is_new:
        refused = with_role(has(user(held)), identity(now), system_assigned=False, user_assigned=["one"])
        assert isinstance(refused.error, ValidationError)
        assert refused.message == (f"{what} No role was granted, and nothing was changed.", [mend])


def test_an_identity_whose_ids_only_settle() -> None:
    settling = {"type": "UserAssigned", "userAssignedIdentities": {ONE: {}}}
    assert run(has(settling), identity(), system_assigned=False, user_assigned=["one"]).error is None


@pytest.mark.parametrize("roles", [True, False])
def test_an_identity_that_cant_be_looked_up(roles: bool, caplog: pytest.LogCaptureFixture) -> None:
    denied = Answer(403, {"error": {"code": "X", "message": "No."}})
    options: dict[str, Any] = {"system_assigned": False, "user_assigned": ["one"]}
    played = with_role(has(user()), denied, NONE_THERE, granted(), **options) if roles else run(has(user()), denied, **options)
    assert played.error is None
    assert [record.getMessage() for record in caplog.records] == (
        [f"Can't check whether '{ONE}' is still the identity that 'app' holds: (X) No."] if roles else [])


def test_what_was_looked_up_for_all_resources_is_not_looked_up_again() -> None:
    known = {ONE.lower(): Found({"id": ONE, "principalId": PRINCIPAL})}
    played = run(has(user()), system_assigned=False, user_assigned=["ONE"], known=known)
    assert kinds(played) == ["GetResource"]
    gone = run(has(), Answer(200, {"value": []}), system_assigned=False, user_assigned=["one"], known={ONE.lower(): Found({})})
    assert isinstance(gone.error, ResourceNotFoundError)
    assert kinds(gone) == ["GetResource", "ListUserAssignedIdentities"]


def test_each_identity_is_looked_up_once() -> None:
    resources = [RESOURCE, ResourceId(SUB, "RG", "b"), ResourceId(OTHER, "rg", "c")]
    options = AssignOptions(user_assigned=["one", ONE.upper(), "two"])
    assert [one.id.lower() for one in identities_to_look_up(resources, options)] == [
        IdentityId(subscription, "rg", name).id.lower() for subscription in (SUB, OTHER) for name in ("one", "two")
        if (subscription, name) != (OTHER, "x")]


# ---- refused ---------------------------------------------------------------------------------------------------------

def refusal(status: int, code: str, message: str = "m") -> Answer:
    return Answer(status, {"error": {"code": code, "message": message}})


NAMES = f"The resource '{ONE}' (/userAssignedIdentities/) was not found."
REFUSALS = [refusal(400, "FailedIdentityOperation"), refusal(403, "LinkedAuthorizationFailed"), refusal(404, "X", NAMES),
            refusal(400, "X", NAMES)]


@pytest.mark.parametrize("answer", REFUSALS)
def test_an_identity_that_does_not_exist_is_named_whatever_the_code(answer: Answer) -> None:
    played = run(has(), answer, GONE, Answer(200, {"value": [{"id": f"{ONE}2"}]}), system_assigned=False, user_assigned=["one"])
    assert isinstance(played.error, ResourceNotFoundError)
    assert played.message == ("There is no user-assigned identity 'one' in resource group 'rg'.", ["Did you mean 'one2'?"])


@pytest.mark.parametrize("answer", REFUSALS)
def test_an_identity_that_the_resource_already_has_and_that_is_gone(answer: Answer) -> None:
    played = run(has(user()), answer, GONE)
    assert played.message == (
        f"'app' has user-assigned identities that no longer exist: {ONE}. You can't change its identities until you remove these.",
        [f"To remove them, run:\naz communication identity remove --ids {RESOURCE.id} --user-assigned {ONE} --yes"])


@pytest.mark.parametrize("answer", REFUSALS)
def test_a_refusal_stands_if_all_exist(answer: Answer) -> None:
    for found in (identity(), refusal(403, "X")):
        assert run(has(user()), answer, found).refused.reply is answer


@pytest.mark.parametrize("answer", [refusal(403, "AuthorizationFailed"), refusal(404, "ResourceNotFound"), refusal(409, "ScopeLocked")])
def test_another_refusal_is_not_looked_into(answer: Answer) -> None:
    assert run(has(user()), answer).refused.reply is answer


def test_an_operation_that_fails_for_an_identity() -> None:
    started = Answer(202, headers={"azure-asyncoperation": "https://management.azure.com/op"})
    failed = Answer(200, {"status": "Failed", "error": {"code": "FailedIdentityOperation", "message": "m"}})
    played = run(has(), started, failed, GONE, Answer(200, {"value": []}), system_assigned=False, user_assigned=["one"])
    assert isinstance(played.error, UnfinishedError)
    assert isinstance(played.cause, ResourceNotFoundError)
    assert played.error.accepted.startswith("The service accepted the change to 'app', but the operation ended with status 'failed'")


# ---- wherever it ends ------------------------------------------------------------------------------------------------

WHOLE = [has(), has(SYSTEM), NONE_THERE, granted()]
FAILURES = [CancelledError(), AuthenticationError("No token.")]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("at", range(3))
def test_before_the_write_nothing_is_to_be_said(at: int, failure: BaseException) -> None:
    assert with_role(*WHOLE, fail_at=(at, failure)).error is failure


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: type(one).__name__)
def test_while_the_write_is_followed_the_role_is_left(failure: BaseException) -> None:
    played = with_role(has(), Answer(202), has(SYSTEM), fail_at=(3, failure))
    assert isinstance(played.error, UnfinishedError)
    assert played.error.accepted == "The service accepted the change to 'app' and may have made it."
    assert played.error.remaining == ("The role was not granted. To grant it, run the command again.",)
    without = run(has(), Answer(202), has(SYSTEM), fail_at=(2, failure)).error
    assert isinstance(without, UnfinishedError)
    assert without.remaining == ()


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("at", [3, 4])
def test_while_the_role_is_granted_its_command_is_left(at: int, failure: BaseException) -> None:
    played = with_role(*WHOLE, fail_at=(at, failure))
    assert isinstance(played.error, UnfinishedError)
    assert (played.cause, played.error.accepted) == (
        failure, "The identity is assigned to 'app', but the role was not granted.")
    assert played.error.remaining == (f"To finish, ask someone who can assign roles there to run:\n{COMMAND}",)
    error = explained(played.error)
    assert error is not None
    assert COMMAND in str(error)


def test_only_what_is_left_is_named() -> None:
    scopes = [SCOPE, f"{SCOPE}2", f"{SCOPE}3"]
    played = run(*[DEFINITION] * 3, has(SYSTEM), NONE_THERE, granted(), NONE_THERE, refusal(403, "X"), roles=[READER], scopes=scopes,
                 fail_at=(8, CancelledError()))
    assert isinstance(played.error, UnfinishedError)
    assert played.error.remaining == ("To finish, ask someone who can assign roles there to run:\n"
                                      + "\n".join(create_command(scope, "Reader", PRINCIPAL) for scope in scopes[1:]),)


def test_a_grant_that_is_refused() -> None:
    played = run(*[DEFINITION] * 2, has(SYSTEM), NONE_THERE, refusal(403, "X"), NONE_THERE, granted(scope=f"{SCOPE}2"), roles=[READER],
                 scopes=[SCOPE, f"{SCOPE}2"])
    assert isinstance(played.error, UnfinishedError)
    assert played.message == ("The identity is assigned to 'app', and 1 of 2 role assignments were created, but the role "
                              "was not granted:\n(X) m", [])
    assert played.error.remaining == (f"To finish, ask someone who can assign roles there to run:\n{COMMAND}",)


def test_a_principal_that_is_not_shown() -> None:
    both = {**user(None), "type": "SystemAssigned,UserAssigned", "principalId": PRINCIPAL, "tenantId": "t"}
    late = [has(both, at=seconds) for seconds in (1.0, 2.0, 40.0)]
    played = with_role(late[0], refusal(403, "X"), late[1], late[2], NONE_THERE, granted(),
                       user_assigned=["one"])
    assert played.message == (
        "The identity is assigned to 'app', and 1 of 2 role assignments were created, but the role was not granted:\n"
        f"The service doesn't show the principal ID of {ONE} yet.", [])
    assert isinstance(played.error, UnfinishedError)
    assert played.error.remaining == (
        "To grant the role to the identities without a principal ID, run the command again.",)


# ---- what would change -----------------------------------------------------------------------------------------------

def test_a_dry_run_reads_what_the_run_would() -> None:
    played = with_role(has(), identity(), NONE_THERE, system_assigned=False, user_assigned=["one"], dry_run=True)
    assert [type(one) for one in played.requests][1:] == [GetResource, GetUserAssignedIdentity, Get]
    assert played.result["changes"] is True
    assert played.result["after"] == user()
    assert played.result["roleAssignments"] == [
        {"change": "create", "roleName": "Reader", "scope": SCOPE, "identity": ONE, "principalId": PRINCIPAL}]
    assert "unverified" not in played.result


def test_a_dry_run_names_what_it_cant_verify(caplog: pytest.LogCaptureFixture) -> None:
    played = run(has(), *[NoAnswer("never", permanent=True)], system_assigned=False, user_assigned=["one"], dry_run=True)
    assert played.result["unverified"] == [ONE]
    assert f"Can't check whether the user-assigned identity '{ONE}' exists" in caplog.text


def test_a_dry_run_of_what_is_there() -> None:
    there = Answer(200, {"value": [granted().body]})
    played = with_role(has(SYSTEM), there, dry_run=True)
    assert (played.result["changes"], played.result["roleAssignments"]) == (False, [])
    assert not any(isinstance(one, UpdateIdentity) for one in played.requests)
    assert isinstance(with_role(has({"type": "Magic"}), dry_run=True).error, Exception)
