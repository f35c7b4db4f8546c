# SPDX-License-Identifier: MIT
"""The update of one resource, driven by hand: each answer that a service may give, and what follows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply, error_code
from azext_communication_identity.model.identities import SYSTEM_ASSIGNED, Identities
from azext_communication_identity.model.operation import NotDoneError, OperationFailedError
from azext_communication_identity.model.requests import Get, GetResource, PollDelay, RequestError, Sleep, UpdateIdentity
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.model.unfinished import UnfinishedError
from azext_communication_identity.model.update import (
    Goal,
    Snapshot,
    Updated,
    get,
    get_in_full,
    require_supported,
    snapshot_of,
    until_idle,
    update_identities,
)
from azure.cli.core.azclierror import AuthenticationError, AzureResponseError, ForbiddenError
from flow import Played, play

RESOURCE = ResourceId("00000000-0000-0000-0000-00000000000a", "rg", "app")
GET = GetResource(RESOURCE)
ADDRESS = "https://management.azure.com/operations/1?t=a*b"
POLL = Get(ADDRESS)
SYSTEM = {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"}
PATCH_SYSTEM = {"identity": {"type": "SystemAssigned"}}
BARE = {"type": "SystemAssigned"}  # no IDs yet
ONE, TWO = (f"/subscriptions/0/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
            for name in ("one", "two"))
IDS = {"clientId": "c", "principalId": "p"}
ASYNC, LOCATION = {"azure-asyncoperation": ADDRESS}, {"location": ADDRESS}
SEE = f"To see its current identities, run:\naz communication identity show --ids {RESOURCE.id}"
WAIT = f"To wait for it to finish, run:\naz communication identity wait --updated --ids {RESOURCE.id}"


def users(*names: str, system: bool = False, **details: Any) -> dict[str, Any]:
    """A block with these user-assigned identities."""
    return {**(SYSTEM if system else {}), "type": "SystemAssigned, UserAssigned" if system else "UserAssigned",
            "userAssignedIdentities": dict.fromkeys(names, details or IDS)}


def body(block: Any = None, state: str = "Succeeded") -> dict[str, Any]:
    """A resource as the service sends it."""
    return {"id": RESOURCE.id, "identity": block, "properties": {"provisioningState": state}}


def has(block: Any = None, state: str = "Succeeded", *, etag: str = "e1", at: float = 2.0, status: int = 200,
        headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that holds the resource."""
    return Answer(status, body(block, state), {"etag": etag, **(headers or {})}, at=at)


def snapshot(block: Any = None, state: str = "Succeeded", etag: str | None = "e0", at: float = 1.0) -> Snapshot:
    return Snapshot(body(block, state), etag, at)


def assign(*replies: Reply, before: Snapshot | None = None, named: Identities = SYSTEM_ASSIGNED,
           fail_at: tuple[int, BaseException] | None = None, **options: Any) -> Played:
    """Play an assignment: of the system-assigned identity to a resource without any, if nothing else is said."""
    return play(update_identities(RESOURCE, before or snapshot(), lambda current: current | named, named=named,
                                  **options), *replies, fail_at=fail_at)


def patch(etag: str | None, sent: Any = None) -> UpdateIdentity:
    return UpdateIdentity(RESOURCE, sent or PATCH_SYSTEM, etag)


def again(seconds: float) -> Sleep:
    return Sleep(seconds, "another change to the resource to finish")


def showing(seconds: float) -> Sleep:
    return Sleep(seconds, "the service to show the change")


def others(since: float, polls: int) -> PollDelay:
    return PollDelay(since, polls, None, "another operation on 'app' to finish", own_operation=False)


def code(status: int, text: str = "", **more: Any) -> Answer:
    return Answer(status, {"error": {"code": text, "message": "m"}}, **more)


DONE = Updated(Snapshot(body(SYSTEM), "e1", 2.0), [])


# ---- what was read ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("content", "block", "state", "busy"), [
    ({}, {}, "succeeded", False), ({"identity": SYSTEM}, SYSTEM, "succeeded", False),
    ({"identity": "x", "properties": None}, {}, "succeeded", False),
    ({"properties": {}}, {}, "succeeded", False),
    ({"properties": {"provisioningState": ""}}, {}, "succeeded", False),
    ({"properties": {"provisioningState": "FAILED"}}, {}, "failed", False),
    ({"properties": {"provisioningState": "Canceled"}}, {}, "canceled", False),
    ({"properties": {"provisioningState": "Accepted"}}, {}, "accepted", True),
    ({"properties": {"provisioningState": "Updating"}}, {}, "updating", True),
])
def test_document(content: dict[str, Any], block: Any, state: str, busy: bool) -> None:
    found = Snapshot(content)
    assert (found.etag, found.at, found.block, found.state, found.is_busy) == (None, 0.0, block, state, busy)


