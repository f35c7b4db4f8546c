# SPDX-License-Identifier: MIT
"""The progress line, and the question before a removal."""

from __future__ import annotations

import io
import logging
import signal
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from azext_communication_identity.runner.terminal import agrees, is_terminal, progress_line
from knack.prompting import NoTTYException


class Screen(io.StringIO):
    """A stream that is a terminal or isn't."""

    def __init__(self, terminal: bool = True) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


class Cli:
    """The CLI, and the controller of its progress line. `events`: what happens to the line."""

    only_show_errors = False

    def __init__(self, settings: dict[tuple[str, str], bool] | None = None) -> None:
        self.events: list[str] = []
        self.active_progress = SimpleNamespace(clear=lambda: self.events.append("clear"))
        self.config = SimpleNamespace(getboolean=lambda *key: (settings or {}).get(key[:2], key[2]))

    def get_progress_controller(self) -> Cli:
        return self

    def add(self, *, message: str) -> None:
        self.events.append(message)

    def end(self) -> None:
        self.events.append("end")


def progress(done: int = 0, failed: int = 0, total: int = 1, waiting: int = 0, waits_for: str = "") -> Any:
    return SimpleNamespace(outcome=SimpleNamespace(results=range(done), failures=range(failed)), total=total,
                           waiting_for_rate_limit=waiting, waits_for=waits_for)


def on_screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """What standard error shows from now on. A fixture would set it before pytest sets its own."""
    made = Screen()
    monkeypatch.setattr(sys, "stderr", made)
    return made


@pytest.fixture
def messages() -> Iterator[logging.Logger]:
    """The logger of the CLI's messages."""
    logger = logging.getLogger("cli")
    handler = logging.StreamHandler(io.StringIO())
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)


@pytest.mark.parametrize(("shown", "seconds", "events"), [
    (progress(), 1.9, []), (progress(), 2.0, ["Waiting for the service to answer, 2 s", "end"]),
    (progress(waits_for="the operation"), 65.4, ["Waiting for the operation, 65 s", "end"]),
    (progress(2, 0, 4), 0.0, ["2 of 4 resources", "end"]), (progress(2, 1, 4), 0.0, ["2 of 4 resources, 1 failed", "end"]),
    (progress(2, 1, 9, 5), 0.0, ["2 of 9 resources, 1 failed, 5 waiting for the rate limit", "end"])])
def test_progress(monkeypatch: pytest.MonkeyPatch, shown: Any, seconds: float, events: list[str]) -> None:
    cli, screen = Cli(), on_screen(monkeypatch)
    with progress_line(cli, "resources") as show:
        show(shown, seconds)
    assert cli.events == events
    assert screen.getvalue() == ""


@pytest.mark.parametrize(("what", "shown", "seconds", "last"), [
    ("resources", progress(4, 0, 4), 12.6, "4 of 4 resources done in 13 s.\n"),
    ("resources", progress(3, 1, 4), 0.2, "3 of 4 resources done in 1 s, 1 failed.\n"),
    ("resources", progress(1, 0, 1), 9.0, ""), ("resources", progress(3, 0, 4), 9.0, ""), ("subscriptions", progress(4, 0, 4), 9.0, "")])
def test_the_last_line(monkeypatch: pytest.MonkeyPatch, what: str, shown: Any, seconds: float, last: str) -> None:
    screen = on_screen(monkeypatch)
    with progress_line(Cli(), what) as show:
        show(progress(0, 0, 4), 0.0)
        show(shown, seconds)
        assert screen.getvalue() == ""
    assert screen.getvalue() == last


def test_a_message_clears_the_progress_line(monkeypatch: pytest.MonkeyPatch, messages: logging.Logger) -> None:
    on_screen(monkeypatch)
    cli = Cli()
    with progress_line(cli, "resources") as show:
        messages.error("too early to clear anything")
        show(progress(0, 0, 2), 0.0)
        messages.error("a message")
    messages.error("too late")
    assert cli.events == ["0 of 2 resources", "clear", "end"]


@pytest.mark.parametrize(("is_a_terminal", "only_errors", "settings"), [
    (False, False, {}), (True, True, {}), (True, False, {("core", "disable_progress_bar"): True})])
def test_no_progress(monkeypatch: pytest.MonkeyPatch, is_a_terminal: bool, only_errors: bool, settings: dict[tuple[str, str], bool]) -> None:
    screen = Screen(is_a_terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    cli = Cli(settings)
    cli.only_show_errors = only_errors
    with progress_line(cli, "resources") as show:
        show(progress(4, 0, 4), 60.0)
    assert cli.events == []
    assert screen.getvalue() == ""


def test_what_a_terminal_is() -> None:
    closed = io.StringIO()
    closed.close()
    assert [is_terminal(one) for one in (Screen(), Screen(terminal=False), None, closed)] == [True, False, False, False]


@pytest.mark.parametrize(("answer", "agreed", "shown"), [
    (True, True, ""), (False, False, ""), (NoTTYException(), False, ""), (EOFError(), False, "\n"), (KeyboardInterrupt(), False, "\n")])
@pytest.mark.parametrize("output", [Screen(), Screen(terminal=False)], ids=["terminal", "file"])
def test_the_question(monkeypatch: pytest.MonkeyPatch, answer: Any, agreed: bool, shown: str, output: Screen) -> None:
    """It is seen even if standard output goes to a file."""
    seen: list[Any] = []
    screen = on_screen(monkeypatch)

    def prompt(question: str, default: str) -> bool:
        seen.append((question, default, sys.stdout, signal.getsignal(signal.SIGINT)))
        if isinstance(answer, BaseException):
            raise answer
        return bool(answer)

    monkeypatch.setattr("knack.prompting.prompt_y_n", prompt)
    monkeypatch.setattr(sys, "stdout", output)
    assert agrees("Remove all?") is agreed
    assert seen == [("Remove all?", "n", output if output.isatty() else screen, signal.default_int_handler)]
    assert screen.getvalue() == shown
    assert sys.stdout is output
