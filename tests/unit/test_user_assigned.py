# SPDX-License-Identifier: MIT
"""User-assigned identities as Microsoft.ManagedIdentity shows them, and the errors for those that aren't there."""

from __future__ import annotations

from asyncio import CancelledError
from typing import Any

import pytest
from azext_communication_identity.arm.identities import (
    API_VERSION,
    VERSIONS,
    Found,
    explain_refusal,
    find_identity,
    gone_error,
    held_principal,
    identity_not_found,
    ids_in,
    missing_identities,
    recreated,
    similar_ids,
    was_recreated,
)
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply
from azext_communication_identity.model.identities import Identities
from azext_communication_identity.model.operation import OperationFailedError
from azext_communication_identity.model.requests import (
    GetUserAssignedIdentity,
    ListUserAssignedIdentities,
    RequestError,
    UpdateIdentity,
)
from azext_communication_identity.model.resource_id import IdentityId, ResourceId
from azext_communication_identity.model.unfinished import UnfinishedError
from azure.cli.core.azclierror import AzCLIError, BadRequestError, ForbiddenError, ResourceNotFoundError
from flow import Played, play

SUB, OTHER = (f"00000000-0000-0000-0000-00000000000{letter}" for letter in "ab")
RESOURCE = ResourceId(SUB, "rg", "app")
ONE, TWO, FAR = (IdentityId(subscription, "rg", name) for subscription, name in ((SUB, "one"), (SUB, "two"), (OTHER, "one")))
GONE = Answer(404, {"error": {"code": "ResourceNotFound"}})
OLD, NEW = (f"00000000-0000-0000-0000-0000000000{letters}" for letters in ("aa", "bb"))


def refused(status: int, code: str = "X") -> Answer:
    return Answer(status, {"error": {"code": code, "message": "m"}})


def listed(*identities: IdentityId) -> Answer:
    return Answer(200, {"value": [{"id": one.id} for one in identities] + [{"id": None}, {}]})


# ---- looked up -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("body", "properties"), [
    ({"id": ONE.id.upper(), "properties": {"principalId": OLD}}, {"id": ONE.id.upper(), "principalId": OLD}),
    ({"id": ONE.id, "properties": None}, {"id": ONE.id}), ({"id": f"{ONE.id}/", "properties": "x"}, {"id": f"{ONE.id}/"})])
def test_an_identity_that_exists(body: dict[str, Any], properties: dict[str, Any]) -> None:
    played = play(find_identity(ONE.id), Answer(200, body))
    assert played.requests == [GetUserAssignedIdentity(ONE, API_VERSION)]
    assert (played.result.properties, played.result.error, played.result.is_gone) == (properties, None, False)
    assert played.result.ids == {"clientId": None, "principalId": properties.get("principalId")}


@pytest.mark.parametrize(("reply", "gone"), [
    (GONE, True), (refused(403), False), (refused(404, "SubscriptionNotFound"), False), (Answer(404, text="<html>"), False),
    (NoAnswer("never", permanent=True), False)])
def test_an_identity_that_isnt_shown(reply: Reply, gone: bool) -> None:
    found = play(find_identity(ONE.id), reply).result
    assert (found.properties, found.is_gone, found.error is None) == ({}, gone, gone)
    assert gone or found.error.reply is reply
    assert play(missing_identities([ONE.id, TWO.id]), reply, Answer(200, {})).result == ([ONE.id] if gone else [])


@pytest.mark.parametrize("body", [{}, {"id": None, "properties": {"principalId": OLD}}, {"id": TWO.id, "properties": {
    "principalId": OLD}}, {"id": 7}])
def test_an_answer_that_is_another_identity_is_none(body: dict[str, Any]) -> None:
    found = play(find_identity(ONE.id, VERSIONS), Answer(200, body)).result
    assert not found.is_gone
    assert found.properties == {}
    assert found.error.request == GetUserAssignedIdentity(ONE, VERSIONS[0])
    assert found.error.reply == NoAnswer("The service returned something other than the requested identity.", permanent=True)


def test_a_key_of_the_service_that_is_no_id_exists() -> None:
    played = play(find_identity("strange"))
    assert (played.requests, played.result) == ([], Found({"id": "strange"}))


@pytest.mark.parametrize("code", ["NoRegisteredProviderFound", "InvalidApiVersionParameter", "InvalidResourceType"])
def test_the_newest_version_that_the_cloud_knows(code: str) -> None:
    unknown = refused(400, code)
    played = play(find_identity(ONE.id, VERSIONS), unknown, unknown, Answer(200, {"id": ONE.id, "properties": {"principalId": OLD}}))
    assert [one.api_version for one in played.requests if isinstance(one, GetUserAssignedIdentity)] == list(VERSIONS)
    assert played.result.properties["principalId"] == OLD
    last = play(find_identity(ONE.id, VERSIONS), unknown, unknown, unknown).result
    assert isinstance(last.error, RequestError)
    assert len(play(find_identity(ONE.id, VERSIONS), refused(403)).requests) == 1


