# SPDX-License-Identifier: MIT
"""Which address tells of an operation, what its answers mean, and when it is over."""

from __future__ import annotations

from typing import Any

import pytest
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply
from azext_communication_identity.model.operation import (
    NotDoneError,
    OperationFailedError,
    operation_address,
    poll_operation,
    poll_result,
)
from azext_communication_identity.model.requests import Get, OperationEnded, PollDelay
from azext_communication_identity.model.resource_id import ResourceId
from flow import Played, play

RESOURCE = ResourceId("00000000-0000-0000-0000-00000000000a", "rg", "app")
ADDRESS, OTHER = "https://management.azure.com/operations/1?t=a*b", "https://management.azure.com/operations/2"
ASYNC, LOCATION = {"azure-asyncoperation": ADDRESS}, {"location": ADDRESS}
BOTH = pytest.mark.parametrize("headers", [ASYNC, LOCATION], ids=["Azure-AsyncOperation", "Location"])
SEE = f"To see its current identities, run:\naz communication identity show --ids {RESOURCE.id}"
WAIT = f"To wait for it to finish, run:\naz communication identity wait --updated --ids {RESOURCE.id}"
SUCCEEDED = Answer(200, {"status": "Succeeded"}, at=99.0)
NO_REASON = "the service gives no reason"


def code(status: int, text: str = "X", **more: Any) -> Answer:
    return Answer(status, {"error": {"code": text, "message": "m"}}, **more)


def running(**more: Any) -> Answer:
    return Answer(200, {"status": "InProgress"}, **more)


def follow(headers: dict[str, str], *polls: Reply, at: float = 10.0) -> Played:
    """Follow the operation of a PATCH that was answered at `at`."""
    return play(poll_operation(RESOURCE, ADDRESS, Answer(202, headers=headers, at=at)), *polls)


# ---- the address -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("headers", "expected"), [
    ({}, None), (ASYNC, ADDRESS), (LOCATION, ADDRESS), ({**ASYNC, "location": OTHER}, ADDRESS),
    ({"azure-asyncoperation": "", "location": OTHER}, OTHER), ({"location": ""}, None), ({"location": "/x/y"}, "/x/y"),
    ({"location": RESOURCE.id}, None), ({"location": f"{RESOURCE.id}/"}, None),
    ({"location": f"https://management.azure.com{RESOURCE.id.upper()}/?api-version=1"}, None),
    ({"location": f"http://x{RESOURCE.id.replace('rg', '%72g')}#y"}, None),
    ({"location": f"{RESOURCE.id}/operations/1"}, f"{RESOURCE.id}/operations/1"),
    ({"location": f"ftp://x{RESOURCE.id}"}, f"ftp://x{RESOURCE.id}"),
])
def test_the_address_of_an_operation(headers: dict[str, str], expected: str | None) -> None:
    """A Location that is the resource itself is none."""
    assert operation_address(Answer(202, headers=headers), RESOURCE) == expected
    named_x = RESOURCE._replace(name="X")
    assert operation_address(Answer(202, headers={"location": named_x.id}), named_x) is None


# ---- one answer ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("poll", "status", "location"), [
    # what both say alike
    (running(), "inprogress", "inprogress"), (SUCCEEDED, "succeeded", "succeeded"),
    (Answer(201, {"status": "FAILED"}), "failed", "failed"), (Answer(202, {"status": "Canceled"}), "canceled", "canceled"),
    (NoAnswer("broken"), "transient", "transient"), (NoAnswer("never", permanent=True), "transient", "transient"),
    (NoAnswer("slow", timed_out=True), "odd", "odd"), *((code(one), "transient", "transient") for one in (408, 500, 502, 503, 504)),
    (code(429), "running", "running"), *((code(one), "odd", "odd") for one in (302, 400, 401, 403, 404, 405, 410, 501)),
    (Answer(404, {"status": "Failed"}), "odd", "odd"), (Answer(200, text="<html>"), "odd", "odd"), (Answer(200), "odd", "odd"),
    (Answer(200, []), "odd", "odd"), (Answer(200, {}), "odd", "odd"),
    # what only a Location says
    (Answer(202), "odd", "running"), (Answer(202, text="<html>"), "odd", "running"), (Answer(202, {"x": 1}), "odd", "running"),
    (Answer(204), "odd", "succeeded"), (Answer(200, {"id": RESOURCE.id}), "odd", "succeeded"),
    (Answer(201, {"status": ""}), "odd", "succeeded"), (Answer(200, {"status": 1}), "odd", "succeeded"),
])
def test_what_a_poll_means(poll: Reply, status: str, location: str) -> None:
    assert (poll_result(poll, has_status=True).state, poll_result(poll, has_status=False).state) == (status, location)


