# SPDX-License-Identifier: MIT
"""Options of the parser itself: flags with a value, and numbers of seconds."""

from __future__ import annotations

import argparse

import pytest

from azext_communication_identity._params import FlagAction, seconds


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    made.add_argument("--flag", action=FlagAction, nargs="?")
    made.add_argument("--interval", type=seconds)
    return made


@pytest.mark.parametrize(("line", "expected"), [
    ([], None), (["--flag"], True), (["--flag=FALSE"], False), (["--flag", "no\r"], False), (["--flag", "1"], True),
])
def test_flags(line: list[str], expected: bool) -> None:
    assert parser().parse_args(line).flag is expected


def test_a_bad_flag_ends_as_argparse_does(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(["--flag", "maybe"])
    assert caught.value.code == 2
    assert "'maybe' isn't a valid value" in caplog.text
    assert "Use true or false" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "-1", "abc", "1.5", "", "99999999999999999999"])
def test_a_bad_number_of_seconds_ends_as_argparse_does(text: str) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args([f"--interval={text}"])
    assert caught.value.code == 2


def test_seconds() -> None:
    assert parser().parse_args(["--interval", "10"]).interval == 10
