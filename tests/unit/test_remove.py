# SPDX-License-Identifier: MIT
"""`remove`, played by hand: what it reads, what it asks, and what it says wherever it ends."""

from __future__ import annotations

from asyncio import CancelledError
from typing import Any

import pytest
from azext_communication_identity.actions.remove import Removal, RemoveOptions, remove
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply
from azext_communication_identity.model.identities import NONE, SYSTEM_ASSIGNED, Identities
from azext_communication_identity.model.requests import Ask, Delete, GetResource, UpdateIdentity
from azext_communication_identity.model.resource_id import IdentityId, ResourceId
from azext_communication_identity.model.role_assignments import delete_command
from azext_communication_identity.model.unfinished import UnfinishedError
from azext_communication_identity.model.update import Snapshot
from azext_communication_identity.runner.terminal import Consent
from azure.cli.core.azclierror import (
    AuthenticationError,
    AzureResponseError,
    RequiredArgumentMissingError,
    ResourceNotFoundError,
)
from flow import Played, play

SUB = "00000000-0000-0000-0000-00000000000a"
RESOURCE = ResourceId(SUB, "rg", "app")
PRINCIPAL, NEW = (f"00000000-0000-0000-0000-0000000000{letters}" for letters in ("aa", "bb"))
ONE, TWO = (IdentityId(SUB, "rg", name).id for name in ("one", "two"))
SYSTEM = {"type": "SystemAssigned", "principalId": PRINCIPAL}
NOTHING = Answer(200, {"value": []})
NO_ROWS = Answer(200, {"data": []})
SEE = f"To see its current identities, run:\naz communication identity show --ids {RESOURCE.id}"


def has(block: Any = None, **more: Any) -> Answer:
    return Answer(200, {"id": RESOURCE.id, "identity": block}, {"etag": "e"}, **more)


def users(*identities: str, system: bool = False) -> dict[str, Any]:
    return {**(SYSTEM if system else {}), "type": "SystemAssigned,UserAssigned" if system else "UserAssigned",
            "userAssignedIdentities": {one: {"clientId": "c", "principalId": NEW} for one in identities}}


def assignment(name: str, principal: str = PRINCIPAL, subscription: str = SUB) -> dict[str, Any]:
    scope = f"/subscriptions/{subscription}"
    return {"id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}", "properties": {
        "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/y", "principalId": principal, "scope": scope}}


def listed(*assignments: dict[str, Any]) -> Answer:
    return Answer(200, {"value": list(assignments)})


def rows(*assignments: dict[str, Any]) -> Answer:
    return Answer(200, {"data": [{"id": one["id"], **one["properties"]} for one in assignments]})


def run(*replies: Reply, fail_at: tuple[int, BaseException] | None = None, **options: Any) -> Played:
    return play(remove(RESOURCE, RemoveOptions(**options)), *replies, fail_at=fail_at)


def system(*replies: Reply, fail_at: tuple[int, BaseException] | None = None, **options: Any) -> Played:
    return run(has(SYSTEM), *replies, fail_at=fail_at, **{"system_assigned": True, **options})


def kinds(played: Played) -> list[str]:
    return [type(step).__name__ for step in played.steps]


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


# ---- what goes -------------------------------------------------------------------------------------------------------

def test_one_read_and_one_write() -> None:
    played = run(has(users(ONE, TWO)), has(users(TWO)), user_assigned=["one"])
    assert kinds(played) == ["GetResource", "UpdateIdentity"]
    assert played.result == users(TWO)
    assert kinds(system(NOTHING, has())) == ["GetResource", "Get", "UpdateIdentity"]


def test_all_user_assigned_identities() -> None:
    played = run(has(users(ONE, TWO, system=True)), has(SYSTEM), user_assigned=[])
    (patch,) = (one for one in played.requests if isinstance(one, UpdateIdentity))
    assert patch.body == {"identity": {"type": "SystemAssigned"}}


@pytest.mark.parametrize(("options", "said"), [
    ({"system_assigned": True}, "'app' has no system-assigned identity. There is nothing to remove."),
    ({"user_assigned": []}, "'app' has no user-assigned identity. There is nothing to remove.")])