@pytest.mark.parametrize(("poll", "error"), [
    (code(400, "C"), "(C) m"), (Answer(200, {"status": "Failed", "error": {"Code": "C"}}), "(C)"),
    (Answer(200, {"status": "Failed", "error": None}), NO_REASON), (Answer(409, {"code": "C", "message": "m"}), "(C) m"),
    (NoAnswer("x"), ""), (code(503), "")])
def test_the_error_in_a_poll(poll: Reply, error: str) -> None:
    assert poll_result(poll, has_status=False).error == error


# ---- until it is over ------------------------------------------------------------------------------------------------

@BOTH
@pytest.mark.parametrize("state", ["Succeeded", "SUCCEEDED", "Completed"])
def test_an_operation_is_followed(headers: dict[str, str], state: str) -> None:
    played = follow(headers, running(at=11.0), Answer(200, {"status": state}, at=14.5))
    assert played.steps == [PollDelay(10.0, 0, None), Get(ADDRESS), PollDelay(10.0, 1, None), Get(ADDRESS)]
    assert played.result == 14.5
    assert played.ended == [OperationEnded(4.5)]


@pytest.mark.parametrize("ending", [Answer(204, at=15.0), Answer(200, {"id": RESOURCE.id}, at=15.0)])
def test_a_location_answers_202_until_it_is_over(ending: Answer) -> None:
    played = follow(LOCATION, Answer(202), Answer(202, {"x": 1}), ending)
    assert played.requests == [Get(ADDRESS)] * 3
    assert played.result == 15.0


def test_a_location_that_has_moved() -> None:
    played = follow(LOCATION, Answer(202, headers={"location": OTHER}), code(429, headers={"location": "/no"}), Answer(202),
                    Answer(202, {"status": "Running"}, headers={"location": "/3"}), Answer(204))
    assert played.requests == [Get(ADDRESS), Get(OTHER), Get(OTHER), Get(OTHER), Get("/3")]


def test_an_azure_asyncoperation_does_not_move() -> None:
    played = follow(ASYNC, running(headers={"location": OTHER}), Answer(202, headers={"location": OTHER}), SUCCEEDED)
    assert played.requests == [Get(ADDRESS)] * 3


@BOTH
@pytest.mark.parametrize(("ending", "state", "said"), [
    (Answer(200, {"status": "Failed", "error": {"code": "C", "message": "m"}}, at=12.0), "failed", "(C) m"),
    (Answer(200, {"status": "FAILED", "error": {"Code": "C"}}, at=12.0), "failed", "(C)"),
    (Answer(200, {"status": "Canceled", "error": {"message": "m"}}, at=12.0), "canceled", "m"),
    (Answer(200, {"status": "Cancelled", "error": {"message": "m\x1b"}}, at=12.0), "cancelled", "m\\x1b"),
    (Answer(200, {"status": "Failed", "error": None}, at=12.0), "failed", NO_REASON)])
def test_an_operation_that_fails(headers: dict[str, str], ending: Answer, state: str, said: str) -> None:
    played = follow(headers, running(), ending)
    assert isinstance(played.error, OperationFailedError)
    assert played.message == (f"The service accepted the change to 'app', but the operation ended with status '{state}': "
                              f"{said}", [SEE])
    assert played.error.code == ("c" if "C" in said else "")
    assert played.ended == [OperationEnded(2.0)]


def test_retry_after_is_kept() -> None:
    played = follow({**ASYNC, "retry-after": "7"}, running(headers={"retry-after": "8"}), running(),
                    running(headers={"retry-after": "9"}), code(503, headers={"retry-after": "50"}),
                    code(429, headers={"retry-after": "1000"}), running(), SUCCEEDED)
    assert [(one.polls, one.at_least) for one in played.delays] == [
        (0, 7.0), (1, 8.0), (2, None), (3, 9.0), (4, 50.0), (5, 1000.0), (6, None)]


# ---- addresses of no use ---------------------------------------------------------------------------------------------