@pytest.mark.parametrize("id_", [RESOURCE.id, RESOURCE.id.upper(), RESOURCE.id + "/"])
def test_the_resource_in_an_answer(id_: str) -> None:
    content = {"id": id_, "identity": SYSTEM}
    assert snapshot_of(Answer(200, content, {"etag": "e"}, at=3.0), RESOURCE) == Snapshot(content, "e", 3.0)
    assert snapshot_of(Answer(299, {"id": id_, "identity": None}), RESOURCE) == Snapshot({"id": id_, "identity": None})
    assert play(get(RESOURCE), Answer(200, content)).steps == [GET]


def test_only_what_is_needed_of_a_resource_is_kept() -> None:
    content = {**body(SYSTEM), "location": "global", "properties": {"provisioningState": "Moving", "hostName": "h"}}
    assert play(get(RESOURCE), Answer(200, content)).result == Snapshot(
        {"id": RESOURCE.id, "identity": SYSTEM, "properties": {"provisioningState": "Moving"}})
    assert play(get_in_full(RESOURCE), Answer(200, content)).result == Snapshot(content)


@pytest.mark.parametrize("content", [
    {}, {"id": None}, {"id": ONE}, {"id": RESOURCE.id + "X"}, {"id": RESOURCE.id, "identity": "x"},
    {"id": RESOURCE.id, "identity": []}, {"id": RESOURCE.id, "identity": False}])
def test_an_answer_that_holds_something_else(content: dict[str, Any]) -> None:
    assert snapshot_of(Answer(200, content), RESOURCE) is None
    played = play(get(RESOURCE), Answer(200, content))
    assert played.refused.request == GET
    assert played.refused.reply == NoAnswer("The service returned something other than the requested resource.",
                                           permanent=True)


@pytest.mark.parametrize("reply", [NoAnswer("x"), Answer(404, body()), Answer(200), Answer(200, [body()])])
def test_no_resource_in_an_answer(reply: Reply) -> None:
    assert snapshot_of(reply, RESOURCE) is None


@pytest.mark.parametrize(("reply", "expected"), [
    (NoAnswer("x"), ""), (Answer(409), ""), (Answer(409, {"error": {"code": None}}), ""), (code(409, "ABc"), "abc"),
    (Answer(409, {"code": "X"}), "x")])
def test_error_code(reply: Reply, expected: str) -> None:
    assert error_code(reply) == expected


@pytest.mark.parametrize(("block", "met"), [
    (users(ONE), False), (SYSTEM, True), (users(ONE, system=True), False), (users(TWO, system=True), True),
    ({}, False)])
def test_the_goal_is_met(block: Any, met: bool) -> None:
    """The system-assigned identity instead of ONE; what others do meanwhile doesn't count."""
    goal = Goal(RESOURCE, Identities(False, (ONE,)), SYSTEM_ASSIGNED, SYSTEM_ASSIGNED, had_failed=False)
    assert goal.is_met_by(block) is met
    assert goal.is_met_by({**block, "userAssignedIdentities": {ONE.upper(): {}}}) is False


# ---- nothing to write ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("wait", [True, False])
def test_nothing_to_write(wait: bool) -> None:
    before = Snapshot(body(BARE), "e0", 1.0)
    played = assign(before=before, wait=wait)
    assert played.steps == []
    assert played.result == Updated(Snapshot(body(BARE), "e0", 1.0))


def test_nothing_to_write_but_ids_to_wait_for() -> None:
    played = assign(has(SYSTEM), before=snapshot(BARE), needs_ids=True)
    assert played.steps == [showing(1.0), GET]
    assert played.result == DONE
    assert assign(before=snapshot(BARE), needs_ids=True, wait=False).steps == []


@pytest.mark.parametrize(("block", "what"), [
    ({"type": "Magic"}, "the type 'Magic'"), ({"type": "UserAssigned"}, "the type 'UserAssigned' without its "
                                                                        "user-assigned identities"),
    ({"principalId": "p"}, "a principal ID without a type"),
    ({"type": "UserAssigned", "userAssignedIdentities": [ONE]},
     "a map of user-assigned identities in an unknown form")])
