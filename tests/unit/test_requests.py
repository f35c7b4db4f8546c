# SPDX-License-Identifier: MIT
"""What a flow awaits: how requests count, how reads are retried, how lists are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply
from azext_communication_identity.model.requests import (
    Ask,
    Delete,
    Get,
    GetResource,
    GetUserAssignedIdentity,
    ListResources,
    ListUserAssignedIdentities,
    OperationEnded,
    PollDelay,
    Put,
    Query,
    Request,
    RequestError,
    SharedGet,
    Sleep,
    Step,
    UpdateIdentity,
    pages,
    read,
)
from azext_communication_identity.model.resource_id import IdentityId, ResourceId
from flow import play

GET = Get("/x")
OK = Answer(200, {"a": 1})
NOT_JSON = NoAnswer("The service's response is not a JSON object.", at=7.0)
RESOURCE, IDENTITY = ResourceId("s", "g", "app"), IdentityId("s", "g", "one")
LIST, USERS = "/providers/Microsoft.Communication/communicationServices", "/providers/Microsoft.ManagedIdentity/userAssignedIdentities"


@pytest.mark.parametrize(("request_", "kind", "is_shared", "path"), [
    (GetResource(RESOURCE), "read", False, RESOURCE.id), (UpdateIdentity(RESOURCE, {}), "write", False, RESOURCE.id),
    (ListResources("s"), "read", False, f"/subscriptions/s{LIST}"),
    (ListResources("s", "g"), "read", False, f"/subscriptions/s/resourceGroups/g{LIST}"),
    (GetUserAssignedIdentity(IDENTITY, "v"), "read", True, IDENTITY.id),
    (ListUserAssignedIdentities("s"), "read", True, f"/subscriptions/s{USERS}"),
    (ListUserAssignedIdentities("s", "g"), "read", True, f"/subscriptions/s/resourceGroups/g{USERS}"),
    (Query({}), "query", False, "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"),
    (GET, "read", False, "/x"), (SharedGet("/x"), "read", True, "/x"), (Put("/x", {}), "write", False, "/x"),
    (Delete("/x"), "delete", False, "/x"),
])
def test_requests(request_: Request, kind: str, is_shared: bool, path: str) -> None:
    """Which of ARM's token buckets a request counts against, whether its answer is shared, and what it asks for."""
    assert (request_.kind, request_.is_shared, request_.path) == (kind, is_shared, path)
    assert (request_.timeout, request_.patience) == (60.0, 900.0)
    if is_shared:
        assert len({request_, replace(request_)}) == 1  # it's a key


def test_what_is_so_unless_said_otherwise() -> None:
    waiting = PollDelay(0.0, 0, None)
    assert (waiting.why, waiting.own_operation) == ("the operation to finish", True)


@pytest.mark.parametrize("step", [GET, Sleep(1.0, "x"), PollDelay(0.0, 0, None), OperationEnded(1.0), Ask("x")])
def test_each_step_hands_itself_to_who_runs_the_flow(step: Step) -> None:
    async def flow() -> Any:
        return await step
    running = flow()
    assert running.send(None) is step
    outcome = OK if isinstance(step, Request) else None
    with pytest.raises(StopIteration) as stop:
        running.send(outcome)
    assert stop.value.value is outcome


def test_what_a_refusal_says() -> None:
    assert str(RequestError(GET, NoAnswer("broken"))) == "broken"
    assert str(RequestError(GET, Answer(404))) == "status 404"


# ---- read ------------------------------------------------------------------------------------------------------------

def pause(seconds: float) -> Sleep:
    return Sleep(seconds, "the service to answer again")


def test_a_read_that_is_answered() -> None:
    played = play(read(GET), OK)
    assert played.steps == [GET]
    assert played.result is OK


@pytest.mark.parametrize("bad", [NoAnswer("broken"), Answer(503), Answer(200), Answer(200, []), Answer(200, "x")])
def test_a_read_is_sent_again(bad: Reply) -> None:
    played = play(read(GET), bad, bad, bad, OK)
    assert played.steps == [GET, pause(0.8), GET, pause(1.6), GET, pause(3.2), GET]
    assert played.result is OK


@pytest.mark.parametrize(("bad", "last"), [
    (NoAnswer("broken"), NoAnswer("broken")), (Answer(503), Answer(503)), (Answer(200, [], at=7.0), NOT_JSON)])
