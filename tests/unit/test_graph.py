# SPDX-License-Identifier: MIT
"""Reading Resource Graph page by page."""

from __future__ import annotations

import pytest
from azext_communication_identity.arm.graph import graph_rows
from azext_communication_identity.model.answers import Answer, NoAnswer
from azext_communication_identity.model.requests import Sleep
from life import play


def page(name: str, left: str = "5", resets: str = "00:00:05", token: str | None = None) -> Answer:
    return Answer(200, {"data": [{"name": name}], "$skipToken": token},
                  {"x-ms-user-quota-remaining": left, "x-ms-user-quota-resets-after": resets})


@pytest.mark.parametrize(("left", "resets", "pauses"), [
    ("1", "00:00:05", []), ("0", "00:00:05", [5.0]), ("0", "00:15:00", [900.0]),
    ("0", "00:15:01", []), ("0", "99:59:59", [])])  # a refusal then says how long it asks to wait
def test_the_quota_is_waited_for_unless_it_takes_too_long(left: str, resets: str, pauses: list[float]) -> None:
    played = play(graph_rows("q", lambda row: row["name"]), page("a", left, resets, "t"), page("b"))
    assert played.result == ["a", "b"]
    assert played.pauses == [Sleep(seconds, "Azure Resource Graph to grant another query") for seconds in pauses]


def test_a_refusal_says_how_long_the_quota_takes() -> None:
    refused = Answer(429, headers={"x-ms-user-quota-resets-after": "99:59:59"})
    played = play(graph_rows("q", dict), page("a", "0", "99:59:59", "t"), refused)
    assert played.refused.reply is refused


@pytest.mark.parametrize(("data", "most", "said"), [
    ([{"name": "a"}], 10_000, "10,000 pages were read."),
    ([], 101, "101 pages were read, and the last 101 were empty.")])
def test_an_answer_without_end(data: list[dict[str, str]], most: int, said: str) -> None:
    endless = [Answer(200, {"data": data, "$skipToken": str(number)}) for number in range(most)]
    played = play(graph_rows("q", lambda row: row["name"]), *endless)
    assert played.refused.reply == NoAnswer(f"Azure Resource Graph's response has no end: {said}")
    last = play(graph_rows("q", lambda row: row["name"]), *endless[1:], page("b"))
    assert last.result == [*["a"] * (len(data) * (most - 1)), "b"]