REGIONAL = ("can be assigned only to resources in its own region (isolationScope Regional), and the location of Communication "
            "Services resources is global")


@pytest.mark.parametrize(("properties", "restriction"), [
    ({}, ""), ({"isolationScope": "None"}, ""), ({"isolationScope": "regional"}, REGIONAL), ({"isolationScope": None}, ""),
    ({"assignmentRestrictions": {"providers": ["Microsoft.Compute", "x\x1b"]}},
     r"can be assigned only to resources of Microsoft.Compute, x\x1b (assignmentRestrictions)"),
    ({"assignmentRestrictions": {"providers": ["Microsoft.Compute", "MICROSOFT.communication"]}}, ""),
    ({"assignmentRestrictions": {"providers": ["microsoft.Communication/CommunicationServices"]}}, ""),
    ({"assignmentRestrictions": {"providers": []}}, ""), ({"assignmentRestrictions": {"providers": "x"}}, ""),
    ({"assignmentRestrictions": None}, "")])
def test_what_it_may_be_assigned_to(properties: dict[str, Any], restriction: str) -> None:
    assert Found(properties).restriction == restriction


# ---- created again ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("details", "held", "again"), [
    ({"principalId": OLD}, OLD, True), ({"principalId": NEW.upper()}, NEW.upper(), False), ({"principalId": None}, "", True),
    (None, "", True), ({}, None, False), ("x", None, False), ({"principalId": 5}, None, False)])
def test_the_principal_that_a_block_holds(details: Any, held: str | None, again: bool) -> None:
    block = {"userAssignedIdentities": {ONE.id.upper(): details}}
    assert held_principal(block, ONE.id) == held
    assert was_recreated(block, ONE.id, Found({"principalId": NEW})) is again
    for unknown in ({}, {"principalId": None}):
        assert was_recreated(block, ONE.id, Found(unknown)) is False
    assert held_principal(block, TWO.id) is None
    assert held_principal({}, ONE.id) is None


def test_how_to_mend_it() -> None:
    what, how = recreated(ResourceId(SUB, "r(g)", "app"), ONE.id)
    words = f'--ids "{ResourceId(SUB, "r(g)", "app").id}" --user-assigned {ONE.id}'
    assert what.startswith(f"'{ONE.id}' was deleted and created again. 'app' still holds the old identity")
    assert how == (f"To assign the new one, run:\naz communication identity remove {words} --yes\n"
                   f"az communication identity assign {words}")


# ---- not there -------------------------------------------------------------------------------------------------------

def similar(*names: str) -> list[IdentityId]:
    return [IdentityId(SUB, "rg", name) for name in names]


@pytest.mark.parametrize(("identity", "existing", "said", "way_on"), [
    (ONE, similar("ones"), "'one' in resource group 'rg'", "Did you mean 'ones'?"),
    (ONE, similar("ones", "one1"), "'one' in resource group 'rg'", "Did you mean one of these?\nones\none1"),
    (ONE, [IdentityId(SUB, "other", "one")], "'one' in resource group 'rg'", f"Did you mean '{IdentityId(SUB, 'other', 'one').id}'?"),
    (FAR, [IdentityId(OTHER, "rg", "ones")], f"'{FAR.id}'", f"Did you mean '{IdentityId(OTHER, 'rg', 'ones').id}'?"),
    (ONE, similar("entirely-different"), "'one' in resource group 'rg'",
     f"To list the identities in its subscription, run:\naz identity list --subscription {SUB} --query \"[].id\" --output tsv\n"
     f"To create it, run:\naz identity create --name one --resource-group rg --subscription {SUB}")])
def test_an_identity_that_does_not_exist(identity: IdentityId, existing: list[IdentityId], said: str, way_on: str) -> None:
    played = play(identity_not_found(identity.id, RESOURCE), listed(*existing))
    assert played.requests == [ListUserAssignedIdentities(identity.subscription)]
    assert isinstance(played.result, ResourceNotFoundError)
    assert (str(played.result), played.result.recommendations) == (f"There is no user-assigned identity {said}.", [way_on])


def test_without_a_list_nothing_is_suggested() -> None:
    found = play(identity_not_found(ONE.id, RESOURCE), refused(403)).result
    assert found.recommendations[0].startswith("To list the identities")
    assert str(play(identity_not_found("str\x1bange", RESOURCE)).result) == r"There is no user-assigned identity 'str\x1bange'."