ODD: list[Reply] = [code(401), code(403), code(404), code(405), code(410), code(501), Answer(400, {}), Answer(302),
                    code(400, "MissingApiVersionParameter"), Answer(200), Answer(200, text="<html>"), Answer(400, text="<html>"),
                    NoAnswer("slow", timed_out=True)]


def spread(reply: Reply, count: int, seconds: float) -> list[Reply]:
    """The same answer again and again over so many seconds, beginning at 20."""
    return [reply._replace(at=20.0 + seconds * number / (count - 1)) for number in range(count)]


@BOTH
@pytest.mark.parametrize("odd", ODD)
def test_no_odd_answer_ends_an_operation(headers: dict[str, str], odd: Reply) -> None:
    played = follow(headers, *spread(odd, 4, 60.0), running(at=80.0), *spread(odd, 4, 60.0), SUCCEEDED)
    assert played.result == 99.0
    assert len(played.requests) == 10


@BOTH
@pytest.mark.parametrize("odd", ODD)
def test_five_odd_answers_over_ten_seconds_mean_that_only_the_resource_can_tell(headers: dict[str, str], odd: Reply) -> None:
    played = follow(headers, *spread(odd, 5, 10.0))
    assert (played.error, played.result, len(played.requests)) == (None, 30.0, 5)
    assert played.ended == []
    quick = follow(headers, *spread(odd, 5, 9.9), odd._replace(at=30.0))
    assert (quick.result, len(quick.requests)) == (30.0, 6)


@BOTH
@pytest.mark.parametrize("failure", [NoAnswer("broken"), code(503), code(500), Answer(408)])
def test_fifteen_failures_that_pass_do_too(headers: dict[str, str], failure: Reply) -> None:
    played = follow(headers, *spread(failure, 14, 60.0), running(at=81.0), *spread(failure, 15, 60.0))
    assert (played.result, len(played.requests)) == (80.0, 30)
    assert [one.polls for one in played.delays] == list(range(30))
    assert len(follow(headers, *spread(failure, 15, 9.9), failure._replace(at=30.0)).requests) == 16


def test_both_kinds_add_up() -> None:
    mixed = [*spread(code(404), 4, 5.0), *(NoAnswer("broken", at=at) for at in (26.0, 27.0, 30.0))]
    assert follow(ASYNC, *mixed).result == 30.0
    assert follow(ASYNC, *mixed[:-1], SUCCEEDED).result == 99.0


@BOTH
def test_an_address_that_can_never_be_read(headers: dict[str, str]) -> None:
    played = follow(headers, NoAnswer("not ARM's", permanent=True, at=12.0))
    assert (played.result, played.ended) == (12.0, [])


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_location_answers_with_the_error_of_the_operation(status: int) -> None:
    ending = spread(code(status, "FailedIdentityOperation"), 5, 10.0)
    played = follow(LOCATION, *ending)
    assert isinstance(played.error, OperationFailedError)
    assert played.error.code == "failedidentityoperation"
    assert played.message[0].endswith("ended with status 'failed': (FailedIdentityOperation) m")
    assert follow(ASYNC, *ending).result == 30.0
    assert follow(LOCATION, *ending[:4], SUCCEEDED).result == 99.0


# ---- too long --------------------------------------------------------------------------------------------------------

def test_an_operation_that_goes_on() -> None:
    played = follow(ASYNC, running(at=1810.0), running(at=1811.0))
    assert isinstance(played.error, NotDoneError)
    assert played.message == ("The service accepted the change to 'app', but the operation is still running after 1801 "
                              "seconds.", [WAIT])


@pytest.mark.parametrize(("first", "polls"), [("1801", []), ("", [running(at=110.0, headers={"retry-after": "1701"})])])
def test_a_poll_that_asks_to_wait_for_longer_than_the_limit(first: str, polls: list[Reply]) -> None:
    """Said at once: no other poll follows."""
    played = follow({**ASYNC, "retry-after": first}, *polls)
    assert isinstance(played.error, NotDoneError)
    assert played.message == (
        f"The service accepted the change to 'app', but asks to wait another {'1701' if polls else '1801'} seconds before the "
        "next poll of the operation. This command polls for at most 1800 seconds.", [WAIT])


def test_a_poll_that_asks_to_wait_until_the_limit() -> None:
    played = follow(ASYNC, running(at=600.0, headers={"retry-after": "1700"}), SUCCEEDED, at=500.0)
    assert played.delays[-1].at_least == 1700.0