def test_what_can_not_be_written_back(block: Any, what: str) -> None:
    played = assign(before=snapshot(block))
    assert isinstance(played.error, ForbiddenError)
    assert played.steps == []
    assert played.message == (f"'app' has {what}, which this extension can't write back. Nothing was changed.",
                           [f"To see the whole resource, run:\naz resource show --ids {RESOURCE.id}"])
    with pytest.raises(ForbiddenError):
        require_supported(RESOURCE, block)


# ---- a yes at once ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("status", [200, 201, 204])
def test_one_patch_answered_with_the_resource(status: int) -> None:
    played = assign(has(SYSTEM, status=status))
    assert played.steps == [patch("e0")]
    assert played.result == DONE


@pytest.mark.parametrize("answer", [
    has(SYSTEM, status=202), Answer(200), Answer(200, text="null"), Answer(202, text=" null\n"), Answer(201),
    Answer(204), Answer(200, {}), Answer(200, {"id": ONE})])
def test_one_patch_answered_with_anything_else(answer: Answer) -> None:
    played = assign(answer, has(SYSTEM))
    assert played.steps == [patch("e0"), GET]
    assert played.result == DONE


def test_a_patch_that_removes() -> None:
    before = snapshot(users(ONE, TWO))
    gone = Identities(False, (ONE,))
    played = play(update_identities(RESOURCE, before, lambda current: current - gone), has(users(TWO)))
    assert played.steps == [patch("e0", {"identity": {"type": "UserAssigned",
                                                      "userAssignedIdentities": {TWO: {}, ONE: None}}})]
    assert played.result.snapshot.block == users(TWO)


@pytest.mark.parametrize(("answer", "expected"), [
    (has(SYSTEM, status=202), Snapshot(body(SYSTEM), "e1", 2.0)),
    (has(None, status=202), Snapshot(body(BARE), None, 2.0)),
    (Answer(202, at=2.0, headers=ASYNC), Snapshot(body(BARE), None, 2.0)),
    (Answer(200, {"id": ONE}, at=2.0), Snapshot(body(BARE), None, 2.0)),
])
def test_no_wait(answer: Answer, expected: Snapshot) -> None:
    played = assign(answer, wait=False)
    assert played.steps == [patch("e0")]
    assert played.result == Updated(Snapshot({**expected.body, "identity": dict(expected.body["identity"])},
                                             expected.etag, expected.at))


def test_no_wait_keeps_the_ids_that_are_known() -> None:
    played = assign(Answer(202), before=snapshot(SYSTEM), named=Identities(False, (ONE,)), wait=False)
    assert played.result.snapshot.block == {**SYSTEM, "type": "SystemAssigned,UserAssigned",
                                            "userAssignedIdentities": {ONE: {}}}


# ---- a busy resource -------------------------------------------------------------------------------------------------

def test_a_busy_resource_is_waited_for() -> None:
    played = assign(has(None, "Updating", etag="e1", at=3.0), has(None, "Failed", etag="e2", at=5.0), has(SYSTEM),
                    before=snapshot(None, "Accepted"))
    assert played.steps == [others(1.0, 0), GET, others(1.0, 1), GET, patch("e2")]
    assert played.result == DONE


def test_a_busy_resource_is_waited_for_after_a_refusal() -> None:
    played = assign(code(409, "OperationInProgress"), has(None, "Updating", at=3.0), has(None, etag="e2"), has(SYSTEM))
    assert played.steps == [patch("e0"), again(0.5), GET, others(3.0, 0), GET, patch("e2")]


@pytest.mark.parametrize(("asked", "seconds"), [("7", 7.0), ("1800", 1800.0), ("86400", 1800.0), ("0", 0.0)])
def test_retry_after_of_a_busy_resource_is_kept(asked: str, seconds: float) -> None:
    busy = has(None, "Updating", headers={"retry-after": asked}, at=3.0)
    played = play(until_idle(RESOURCE, snapshot(None, "Updating")), busy, has())
    assert [one.at_least for one in played.delays] == [None, seconds]


