# SPDX-License-Identifier: MIT
"""The steps of a life: what an answer means, how reads are sent again, how lists are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply, error_of, error_text, is_not_found, is_transient, quota_resets_after, seconds_asked_for, text_of
from azext_communication_identity.model.requests import PollDelay, Request, RequestError, Sleep, pages, read
from life import play

GET = Request("GET", "/x")
OK = Answer(200, {"a": 1})
NOT_JSON = NoAnswer("The service's response is not a JSON object.", at=7.0)
MOMENT = "Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.mark.parametrize(("request_", "kind"), [
    (GET, "read"), (Request("DELETE", "/x"), "delete"), (Request("PATCH", "/x"), "write"),
    (Request("PUT", "/x"), "write"), (Request("POST", "/x"), "write"), (Request("POST", "/x", query=True), "query"),
])
def test_which_bucket_pays(request_: Request, kind: str) -> None:
    assert request_.kind == kind


def test_what_is_so_unless_said_otherwise() -> None:
    assert (GET.body, GET.etag, GET.timeout, GET.query, GET.shared, GET.optional) == (None, None, 60.0, *[False] * 3)
    assert GET.patience == 900
    answer = Answer(200)
    assert (answer.body, answer.headers, answer.text, answer.at, answer.waited) == (None, {}, "", 0.0, 0.0)
    nothing = NoAnswer("x")
    assert (nothing.timed_out, nothing.permanent, nothing.at) == (False, False, 0.0)
    waiting = PollDelay(0.0, 0, None)
    assert (waiting.why, waiting.own_operation) == ("the operation to finish", True)


@pytest.mark.parametrize(("status", "expected"), [(199, False), (200, True), (299, True), (300, False)])
def test_ok(status: int, expected: bool) -> None:
    assert Answer(status).ok is expected


@pytest.mark.parametrize(("headers", "expected"), [
    ({}, None), ({"retry-after": ""}, None), ({"retry-after": "abc"}, None), ({"retry-after": "-1"}, None),
    ({"retry-after": "0"}, 0.0), ({"retry-after": "5"}, 5.0), ({"retry-after": " 5.25 "}, 5.25),
    ({"retry-after": "1" * 9}, 111111111.0), ({"retry-after": "1" * 10}, None), ({"retry-after": "1e9"}, None),
    ({"retry-after": MOMENT.replace(":00 ", ":10 "), "date": MOMENT}, 10.0),
    ({"retry-after": MOMENT, "date": MOMENT.replace(":00 ", ":10 ")}, 0.0),
    ({"retry-after": MOMENT}, None), ({"date": MOMENT}, None),
    ({"retry-after": MOMENT, "date": MOMENT.replace("GMT", "-0000")}, None),  # one has a zone, the other hasn't
])
def test_retry_after(headers: dict[str, str], expected: float | None) -> None:
    assert Answer(429, headers=headers).retry_after == expected


@pytest.mark.parametrize(("answer", "expected"), [
    (Answer(429), 5.0),
    (Answer(429, headers={"retry-after": "7"}), 7.0),
    (Answer(429, text="Retry after 2 seconds."), 2.0),
    (Answer(429, text="Please try again after '6' seconds. retry after 9 seconds"), 9.0),
    (Answer(429, text="Retry after 1234567 seconds."), 5.0),
    (Answer(429, text="in 8 seconds"), 5.0),
    (Answer(429, headers={"x-ms-user-quota-resets-after": "00:00:05.5"}), 5.0),
    (Answer(429, headers={"x-ms-user-quota-resets-after": "01:02:03"}), 3723.0),
    (Answer(429, headers={"retry-after": "7", "x-ms-user-quota-resets-after": "00:00:08"},
            text="Retry after 2 seconds."), 8.0),
    (Answer(429, headers={"retry-after": "0.5"}), 0.5),
])
def test_how_long_a_429_asks_to_wait(answer: Answer, expected: float) -> None:
    assert seconds_asked_for(answer) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("", 0.0), ("5", 0.0), ("00:00:00", 0.0), ("00:00:05 x", 0.0), ("100:00:01", 360001.0), ("00:05", 0.0)])
def test_quota(text: str, expected: float) -> None:
    assert quota_resets_after(Answer(200, headers={"x-ms-user-quota-resets-after": text})) == expected


@pytest.mark.parametrize(("reply", "expected"), [
    (NoAnswer("x"), {}), (Answer(400), {}), (Answer(400, ["x"]), {}), (Answer(400, {}), {}),
    (Answer(400, {"error": {"code": "C", "Message": "m"}}), {"code": "C", "message": "m"}),
    (Answer(400, {"Error": {"Code": "C"}}), {"code": "C"}), (Answer(400, {"Code": "C"}), {"code": "C"}),
    (Answer(400, {"error": "words", "code": "C"}), {"message": "words"}), (Answer(400, {"error": 1}), {}),
])
def test_error_of(reply: Reply, expected: dict[str, Any]) -> None:
    assert error_of(reply) == expected


@pytest.mark.parametrize(("reply", "expected"), [
    (NoAnswer("x"), True), (NoAnswer("x", timed_out=True), False), (NoAnswer("x", permanent=True), False),
    *((Answer(status), True) for status in (408, 500, 502, 503, 504)),
    *((Answer(status), False) for status in (200, 400, 404, 409, 412, 429, 501, 505)),
])
def test_what_passes(reply: Reply, expected: bool) -> None:
    assert is_transient(reply) is expected


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
    assert played.pauses == [pause(0.8), pause(1.6), pause(3.2)]
    assert (played.refused.request, played.refused.reply) == (GET, last)


@pytest.mark.parametrize("bad", [
    Answer(404), Answer(429), NoAnswer("slow", timed_out=True), NoAnswer("never", permanent=True)])
def test_a_read_is_refused_at_once(bad: Reply) -> None:
    played = play(read(GET), bad)
    assert played.steps == [GET]
    assert played.refused.reply is bad


@pytest.mark.parametrize("tries", [0, 1, 2])
def test_how_often_a_read_is_sent_again(tries: int) -> None:
    bad = Answer(500)
    assert len(play(read(GET, tries), *[bad] * (tries + 1)).pauses) == tries


@pytest.mark.parametrize(("asked", "seconds"), [("0.1", 0.8), ("0.9", 0.9), ("30", 30.0), ("60", 60.0), ("61", 60.0)])
def test_a_read_keeps_retry_after(asked: str, seconds: float) -> None:
    assert play(read(GET), Answer(503, headers={"retry-after": asked}), OK).pauses == [pause(seconds)]


# ---- what is said --------------------------------------------------------------------------------------------------

def test_the_words_of_an_error_and_of_its_details() -> None:
    details = [{"code": "B", "Message": "b", "details": [{"message": "c"}, {}]}, {"code": "D"}, "x", {"code": "D"}]
    assert error_text({"code": "A", "message": "a", "details": details}) == "(A) a (B) b (D) c"
    assert error_text({"code": "A", "details": [{"code": one} for one in "BCDEF"]}) == "(A) (B) (C) (D) (E)"
    assert error_text({"details": "x", "message": ["x"]}) == ""


def test_text() -> None:
    assert [text_of(one) for one in ("a", "a\ud800", 1, None)] == ["a", "a?", "", ""]


@pytest.mark.parametrize(("reply", "expected"), [
    (Answer(404), True), (Answer(404, {}, text="{}"), True), (Answer(404, text=" "), True),
    (Answer(404, {"error": {"code": "ResourceNotFound"}}, text="{…}"), True),
    (Answer(404, {"error": {"code": "SubscriptionNotFound"}}, text="{…}"), False),
    (Answer(404, text="<html>"), False), (Answer(410), False), (NoAnswer("broken"), False)])
def test_absent(reply: Reply, expected: bool) -> None:
    assert is_not_found(reply) is expected


# ---- pages -----------------------------------------------------------------------------------------------------------

def page(names: str, following: Any = None) -> Answer:
    return Answer(200, {"value": [{"name": name} for name in names], "nextLink": following})


name: Callable[[dict[str, Any]], Any] = lambda item: item["name"]  # noqa: E731  # it has a type


def test_pages() -> None:
    first = Request("GET", "/x", shared=True)
    played = play(pages(first, name), page("ab", "/y"), page("", "/z"), page("c"))
    assert played.result == ["a", "b", "c"]
    assert played.steps == [first, Request("GET", "/y", shared=True), Request("GET", "/z", shared=True)]
    assert play(pages(GET, name), page("a", "/y"), page("")).requests[1] == Request("GET", "/y")


@pytest.mark.parametrize("answers", [
    [page("a", "/x")], [page("a", "/y"), page("b", "/y")], [page("a", "/y"), page("b", "/x")], [page("a", 1)]])
def test_a_list_that_goes_round(answers: list[Answer]) -> None:
    played = play(pages(GET, name), *answers)
    assert played.refused.request == played.requests[-1]
    assert played.refused.reply == NoAnswer("The service's list links back to a page that was already read.")


@pytest.mark.parametrize(("names", "most", "said"), [
    ("a", 10_000, "10,000 pages were read."), ("", 101, "101 pages were read, and the last 101 were empty.")])
def test_a_list_without_end(names: str, most: int, said: str) -> None:
    played = play(pages(GET, name), *(page(names, f"/{number}") for number in range(most)))
    assert played.refused.reply == NoAnswer(f"The service's list has no end: {said}")
    assert played.refused.request == played.requests[-1]
    last = play(pages(GET, name), *(page(names, f"/{number}") for number in range(most - 1)), page("b"))
    assert last.result == [*names * (most - 1), "b"]


def test_an_optional_list_is_read_once_within_its_time() -> None:
    request = GET._replace(optional=True, timeout=4.0)
    assert play(pages(request, name), Answer(503)).requests == [request]
    first, last = page("a", "/y")._replace(at=10.0), page("c")
    assert play(pages(request, name), first, page("b", "/z")._replace(at=14.0), last).result == ["a", "b", "c"]
    late = play(pages(request, name), first, page("b", "/z")._replace(at=14.1))
    assert late.refused.reply == NoAnswer("The service's list is too long to wait for.")
    assert late.refused.request == request._replace(path="/y")
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
    assert played.refused.reply == NoAnswer("The service's list has no 'value'.")