def test_nothing_to_remove(options: Any, said: str, caplog: pytest.LogCaptureFixture) -> None:
    played = run(has(), **options)
    assert (kinds(played), played.result, messages(caplog)) == (["GetResource"], {"type": "None"}, [said])


@pytest.mark.parametrize("named", [[], ["one"]])
def test_something_to_remove_beside_what_isnt_there(named: list[str], caplog: pytest.LogCaptureFixture) -> None:
    run(has(users(ONE)), has(), system_assigned=True, user_assigned=named)
    assert "'app' has no system-assigned identity." in messages(caplog)


@pytest.mark.parametrize(("named", "said", "ways"), [
    (["two"], "'two' isn't assigned to 'app'. Nothing was removed.", ["It has these user-assigned identities: 'one'."]),
    (["one", "TWO", IdentityId(SUB, "other", "three").id],
     f"'TWO', '{IdentityId(SUB, 'other', 'three').id}' aren't assigned to 'app'. Nothing was removed.",
     ["It has these user-assigned identities: 'one'."])])
def test_an_identity_that_isnt_assigned(named: list[str], said: str, ways: list[str]) -> None:
    played = run(has(users(ONE)), user_assigned=named, system_assigned=True)
    assert isinstance(played.error, ResourceNotFoundError)
    assert played.message == (said, ways)
    assert run(has(), user_assigned=["two"]).message[1] == ["It has no user-assigned identities."]


# ---- the question ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("block", "options", "is_destructive"), [
    (SYSTEM, {"system_assigned": True}, True), (users(ONE, system=True), {"system_assigned": True}, True),
    (users(ONE), {"user_assigned": ["one"]}, True), (users(ONE, TWO), {"user_assigned": ["one"]}, False),
    (users(ONE, system=True), {"user_assigned": []}, True), (users(ONE, system=True), {"user_assigned": ["one"]}, False),
    ({}, {"user_assigned": []}, False), ({}, {"system_assigned": True}, False)])
def test_what_destroys_is_asked_for(block: Any, options: Any, is_destructive: bool) -> None:
    """All are asked for; who destroys nothing isn't read again."""
    looks_up = [NOTHING] if options.get("system_assigned") and block else []
    played = run(has(block), *looks_up, *([has()] if is_destructive else []), consent=Consent.ASK,
                 fail_at=None if is_destructive else (1, CancelledError()), **options)
    ask = next(step for step in played.steps if isinstance(step, Ask))
    assert isinstance(ask.what, Removal)
    assert ask.what.is_destructive is is_destructive
    refused = run(has(block), *looks_up, consent=Consent.NEEDS_YES, fail_at=(1 + len(looks_up), CancelledError()), **options)
    assert isinstance(refused.error, RequiredArgumentMissingError) is is_destructive


def test_what_is_asked_for_may_have_changed_while_the_question_was_open() -> None:
    played = system(NOTHING, has(users(ONE, system=True)), has(users(ONE)), consent=Consent.ASK)
    assert kinds(played) == ["GetResource", "Get", "Ask", "GetResource", "UpdateIdentity"]
    assert played.result == users(ONE)
    left = run(has(users(ONE, TWO)), has(users(ONE)), user_assigned=["one"], consent=Consent.ASK, fail_at=(2, CancelledError()))
    assert kinds(left) == ["GetResource", "Ask", "UpdateIdentity"]


def removal(before: Identities, left: Identities) -> Removal:
    return Removal(resource=RESOURCE, before=before, left=left, principal=PRINCIPAL, options=RemoveOptions())


@pytest.mark.parametrize(("announced", "now", "wanted", "agreed"), [
    (removal(SYSTEM_ASSIGNED, NONE), SYSTEM, NONE, True),
    (removal(SYSTEM_ASSIGNED, NONE), {**SYSTEM, "principalId": NEW}, NONE, False),
    (removal(SYSTEM_ASSIGNED, NONE), {"type": "SystemAssigned"}, NONE, False),
    (removal(SYSTEM_ASSIGNED, NONE), users(ONE, system=True), Identities(False, (ONE,)), True),
    (removal(Identities(False, (ONE,)), NONE), users(ONE, TWO), NONE, False),
    (removal(Identities(False, (ONE, TWO)), Identities(False, (TWO,))), users(ONE, TWO), Identities(False, (TWO,)), True),
    (removal(Identities(False, (ONE, TWO)), Identities(False, (TWO,))), users(ONE), NONE, False),
    (removal(Identities(False, (ONE, TWO)), NONE), users(ONE), NONE, True),
    (removal(Identities(False, (ONE,)), NONE), users(ONE.upper()), NONE, True),
])
def test_no_more_goes_than_was_announced(announced: Removal, now: Any, wanted: Identities, agreed: bool) -> None:
    """Neither another identity nor another principal, and nobody is left without any unannounced."""
    assert announced.still_agreed(Snapshot({"identity": now}), wanted) is agreed