def test_at_most_five_are_similar_those_of_the_same_name_first() -> None:
    existing = [one.id for one in similar("app2", "app3", "app4", "app5", "app6", "app7", "zzz")] + [IdentityId(SUB, "x", "APP1").id]
    found = similar_ids(IdentityId(SUB, "rg", "app1").id, existing)
    assert len(found) == 5
    assert found[0] == existing[-1]
    assert existing[6] not in found
    same = [IdentityId(SUB, f"group{number}", "app1").id for number in range(7)]
    assert similar_ids(IdentityId(SUB, "rg", "app1").id, same) == same[:5]
    assert similar_ids(ONE.id, [ONE.id.upper()]) == []


def test_the_ids_in_a_group() -> None:
    played = play(ids_in(SUB, "rg"), listed(ONE, TWO))
    assert played.requests == [ListUserAssignedIdentities(SUB, "rg")]
    assert played.result == [ONE.id, TWO.id]


def test_those_that_the_resource_has_come_first() -> None:
    """No other write works until all of them are removed."""
    has = Identities(False, (ONE.id, TWO.id, FAR.id))
    played = play(gone_error(RESOURCE, has, [TWO.id.upper(), "/new"]), GONE, Answer(200, {}))
    assert str(played.result) == (f"'app' has user-assigned identities that no longer exist: {TWO.id}, {ONE.id}. You can't change "
                                  "its identities until you remove these.")
    assert played.result.recommendations == [
        f"To remove them, run:\naz communication identity remove --ids {RESOURCE.id} --user-assigned {TWO.id} {ONE.id}"]
    new = play(gone_error(RESOURCE, Identities(False, (TWO.id,)), [ONE.id]), listed(similar("ones")[0]))
    assert new.result.recommendations == ["Did you mean 'ones'?"]
    in_full = play(gone_error(RESOURCE, Identities(), [ONE.id], in_full=True), listed(similar("ones")[0]))
    assert str(in_full.result) == f"There is no user-assigned identity '{ONE.id}'."


# ---- refused ---------------------------------------------------------------------------------------------------------

PATCH = UpdateIdentity(RESOURCE, {"identity": {}})
LINKED = ("The client has permission to perform action 'write' on scope 'app'; however, it does not have permission to perform "
          f"action(s) 'assign/action' on the linked scope(s) '{ONE.id}' (respectively).")
NOT_ALLOWED = f"You don't have permission to assign the user-assigned identity '{ONE.id}'"
USE_ANOTHER = "Use an identity without this restriction, or the system-assigned identity."
TAKE_OFF = ("If it no longer exists, remove it from the resource:\naz communication identity remove "
            f"--ids {RESOURCE.id} --user-assigned {ONE.id}")


def there(identity: IdentityId, **properties: Any) -> Answer:
    return Answer(200, {"id": identity.id, "properties": properties})


def refusal(cause: Answer | Exception, has: tuple[IdentityId, ...], named: tuple[IdentityId, ...], *replies: Reply) -> Played:
    """How an update ends that the service refuses at once, or that fails after it was accepted."""
    async def update() -> None:
        raise RequestError(PATCH, cause) if isinstance(cause, Answer) else cause

    before, wanted = (Identities(False, tuple(one.id for one in some)) for some in (has, named))
    return play(explain_refusal(RESOURCE, before, wanted, update()), *replies)


def patch_refused(status: int, code: str, message: str = "No.") -> Answer:
    return Answer(status, {"error": {"code": code, "message": message}})


