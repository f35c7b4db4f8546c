# SPDX-License-Identifier: MIT
"""Warnings of several resources: in their order, the same one only once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.runner.messages import counted, heading, same_texts, warn, warnings_in_order

APPS = [ResourceId("00000000-0000-0000-0000-00000000000a", "rg", name) for name in ("one", "two", "three")]


@pytest.fixture(autouse=True)
def no_target_after_the_test() -> Iterator[None]:
    """Each flow has a context of its own; a test hasn't."""
    yield
    with warnings_in_order(APPS[:1]) as (keep, _):
        keep(APPS[0])


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    assert {record.levelno for record in caplog.records} <= {logging.WARNING}
    return [record.getMessage() for record in caplog.records]


def test_a_warning_is_printed_at_once_and_cant_move_the_cursor(caplog: pytest.LogCaptureFixture) -> None:
    warn("first\x1b[2J %s\nsecond")
    assert messages(caplog) == ["first\\x1b[2J %s\nsecond"]


def test_the_warnings_of_one_target_are_printed_at_once(caplog: pytest.LogCaptureFixture) -> None:
    with warnings_in_order(APPS[:1]) as (keep, _):
        keep(APPS[0])
        warn("now")
        assert messages(caplog) == ["now"]
    assert messages(caplog) == ["now"]


def test_the_warnings_of_several_wait_for_their_turn(caplog: pytest.LogCaptureFixture) -> None:
    with warnings_in_order(APPS) as (keep, show):
        for app, texts in ((APPS[2], ["last"]), (APPS[0], [f"'ONE' at {APPS[0].id} is odd.", "100 %s"]), (APPS[1], [f"'two' at {APPS[1].id.upper()} is odd.", "100 %s"])):
            keep(app)
            for text in texts:
                warn(text)
        assert messages(caplog) == []
        show()
        printed = [f"2 resources (one, two), for example: 'ONE' at {APPS[0].id} is odd.", "100 %s", "last"]
        assert messages(caplog) == printed
        keep(APPS[1])
        warn("later\x1b")
    assert messages(caplog) == [*printed, "later\\x1b"]


def test_warnings_that_were_kept_are_printed_after_a_failure_too(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        with warnings_in_order(APPS) as (keep, _):
            keep(APPS[1])
            warn("kept")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert messages(caplog) == ["kept"]


@pytest.mark.parametrize(("texts", "groups"), [
    ([], []), ([(APPS[0], "a"), (APPS[1], "b"), (APPS[2], "A")], [([APPS[0], APPS[2]], "a"), ([APPS[1]], "b")]),
    ([(APPS[0], "'one' is odd"), (APPS[1], "'TWO' is odd"), (APPS[2], "'one' is odd")], [(APPS[:2], "'one' is odd"), ([APPS[2]], "'one' is odd")]),
    ([("t1", "'one'"), ("t2", "'one'"), ("t3", "'two'")], [(["t1", "t2"], "'one'"), (["t3"], "'two'")])])
def test_the_own_name_makes_no_difference(texts: list[tuple[Any, str]], groups: list[tuple[list[Any], str]]) -> None:
    assert same_texts(texts) == groups


@pytest.mark.parametrize(("number", "text", "head"), [
    (1, "x", f"{APPS[0].id}: "), (2, "x", "2 resources (one, two): "), (2, "'One'", "2 resources (one, two), for example: "),
    (5, "x", "5 resources (one, one, one, one, one): "), (6, "x", "6 resources (one, one, one, one, one and 1 more): ")])
def test_what_stands_before_a_message(number: int, text: str, head: str) -> None:
    assert heading(APPS[:number] if number < 3 else APPS[:1] * number, text) == head


def test_counts_in_words() -> None:
    assert [counted(number, "role", "roles") for number in range(3)] == ["", "1 role", "2 roles"]