def test_someone_else_changed_the_resource() -> None:
    played = system(NOTHING, has({**SYSTEM, "principalId": NEW}), consent=Consent.ASK)
    assert isinstance(played.error, AzureResponseError)
    assert played.message == ("Meanwhile, someone else changed the identities of 'app'. Nothing was removed.",
                              [f"Run the command again. {SEE}"])
    refused = run(has(users(ONE)), Answer(412), has(users(ONE, TWO)), user_assigned=[])
    assert refused.message[0].startswith("Meanwhile, someone else changed")


@pytest.mark.parametrize(("block", "options", "said"), [
    (SYSTEM, {"system_assigned": True}, "Removing the system-assigned identity leaves 'app' without an identity. The principal of "
     "the system-assigned identity is deleted; a new one won't have its access."),
    (users(ONE, system=True), {"system_assigned": True}, "This removes the system-assigned identity from 'app'. The principal of "
     "the system-assigned identity is deleted; a new one won't have its access."),
    (users(ONE, TWO, system=True), {"user_assigned": []}, "This removes 'one' and 'two' from 'app'."),
    (users(ONE, TWO), {"user_assigned": []}, "Removing 'one' and 'two' leaves 'app' without an identity.")])
def test_one_warning_names_all_that_goes(caplog: pytest.LogCaptureFixture, block: Any, options: Any, said: str) -> None:
    looks_up = [NOTHING] if options.get("system_assigned") else []
    run(has(block), *looks_up, has(users(ONE, system=True) if "user_assigned" in options and block.get("principalId") else {}),
        fail_at=(1 + len(looks_up), CancelledError()), **options)
    assert messages(caplog) == [said]


# ---- role assignments ------------------------------------------------------------------------------------------------

def test_role_assignments_that_lose_their_principal_are_looked_up_without_delay(caplog: pytest.LogCaptureFixture) -> None:
    played = system(Answer(503), has(), dry_run=False)
    assert (played.requests[1].timeout, played.requests[1].patience) == (4.0, 0.0)
    assert played.sleeps == []
    assert "Couldn't look up the role assignments of the system-assigned identity of 'app'" in messages(caplog)[0]
    assert kinds(run(has({"type": "SystemAssigned"}), has(), system_assigned=True)) == ["GetResource", "UpdateIdentity"]


def test_a_role_assignment_that_is_listed_twice_is_one() -> None:
    played = system(listed(assignment("x"), assignment("X")), dry_run=True)
    assert [one["change"] for one in played.result["roleAssignments"]] == ["orphan"]
    both = system(listed(assignment("x")), rows(assignment("X"), assignment("y", subscription=NEW)), dry_run=True,
                  delete_role_assignments=True)
    assert [(one["change"], one["id"].lower()[-2:]) for one in both.result["roleAssignments"]] == [("delete", "/x"), ("delete", "/y")]


WITHOUT = "To remove the identity and leave its role assignments, omit --delete-role-assignments."


@pytest.mark.parametrize(("replies", "reason"), [
    ([listed(), Answer(403, {"error": {"code": "X", "message": "No."}})], "(X) No."),
    ([listed(), Answer(200, {"data": [], "resultTruncated": "true"})],
     "No usable response from the service: The list is incomplete: Azure Resource Graph truncated its response.")])