@pytest.mark.parametrize(("cause", "has", "named", "replies", "said", "ways"), [
    (patch_refused(400, "FailedIdentityOperation"), (ONE,), (TWO,), (there(ONE), *[there(TWO, isolationScope="Regional")] * 2),
     f"The service couldn't use the identity: (FailedIdentityOperation) No. '{TWO.id}' {REGIONAL}.", [USE_ANOTHER]),
    (patch_refused(403, "Odd"), (ONE,), (TWO,), (there(TWO, isolationScope="Regional"),), f"(Odd) No. '{TWO.id}' {REGIONAL}.", [USE_ANOTHER]),
    (patch_refused(403, "LinkedAuthorizationFailed", LINKED), (ONE,), (), (refused(403),),
     f"{NOT_ALLOWED}, or it no longer exists.", [f"{TAKE_OFF} --yes"]),
    (patch_refused(403, "LinkedAuthorizationFailed", LINKED), (ONE, TWO), (), (refused(403), there(TWO)),
     f"{NOT_ALLOWED}, or it no longer exists.", [TAKE_OFF]),
    (patch_refused(403, "LinkedAuthorizationFailed", LINKED), (TWO,), (ONE,), (there(TWO), refused(403), refused(403)),
     f"{NOT_ALLOWED}, or it no longer exists.", []),
    (patch_refused(404, "ResourceNotFound", f"There is no {ONE.id.upper()}"), (), (ONE,), (GONE, listed(similar("ones")[0])),
     "There is no user-assigned identity 'one' in resource group 'rg'.", ["Did you mean 'ones'?"]),
])
def test_a_refusal_for_which_an_identity_is_the_reason(cause: Answer, has: tuple[IdentityId, ...], named: tuple[IdentityId, ...],
                                                       replies: tuple[Reply, ...], said: str, ways: list[str]) -> None:
    played = refusal(cause, has, named, *replies)
    found, recommendations = played.message
    assert found == said
    assert type(played.error) is {400: BadRequestError, 403: ForbiddenError, 404: ResourceNotFoundError}[cause.status]
    assert {one.api_version for one in played.requests if isinstance(one, GetUserAssignedIdentity)} == {VERSIONS[0]}
    assert [way for way in recommendations if "Managed Identity Operator" not in way] == ways


@pytest.mark.parametrize(("cause", "replies"), [
    (patch_refused(409, "FailedIdentityOperation"), ()), (patch_refused(403, "AuthorizationFailed"), ()), (patch_refused(404, "ResourceNotFound"), ()),
    (patch_refused(400, "Odd"), (there(TWO),)), (patch_refused(400, "FailedIdentityOperation"), (there(ONE), there(TWO), there(TWO))),
    (patch_refused(403, "LinkedAuthorizationFailed", LINKED), (there(ONE), there(TWO), there(TWO))),
    (patch_refused(400, "FailedIdentityOperation", LINKED), (refused(403), there(TWO), there(TWO))),
    (patch_refused(403, "LinkedAuthorizationFailed"), (refused(403), there(TWO), there(TWO)))])
def test_a_refusal_for_another_reason_stays_as_it_is(cause: Answer, replies: tuple[Reply, ...]) -> None:
    assert refusal(cause, (ONE,), (TWO,), *replies).refused.reply is cause


def test_an_operation_that_fails_because_of_an_identity() -> None:
    """What was accepted stays said, and what is left to do."""
    failed = OperationFailedError(f"The operation failed: {ONE.id.upper()} is odd.", "See.", "failedidentityoperation")
    regional = there(ONE, isolationScope="Regional")
    played = refusal(UnfinishedError(RESOURCE, failed, "", ("Grant the role.",)), (), (ONE,), regional, regional)
    assert isinstance(played.error, UnfinishedError)
    assert (played.error.resource, played.error.accepted, played.error.remaining) == (RESOURCE, str(failed), ("Grant the role.",))
    assert isinstance(played.cause, ForbiddenError)
    assert played.message == (f"'{ONE.id}' {REGIONAL}.", [USE_ANOTHER])
    said = refusal(UnfinishedError(RESOURCE, failed, "It was accepted."), (), (ONE,), GONE, listed())
    assert (said.error.accepted, str(said.cause)) == (  # type: ignore[union-attr]  # an UnfinishedError
        "It was accepted.", "There is no user-assigned identity 'one' in resource group 'rg'.")
    assert refusal(UnfinishedError(RESOURCE, failed, ""), (), (ONE,), refused(403), refused(403)).cause is failed
    odd = UnfinishedError(RESOURCE, OperationFailedError(f"There is no {ONE.id.upper()}.", "See.", "odd"), "It was accepted.")
    assert isinstance(refusal(odd, (), (ONE,), GONE, listed()).cause, ResourceNotFoundError)


@pytest.mark.parametrize("other", [RequestError(GetUserAssignedIdentity(ONE, API_VERSION), patch_refused(400, "FailedIdentityOperation")),
                                   UnfinishedError(RESOURCE, ValueError("x"), "It was accepted.")])
def test_what_isnt_the_refusal_of_a_write_is_not_explained(other: Exception) -> None:
    assert refusal(other, (), (ONE,)).error is other


def test_what_ends_the_search_for_the_reason_leaves_the_refusal() -> None:
    async def update() -> None:
        raise RequestError(PATCH, cause)

    cause = patch_refused(400, "FailedIdentityOperation")
    for stop in (AzCLIError("The login ends."), CancelledError()):
        flow = explain_refusal(RESOURCE, Identities(), Identities(False, (ONE.id,)), update())
        assert play(flow, fail_at=(0, stop)).refused.reply is cause