@pytest.mark.parametrize(("asked", "seconds"), [("0.5", 1.0), ("7", 7.0), ("86400", 60.0)])
def test_retry_after_of_a_resource_that_does_not_show_the_change_is_kept(asked: str, seconds: float) -> None:
    played = assign(Answer(202), has(None, headers={"retry-after": asked}), has(SYSTEM))
    assert played.sleeps == [showing(seconds)]


def test_a_resource_that_stays_busy() -> None:
    played = play(until_idle(RESOURCE, snapshot(None, "Moving", at=10.0)), has(None, "Moving", at=1810.0),
                  has(None, "Moving", at=1811.0))
    assert isinstance(played.error, AzureResponseError)
    assert played.steps == [others(10.0, 0), GET, others(10.0, 1), GET]
    assert played.message == ("An operation on 'app' is still running after 1801 seconds (provisioningState: moving).",
                           [WAIT])


# ---- refused ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("answer", [
    code(400, "Conflict"), code(401), code(403), code(404), code(409, "ReadOnlyDisabledSubscription"),
    code(409, "ScopeLocked"), code(409), Answer(409), code(429), code(501), code(412), Answer(302),
    Answer(400, text="<html>")])
def test_refused_at_once(answer: Answer) -> None:
    played = assign(answer, before=snapshot(etag=None))
    assert played.steps == [patch(None)]
    assert (played.refused.request, played.refused.reply) == (patch(None), answer)


@pytest.mark.parametrize("word", [
    "Conflict", "CONFLICT", "AnotherOperationInProgress", "OperationInProgress", "ConcurrentUpdateError",
    "RetryableError", "FailedIdentityOperation"])
def test_a_409_that_passes(word: str) -> None:
    played = assign(code(409, word), has(None, etag="e1"), has(SYSTEM))
    assert played.steps == [patch("e0"), again(0.5), GET, patch("e1")]
    assert played.result == DONE


