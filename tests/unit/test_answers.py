# SPDX-License-Identifier: MIT
"""What answers of ARM say: errors, codes, and how long to wait."""

from __future__ import annotations

from typing import Any

import pytest
from azext_communication_identity.model.answers import (
    Answer,
    NoAnswer,
    Reply,
    error_code,
    error_of,
    error_text,
    is_not_found,
    is_transient,
    quota_resets_after,
    seconds_asked_for,
    text_of,
)

MOMENT = "Wed, 21 Oct 2015 07:28:00 GMT"


def test_what_is_so_unless_said_otherwise() -> None:
    answer = Answer(200)
    assert (answer.body, answer.headers, answer.text, answer.at, answer.waited) == (None, {}, "", 0.0, 0.0)
    nothing = NoAnswer("x")
    assert (nothing.timed_out, nothing.permanent, nothing.at) == (False, False, 0.0)
    assert (nothing.status, nothing.body, nothing.ok, nothing.retry_after, nothing.is_malformed) == (0, None, False, None, False)


@pytest.mark.parametrize(("body", "text", "expected"), [
    (None, "", False), (None, " null\n", False), ({}, "{}", False), ({"a": 1}, "", False), (None, "<html>", True),
    ([], "[]", True), ("x", "", True), (False, "false", True), (0, "", True)])
def test_a_malformed_body(body: Any, text: str, expected: bool) -> None:
    assert Answer(200, body, text=text).is_malformed is expected


@pytest.mark.parametrize(("reply", "expected"), [
    (NoAnswer("x"), ""), (Answer(409), ""), (Answer(409, {"error": {"code": None}}), ""),
    (Answer(409, {"error": {"code": "ABc"}}), "abc"), (Answer(409, {"code": "X"}), "x"), (Answer(409, {"error": "X"}), "")])
def test_error_code(reply: Reply, expected: str) -> None:
    assert error_code(reply) == expected


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
    ({"retry-after": f"Fri, 31 Dec {'9' * 20} 23:59:59 GMT", "date": MOMENT}, None),
    ({"retry-after": f"Fri, 31 Dec 2026 23:59:59 +{'9' * 20}", "date": MOMENT}, None),
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
    *((Answer(status), True) for status in (408, 500, 502, 503, 504, 507, 520, 599)),
    *((Answer(status), False) for status in (200, 400, 404, 409, 412, 429, 501)),
])
def test_what_passes(reply: Reply, expected: bool) -> None:
    assert is_transient(reply) is expected


def test_the_words_of_an_error_and_of_its_details() -> None:
    details = [{"code": "B", "Message": "b", "details": [{"message": "c"}, {}]}, {"code": "D"}, "x", {"code": "D"}]
    assert error_text({"code": "A", "message": "a", "details": details}) == "(A) a (B) b (D) c"
    assert error_text({"code": "A", "details": [{"code": one} for one in "BCDEF"]}) == "(A) (B) (C) (D) (E)"
    assert error_text({"details": "x", "message": ["x"]}) == ""


def test_text() -> None:
    assert [text_of(one) for one in ("a", "a\ud800\x1b[2J", 1, None)] == ["a", "a\\ud800\\x1b[2J", "", ""]


@pytest.mark.parametrize(("reply", "expected"), [
    (Answer(404), True), (Answer(404, {}, text="{}"), True), (Answer(404, text=" "), True),
    (Answer(404, {"error": {"code": "ResourceNotFound"}}, text="{…}"), True),
    (Answer(404, {"error": {"code": "SubscriptionNotFound"}}, text="{…}"), False),
    (Answer(404, {"error": {"code": "InvalidResourceType"}}, text="{…}"), False),
    (Answer(404, text="<html>"), False), (Answer(410), False), (NoAnswer("broken"), False)])
def test_absent(reply: Reply, expected: bool) -> None:
    assert is_not_found(reply) is expected