def test_a_read_is_given_up(bad: Reply, last: Reply) -> None:
    played = play(read(GET), bad, bad, bad, bad)
    assert played.sleeps == [pause(0.8), pause(1.6), pause(3.2)]
    assert (played.refused.request, played.refused.reply) == (GET, last)


@pytest.mark.parametrize("bad", [
    Answer(404), Answer(429), NoAnswer("slow", timed_out=True), NoAnswer("never", permanent=True)])
def test_a_read_is_refused_at_once(bad: Reply) -> None:
    played = play(read(GET), bad)
    assert played.steps == [GET]
    assert played.refused.reply is bad


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_how_often_a_read_is_sent_again(retries: int) -> None:
    bad = Answer(500)
    assert len(play(read(GET, retries), *[bad] * (retries + 1)).sleeps) == retries


@pytest.mark.parametrize(("asked", "seconds"), [("0.1", 0.8), ("0.9", 0.9), ("30", 30.0), ("60", 60.0), ("61", 60.0)])
def test_a_read_keeps_retry_after(asked: str, seconds: float) -> None:
    assert play(read(GET), Answer(503, headers={"retry-after": asked}), OK).sleeps == [pause(seconds)]


# ---- pages -----------------------------------------------------------------------------------------------------------

def page(names: str, following: Any = None) -> Answer:
    return Answer(200, {"value": [{"name": name} for name in names], "nextLink": following})


name: Callable[[dict[str, Any]], Any] = lambda item: item["name"]  # noqa: E731  # it has a type


def never(reason: str) -> NoAnswer:
    return NoAnswer(reason, permanent=True)


@pytest.mark.parametrize(("first", "then"), [
    (GET, "address"), (SharedGet("/x"), "address"), (ListResources("s", "g"), "next_page"),
    (ListUserAssignedIdentities("s"), "next_page")])
def test_pages(first: Request, then: str) -> None:
    played = play(pages(first, name), page("ab", "/y"), page("", "/z"), page("c"))
    assert played.result == ["a", "b", "c"]
    assert played.steps == [first, replace(first, **{then: "/y"}), replace(first, **{then: "/z"})]


@pytest.mark.parametrize("answers", [
    [page("a", "/x")], [page("a", "/y"), page("b", "/y")], [page("a", "/y"), page("b", "/x")], [page("a", 1)]])
def test_a_list_that_goes_round(answers: list[Answer]) -> None:
    played = play(pages(GET, name), *answers)
    assert played.refused.request == played.requests[-1]
    assert played.refused.reply == never("The service's list links back to a page that was already read.")


@pytest.mark.parametrize(("names", "most", "said"), [
    ("a", 10_000, "10,000 pages were read."), ("", 101, "101 pages were read, and the last 101 were empty.")])
def test_a_list_without_end(names: str, most: int, said: str) -> None:
    played = play(pages(GET, name), *(page(names, f"/{number}") for number in range(most)))
    assert played.refused.reply == never(f"The service's list has no end: {said}")
    assert played.refused.request == played.requests[-1]
    last = play(pages(GET, name), *(page(names, f"/{number}") for number in range(most - 1)), page("b"))
    assert last.result == [*names * (most - 1), "b"]


def test_an_optional_list_is_read_once_within_its_time() -> None:
    request = replace(GET, timeout=4.0, patience=0.0)
    assert play(pages(request, name, 4.0), Answer(503)).requests == [request]
    first, last = page("a", "/y")._replace(at=10.0), page("c")
    assert play(pages(request, name, 4.0), first, page("b", "/z")._replace(at=14.0), last).result == ["a", "b", "c"]
    late = play(pages(request, name, 4.0), first, page("b", "/z")._replace(at=14.1))
    assert late.refused.reply == never("The service's list is too long to wait for.")
    assert late.refused.request == replace(request, address="/y")
    assert play(pages(GET, name), first, page("b", "/z")._replace(at=99.0), last).result == ["a", "b", "c"]


def test_empty_pages_between_others() -> None:
    groups = [page("", f"/{number}") for number in range(101)]
    groups[50] = page("a", "/50")
    assert play(pages(GET, name), *groups, *(page("", f"/{number}") for number in range(101, 151)), page("b")
                ).result == ["a", "b"]


def test_a_page_is_read_again() -> None:
    assert play(pages(GET, name), Answer(503), page("a")).result == ["a"]


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": {}}, {"value": [{"name": "a"}, "b"]}])
def test_a_list_that_is_none(body: dict[str, Any]) -> None:
    played = play(pages(GET, name), Answer(200, body))
    assert played.refused.request == GET
    assert played.refused.reply == never("The service's list has no 'value'.")