def test_if_not_all_can_be_found_nothing_is_removed(replies: list[Reply], reason: str) -> None:
    played = system(*replies, delete_role_assignments=True)
    assert isinstance(played.error, AzureResponseError)
    assert played.message == ("Couldn't look up the role assignments of the system-assigned identity of 'app' in other "
                              f"subscriptions: {reason} Nothing was removed.", [f"To retry, run the command again. {WITHOUT}"])
    assert not any(isinstance(one, UpdateIdentity) for one in played.requests)


def test_without_a_principal_nothing_is_removed() -> None:
    for principal in (None, "no GUID"):
        played = run(has({**SYSTEM, "principalId": principal}), system_assigned=True, delete_role_assignments=True)
        assert played.message == (
            "The service doesn't show the principal ID of the system-assigned identity of 'app', so its role assignments can't be "
            "found. Nothing was removed.", [f"{SEE}\n{WITHOUT}"])


X, Y = (assignment(name)["id"] for name in "xy")
FOUND = [listed(assignment("x")), rows(assignment("y"))]
LEFT = "The role assignments of the system-assigned identity of 'app' were not deleted. Once the identity is gone, run:\n"
FINISH = "To finish, ask someone who can delete role assignments there to run:\n"
FAILURES = [CancelledError(), AuthenticationError("No token.")]
BOTH = pytest.mark.parametrize("failure", FAILURES, ids=lambda one: type(one).__name__)


def test_first_the_identity_then_its_role_assignments() -> None:
    played = system(*FOUND, Answer(202), has(), Answer(204), Answer(404, {"error": {"code": "X"}}), delete_role_assignments=True, wait=False)
    assert kinds(played) == ["GetResource", "Get", "Query", "UpdateIdentity", "GetResource", "Delete", "Delete"]
    assert [one.path.partition("?")[0] for one in played.requests[-2:]] == [Y, X]
    assert played.result == {"type": "None"}


def test_a_role_assignment_that_cant_be_deleted() -> None:
    denied = Answer(403, {"error": {"code": "X", "message": "No."}})
    played = system(*FOUND, has(), denied, Answer(204), delete_role_assignments=True)
    assert isinstance(played.error, UnfinishedError)
    assert played.message[0] == "The identity was removed from 'app', but 1 of its 2 role assignments were not deleted: (X) No."
    assert played.error.remaining == (f"{FINISH}{delete_command([Y])}",)
    alone = system(listed(assignment("x")), NO_ROWS, has(), denied, delete_role_assignments=True)
    assert alone.message[0] == "The identity was removed from 'app', but its role assignment was not deleted: (X) No."


@BOTH
@pytest.mark.parametrize(("at", "accepted", "left"), [
    (4, "The service accepted the change to 'app' and may have made it.", [Y, X]), (5, "The identity was removed from 'app'.", [Y, X]),
    (6, "The identity was removed from 'app'.", [X])])
def test_what_ends_a_removal_leaves_a_command(at: int, accepted: str, left: list[str], failure: BaseException) -> None:
    played = system(*FOUND, Answer(202), has(), Answer(204), Answer(204), delete_role_assignments=True, fail_at=(at, failure))
    assert isinstance(played.error, UnfinishedError)
    assert (played.cause, played.error.accepted) == (failure, accepted)
    assert played.error.remaining == (f"{LEFT if at == 4 else FINISH}{delete_command(left)}",)


@BOTH
@pytest.mark.parametrize("at", range(4))
def test_before_the_write_nothing_is_left(at: int, failure: BaseException) -> None:
    assert system(*FOUND, has(), delete_role_assignments=True, fail_at=(at, failure)).error is failure


def test_a_lost_answer_to_the_write() -> None:
    played = system(*FOUND, NoAnswer("Interrupted.", permanent=True), delete_role_assignments=True, fail_at=(4, CancelledError()))
    assert isinstance(played.error, UnfinishedError)
    assert played.error.accepted == "The service may have made the change to 'app'."
    assert played.error.remaining == (f"{LEFT}{delete_command([Y, X])}",)


def test_who_leaves_them_is_told_nothing_of_commands() -> None:
    played = system(listed(assignment("x")), Answer(202), has(), fail_at=(3, CancelledError()))
    assert isinstance(played.error, UnfinishedError)
    assert played.error.remaining == ()
    assert not any(isinstance(one, Delete) for one in played.requests)
    assert isinstance(played.requests[0], GetResource)