def test_someone_else_came_first() -> None:
    played = assign(code(412), has(users(ONE), etag="e1"), has(users(ONE, system=True)))
    assert played.steps == [patch("e0"), again(0.5), GET, patch("e1", {"identity": {
        "type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {ONE: {}}}})]
    assert played.result.warnings == []


def test_someone_else_did_the_same() -> None:
    played = assign(code(412), has(BARE, etag="e1"))
    assert played.steps == [patch("e0"), again(0.5), GET]
    assert played.result == Updated(Snapshot(body(BARE), "e1", 2.0))


def test_if_match_misunderstood() -> None:
    """A 412 though the ETag is still the same: once without."""
    played = assign(code(412), has(None, etag="e0"), code(412))
    assert played.steps == [patch("e0"), again(0.5), GET, patch(None)]
    assert played.refused.reply == code(412)


def test_another_refusal_says_nothing_of_if_match() -> None:
    played = assign(code(409, "Conflict"), has(None, etag="e0"), has(SYSTEM))
    assert played.requests[-1] == patch("e0")


def test_how_long_others_may_come_first() -> None:
    """300 seconds from the first refusal on, pauses twice as long each time, up to 10 seconds."""
    replies: list[Reply] = []
    for number in range(6):
        replies += [code(412, at=500.0 + number), has(None, etag=f"n{number}")]
    replies += [code(412, at=800.0), has(None, etag="x"), code(412, "PreconditionFailed", at=800.1)]
    played = assign(*replies, has(None, etag="y"))
    assert played.sleeps == [again(seconds) for seconds in (0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0)]
    assert played.requests[-2:] == [patch("x"), GET]
    assert played.message == ("Other changes to 'app' prevented this one for 300 seconds. The service said: "
                           "(PreconditionFailed) m", ["Run the command again when they are finished."])
    assert assign(*replies, has(SYSTEM)).result.snapshot == DONE.snapshot
    silent = assign(code(409, "Conflict", at=1.0), has(), Answer(412, at=400.0), has())
    assert silent.message[0].endswith("for 399 seconds. The service said: nothing")


# ---- lost answers ----------------------------------------------------------------------------------------------------

LOST: list[Reply] = [NoAnswer("broken"), Answer(200, text="<html>"), Answer(201, []), Answer(200, "x"),
                     Answer(204, [1]), *(code(status) for status in (408, 500, 502, 503, 504, 520))]


@pytest.mark.parametrize("lost", LOST)
def test_a_lost_answer_is_settled_by_reading(lost: Reply) -> None:
    played = assign(lost, has(SYSTEM))
    assert played.steps == [patch("e0"), again(0.5), GET]
    assert played.result == DONE


def test_after_a_lost_answer_the_ids_are_waited_for() -> None:
    played = assign(NoAnswer("broken"), has(None, etag="e1"), code(412), has(BARE, etag="e2"), has(SYSTEM))
    assert played.steps == [patch("e0"), again(0.5), GET, patch("e1"), again(1.0), GET, showing(1.0), GET]
    assert played.result == DONE


def test_after_a_lost_answer_no_wait_does_not_wait() -> None:
    played = assign(NoAnswer("broken"), has(BARE), wait=False)
    assert played.result == Updated(Snapshot(body(BARE), "e1", 2.0))


@pytest.mark.parametrize("lost", LOST)
def test_an_answer_is_lost_four_times_at_most(lost: Reply) -> None:
    played = assign(*[lost, has(None, etag="e0")] * 5)
    assert played.sleeps == [again(0.5), again(1.0), again(2.0), again(4.0), again(8.0)]
    assert len(played.requests) == 10
    assert played.refused.reply is lost
    assert played.refused.request == patch("e0")


def test_the_last_lost_answer_is_settled_by_reading_too() -> None:
    lost = NoAnswer("broken")
    four: list[Reply] = [lost, has(None, etag="e0")] * 4
    assert assign(*four, lost, has(SYSTEM)).result == DONE
    assert assign(NoAnswer("slow", timed_out=True), has(), NoAnswer("slow", timed_out=True), has(SYSTEM)).result == DONE
    busy = assign(*four, lost, has(None, "Updating"), has(None, etag="e0"))
    assert busy.refused.reply is lost


@pytest.mark.parametrize("answer", [code(503, headers={"retry-after": "7"}),
                                    code(409, "Conflict", headers={"retry-after": "7"})])
def test_a_refusal_that_asks_to_wait(answer: Answer) -> None:
    assert assign(answer, has(SYSTEM)).sleeps == [again(7.0)]
    endless = answer._replace(headers={"retry-after": "3600"})
    assert assign(endless, has(SYSTEM)).sleeps == [again(60.0)]


def test_a_patch_that_is_not_answered_in_time_is_sent_twice_at_most() -> None:
    timed_out = NoAnswer("slow", timed_out=True)
    assert assign(timed_out, has(), timed_out, has()).refused.reply is timed_out
    broken = NoAnswer("broken")
    assert assign(timed_out, has(), broken, has(), broken, has()).refused.reply is broken
    assert len(assign(broken, has(), broken, has(), timed_out, has()).sleeps) == 3
    assert assign(broken, has(), timed_out, has(), has(SYSTEM)).result == DONE


# ---- operations ------------------------------------------------------------------------------------------------------

def running(**more: Any) -> Answer:
    return Answer(200, {"status": "InProgress"}, **more)


@pytest.mark.parametrize("headers", [ASYNC, LOCATION, {**ASYNC, "location": "/other"}])
@pytest.mark.parametrize("shape", [(200, body(SYSTEM)), (202, None), (201, None), (202, []), (200, True), (201, "x")])
def test_an_operation_is_followed_and_its_result_read(headers: dict[str, str], shape: tuple[int, Any]) -> None:
    played = assign(Answer(*shape, headers, at=10.0), running(at=11.0), Answer(200, {"status": "Succeeded"}, at=12.0), has(SYSTEM))
    assert played.steps == [patch("e0"), PollDelay(10.0, 0, None), POLL, PollDelay(10.0, 1, None), POLL, GET]
    assert played.result == DONE


@pytest.mark.parametrize("location", [RESOURCE.id, f"https://management.azure.com{RESOURCE.id.upper()}/?api-version=1"])
@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_location_that_is_the_resource_is_no_operation(location: str, status: int) -> None:
    played = assign(Answer(status, None, {"location": location}), has(SYSTEM))
    assert played.requests == [patch("e0"), GET]
    assert played.result == DONE


@pytest.mark.parametrize("answer", [Answer(202, []), Answer(202, text="Accepted"), Answer(202, "Accepted"),
                                    Answer(202, True)])
def test_a_202_is_a_yes_whatever_its_body(answer: Answer) -> None:
    played = assign(answer, has(None, "Updating"), has(SYSTEM))
    assert played.requests == [patch("e0"), GET, GET]
    assert played.sleeps == []
    assert played.result == DONE


@pytest.mark.parametrize(("asked", "seconds"), [("7", 7.0), ("1800", 1800.0), ("86400", 1800.0)])
@pytest.mark.parametrize("status", [200, 202])
def test_retry_after_without_an_address_is_kept(status: int, asked: str, seconds: float) -> None:
    """Then the resource is read, also if the answer shows it already."""
    played = assign(has(SYSTEM, status=status, headers={"retry-after": asked}), has(SYSTEM))
    assert played.steps == [patch("e0"), Sleep(seconds, "the operation to finish"), GET]
    assert assign(has(SYSTEM, headers={"retry-after": "0"})).steps == [patch("e0")]


def test_an_operation_that_fails() -> None:
    failed = Answer(200, {"status": "Failed", "error": {"code": "FailedIdentityOperation", "message": "m"}})
    played = assign(has(SYSTEM, headers=ASYNC), failed)
    assert isinstance(played.cause, OperationFailedError)
    assert played.cause.code == "failedidentityoperation"
    assert played.message == ("The service accepted the change to 'app', but the operation ended with status 'failed': "
                              "(FailedIdentityOperation) m", [SEE])


@pytest.mark.parametrize("odd", [Answer(404), NoAnswer("slow", timed_out=True)])
def test_an_address_of_no_use_leaves_it_to_the_resource(odd: Reply) -> None:
    polls = [odd._replace(at=20.0 + 2.5 * number) for number in range(5)]
    assert assign(Answer(202, at=10.0, headers=ASYNC), *polls, has(SYSTEM, at=31.0)).result.snapshot.block == SYSTEM
    played = assign(Answer(202, at=10.0, headers=ASYNC), *polls, has(None, at=60.0), has(None, at=61.0))
    assert "but 31 seconds later the change isn't visible" in played.message[0]


# ---- what the resource shows afterwards ------------------------------------------------------------------------------

def test_the_change_shows_late() -> None:
    late: Sequence[Reply] = [has(None, at=float(seconds)) for seconds in (3, 5, 9, 14, 19)]
    played = assign(has(None), *late, has(SYSTEM))
    assert played.steps == [patch("e0"), *(step for seconds in (1.0, 2.0, 4.0, 5.0, 5.0, 5.0)
                                           for step in (showing(seconds), GET))]
    assert played.result == DONE


def test_a_busy_resource_is_not_done() -> None:
    played = assign(has(SYSTEM, "Updating", at=3.0), has(SYSTEM, "Updating", at=4.0), has(SYSTEM))
    assert played.steps == [patch("e0"), others(3.0, 0), GET, others(3.0, 1), GET]
    assert played.result == DONE


def test_the_change_shows_late_after_a_resource_was_busy_for_long() -> None:
    played = assign(Answer(202, at=2.0), has(None, "Updating", at=3.0), has(None, at=65.0), has(SYSTEM, at=66.0))
    assert played.result.snapshot.block == SYSTEM


def test_others_who_keep_the_resource_busy_dont_prolong_it_for_ever() -> None:
    others_come = (one for at in (3.0, 1900.0, 3800.0)
                   for one in (has(None, "Updating", at=at), has(None, at=at + 1.0)))
    played = assign(Answer(202, at=2.0), *list(others_come)[:4])
    assert isinstance(played.cause, NotDoneError)


@pytest.mark.parametrize("ending", [
    (Answer(200, at=10.0),), (Answer(202, at=1.0, headers=ASYNC), Answer(200, {"status": "Succeeded"}, at=10.0))])
def test_ignored(ending: tuple[Reply, ...]) -> None:
    played = assign(*ending, has(None, at=40.0), has(None, at=41.0))
    assert isinstance(played.cause, NotDoneError)
    assert played.sleeps == [showing(1.0)]
    assert played.message == ("The service accepted the change to 'app', but 31 seconds later the change isn't visible, "
                           "or someone else has undone it.\nWanted: the system-assigned identity\nFound:  no identity",
                           [SEE])


def test_half_done() -> None:
    named = Identities(True, (ONE,))
    played = assign(has(BARE, at=10.0), has(BARE, at=70.0), has(BARE, at=71.0), named=named)
    assert played.message == ("The service accepted the change to 'app', but 61 seconds later the resource doesn't show "
                           f"it.\nWanted: the system-assigned identity, '{ONE}'\nFound:  the system-assigned identity",
                           [SEE])


def test_done_without_ids() -> None:
    """A user-assigned identity has IDs all the same; the system-assigned identity may have no principal at all."""
    said = "The change to 'app' succeeded, but the service doesn't show the IDs of these identities yet: "
    one = users(ONE, clientId="c")
    played = assign(has(one, at=10.0), has(one, at=40.0), has(one, at=41.0), named=Identities(False, (ONE,)))
    assert played.result == Updated(Snapshot(body(one), "e1", 41.0), [f"{said}'{ONE}'."])
    played = assign(has(BARE, at=10.0), has(BARE, at=40.0), has(BARE, at=41.0))
    assert isinstance(played.cause, NotDoneError)
    assert played.message == (f"{said}the system-assigned identity.",
                           [f"To see its current identities, run:\naz communication identity show --ids {RESOURCE.id}"])
    both = {**users(ONE, clientId="c"), "type": "SystemAssigned,UserAssigned", "principalId": "p"}
    played = assign(has(both, at=10.0), has(both, at=41.0), named=Identities(True, (ONE,)))
    assert played.result.warnings == [f"{said}'{ONE}'."]
    two = users(ONE, TWO, clientId="c")
    played = assign(has(two, at=10.0), has(two, at=71.0), named=Identities(False, (ONE, TWO)))
    assert played.result.warnings == [f"{said}'{ONE}', '{TWO}'."]


def test_done_without_ids_and_with_a_surprise() -> None:
    shows = users(ONE, TWO, clientId="c")
    played = assign(has(shows, at=10.0), has(shows, at=41.0), named=Identities(False, (ONE,)))
    assert played.result.warnings == [
        f"The change to 'app' succeeded, but the service doesn't show the IDs of these identities yet: '{ONE}'.",
        f"While this command ran, someone else added '{TWO}' to 'app'."]


def test_ids_are_not_waited_for_where_only_others_lack_them() -> None:
    shows = {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {ONE: {}, TWO: IDS}}
    played = assign(has(shows), before=snapshot({**BARE, **users(ONE), "type": "SystemAssigned,UserAssigned"}),
                    named=Identities(False, (TWO,)))
    assert played.steps[1:] == []
    assert played.result.warnings == []


@pytest.mark.parametrize("state", ["Failed", "Canceled"])
def test_the_resource_fails(state: str) -> None:
    played = assign(has(None, state))
    assert played.message == ("The service accepted the change to 'app', but its provisioningState is now "
                           f"{state.lower()}.\nWanted: the system-assigned identity\nFound:  no identity", [SEE])


@pytest.mark.parametrize("state", ["Failed", "Canceled"])
@pytest.mark.parametrize("replies", [
    (has(SYSTEM, "Updating"),), (Answer(202),), (NoAnswer("broken"),), (code(412), has(), NoAnswer("broken"))])
def test_the_resource_fails_although_it_shows_the_change(replies: tuple[Reply, ...], state: str) -> None:
    played = assign(*replies, has(SYSTEM, state))
    assert f"'app', but its provisioningState is now {state.lower()}." in played.message[0]


@pytest.mark.parametrize("state", ["Failed", "Canceled"])
def test_a_resource_that_had_failed_before(state: str) -> None:
    before = snapshot(None, state)
    played = assign(has(None, state), has(SYSTEM, state), before=before)
    assert played.steps == [patch("e0"), showing(1.0), GET]
    assert played.result.snapshot.block == SYSTEM
    assert assign(NoAnswer("broken"), has(SYSTEM, state), before=before).result.snapshot.block == SYSTEM
    assert assign(before=snapshot(SYSTEM, state), needs_ids=True).result.snapshot.block == SYSTEM


@pytest.mark.parametrize("replies", [
    (has(SYSTEM, "Updating"),), (Answer(202), has(SYSTEM, "Updating")), (Answer(204), has(None, "Accepted")),
    (NoAnswer("broken"), has(SYSTEM, "Updating"))])
def test_a_resource_that_had_failed_before_and_fails_again(replies: tuple[Reply, ...]) -> None:
    played = assign(*replies, has(SYSTEM, "Failed"), before=snapshot(None, "Failed"))
    assert "'app', but its provisioningState is now failed." in played.message[0]


def test_a_surprise_of_two() -> None:
    played = assign(has(SYSTEM), before=snapshot(users(ONE, TWO)))
    assert played.result.warnings == [f"While this command ran, someone else removed '{ONE}', '{TWO}' from 'app'."]


def test_surprises() -> None:
    shows = {**SYSTEM, **users(TWO), "type": "SystemAssigned,UserAssigned"}
    played = assign(has(shows), before=snapshot(users(ONE)))
    assert played.result.warnings == [f"While this command ran, someone else removed '{ONE}' from 'app'.",
                                   f"While this command ran, someone else added '{TWO}' to 'app'."]


# ---- what was agreed to ----------------------------------------------------------------------------------------------

def test_what_was_not_agreed_to_is_not_written() -> None:
    """The check comes before each PATCH, and not where there is nothing to write."""
    asked: list[tuple[str | None, Identities]] = []

    def still_agreed(latest: Snapshot, wanted: Identities) -> bool:
        asked.append((latest.etag, wanted))
        return latest.etag != "e2"

    played = assign(code(412), has(None, etag="e1"), code(412), has(users(ONE), etag="e2"), still_agreed=still_agreed)
    assert asked == [("e0", SYSTEM_ASSIGNED), ("e1", SYSTEM_ASSIGNED), ("e2", Identities(True, (ONE,)))]
    assert isinstance(played.error, AzureResponseError)
    assert played.message == ("Meanwhile, someone else changed the identities of 'app'. Nothing was removed.",
                              [f"Run the command again. {SEE}"])
    lost = assign(NoAnswer("broken"), has(users(ONE), etag="e2"), still_agreed=still_agreed)
    assert lost.message[0] == "Meanwhile, someone else changed the identities of 'app'."
    assert assign(before=snapshot(SYSTEM), still_agreed=lambda *_: False).result


# ---- what was accepted stays said ------------------------------------------------------------------------------------

ACCEPTED = "The service accepted the change to 'app' and may have made it."
POSSIBLY = "The service may have made the change to 'app'."
WHOLE = (Answer(202, at=1.0, headers=ASYNC), running(at=2.0), Answer(200, {"status": "Succeeded"}, at=4.0),
         has(SYSTEM, "Updating", at=4.0), has(None, at=5.0), has(SYSTEM))  # to 12 steps: each kind once
FAILURES = [asyncio.CancelledError(), AuthenticationError("No token."), RequestError(GET, Answer(403))]


def test_the_steps_of_a_whole_update() -> None:
    assert [type(step).__name__ for step in assign(*WHOLE).steps] == [
        "UpdateIdentity", "PollDelay", "Get", "PollDelay", "Get", "GetResource", "PollDelay", "GetResource", "Sleep",
        "GetResource"]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("at", range(1, 10))
def test_whatever_fails_after_a_yes(at: int, failure: BaseException) -> None:
    played = assign(*WHOLE, fail_at=(at, failure))
    assert isinstance(played.error, UnfinishedError)
    assert (played.cause, played.error.accepted, played.error.remaining) == (failure, ACCEPTED, ())
    assert played.error.resource == RESOURCE
    assert len(played.steps) == at + 1


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("first", [code(412), code(409, "Conflict")])
def test_whatever_fails_before_a_yes_is_raised_as_it_is(first: Answer, failure: BaseException) -> None:
    for at in range(4):
        assert assign(first, has(), has(SYSTEM), fail_at=(at, failure)).error is failure


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("lost", [NoAnswer("Interrupted.", permanent=True), *LOST])
def test_whatever_fails_after_a_lost_answer(lost: Reply, failure: BaseException) -> None:
    for at in range(1, 4):
        played = assign(lost, has(), has(SYSTEM), fail_at=(at, failure))
        assert isinstance(played.error, UnfinishedError)
        assert (played.cause, played.error.accepted) == (failure, POSSIBLY)


def test_what_an_unfinished_update_ends_with() -> None:
    """The last refusal; an error that says itself that the service accepted the change isn't told twice."""
    assert [assign(NoAnswer("x"), has(), answer).error.accepted  # type: ignore[union-attr]  # an UnfinishedError
            for answer in (code(403), code(429), code(404))] == [POSSIBLY] * 3
    failed = assign(Answer(202, headers=ASYNC), Answer(200, {"status": "Failed"})).error
    assert isinstance(failed, UnfinishedError)
    assert failed.accepted == ""
    assert str(failed.cause).startswith("The service accepted the change to 'app', but")


def test_without_waiting_nothing_fails_after_a_yes() -> None:
    assert assign(Answer(202, headers=ASYNC), wait=False).error is None
