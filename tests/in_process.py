# SPDX-License-Identifier: MIT
"""The CLI inside the tests' own process, with waiting that takes no time: for tests of hundreds of runs."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import selectors
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from armsim import Armsim
from azext_communication_identity.runner.runner import THREAD_NAME

if TYPE_CHECKING:
    from scripted_arm import ScriptedArm


@dataclass
class Run:
    """How a run ended: `error` is the exception that reached the CLI, if one did; `stderr` is what was `captured`."""

    exit_code: int
    output: str
    error: BaseException | None
    stderr: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.output)


class Input(io.StringIO):
    """Standard input that holds a text, and is a terminal or isn't."""

    def __init__(self, text: str = "", terminal: bool = False) -> None:
        super().__init__(text)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


class FakeClock:
    """The time of event loops: it passes at once while no request is under way."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """A loop whose timers take no time."""
        loop = asyncio.SelectorEventLoop(_Selector(self))
        loop.time = lambda: self.time  # type: ignore[method-assign]  # what asyncio's own tests do
        return loop


class _Selector(selectors.DefaultSelector):
    """If nothing is ready and no request is under way, time jumps to the next timer."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self._patience = 0.001  # seconds

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout is None or timeout <= 0:
            self._patience = 0.001
            return ready if ready or timeout is not None else super().select(None)
        if any(thread.name == THREAD_NAME for thread in threading.enumerate()):
            self._patience = min(2 * self._patience, 0.05)  # first for a thread that just ends, then for an answer
            return super().select(self._patience)
        ready = super().select(0)  # what the last thread left before it ended
        if ready:
            return ready
        self._clock.slept.append(timeout)
        self._clock.time += timeout
        return super().select(0)


class InProcessAz:
    """Runs commands of the extension as the CLI would. `clock`: what was waited."""

    def __init__(self, config: Path, sim: Armsim | ScriptedArm, monkeypatch: pytest.MonkeyPatch) -> None:
        self.config = config
        self.clock = FakeClock()
        for key, value in {**sim.env(), "AZURE_CONFIG_DIR": str(config), "AZURE_CORE_COLLECT_TELEMETRY": "no",
                           "AZURE_LOGGING_ENABLE_LOG_FILE": "no", "LANGUAGE": "C", "NO_PROXY": "localhost,127.0.0.1",
                           "no_proxy": "localhost,127.0.0.1"}.items():  # no translation and no proxy is sought
            monkeypatch.setenv(key, value)
        from azext_communication_identity.runner import event_loop, runner
        from azure.cli.core import cloud
        from azure.cli.core.extension import DevExtension
        monkeypatch.setattr(event_loop, "new_event_loop", self.clock.new_event_loop)
        monkeypatch.setattr(runner, "TICK", 60.0)  # no progress is shown
        monkeypatch.setattr(cloud, "CLOUD_CONFIG_FILE", str(config / "clouds.config"))  # set when it is imported
        # The rest saves a third of a run's time: nothing here depends on Azure's other clouds, or changes the metadata.
        monkeypatch.setattr(cloud, "KNOWN_CLOUDS", cloud.KNOWN_CLOUDS[:1])
        monkeypatch.setattr(DevExtension, "get_metadata", _metadata(DevExtension.get_metadata))

    def __call__(self, args: Sequence[str]) -> Run:
        from azure.cli.core import AzCli, MainCommandsLoader
        from azure.cli.core._help import AzCliHelp
        from azure.cli.core._output import AzOutputProducer
        from azure.cli.core.azlogging import AzCliLogging
        from azure.cli.core.commands import AzCliCommandInvoker
        from azure.cli.core.parser import AzCliCommandParser

        caught: list[BaseException] = []

        class Cli(AzCli):  # type: ignore[misc]  # azure-cli has no types
            def exception_handler(self, ex: BaseException) -> int:
                caught.append(ex)
                return int(super().exception_handler(ex))

        out = io.StringIO()
        cli = Cli(cli_name="az", config_dir=str(self.config), config_env_var_prefix="AZURE",
                  commands_loader_cls=MainCommandsLoader, invocation_cls=AzCliCommandInvoker,
                  parser_cls=AzCliCommandParser, logging_cls=AzCliLogging, output_cls=AzOutputProducer,
                  help_cls=AzCliHelp)
        typed, sys.argv = sys.argv, ["az", *args]
        try:
            exit_code = cli.invoke(list(args), out_file=out)
        except SystemExit as stop:  # the parser's own errors
            return Run(int(stop.code or 0), out.getvalue(), stop)
        finally:
            sys.argv = typed
        return Run(exit_code, out.getvalue(), caught[0] if caught else None)

    def captured(self, args: Sequence[str], stdin: Input) -> Run:
        """Run with that standard input; `stderr` has the messages, as azure-cli shows them, and the question."""
        shown = io.StringIO()
        with _messages_in(shown, "--only-show-errors" in args), redirect_stderr(shown), redirect_stdout(shown):
            before, sys.stdin = sys.stdin, stdin
            try:
                run = self(args)
            finally:
                sys.stdin = before
        return replace(run, stderr=shown.getvalue())


@cache
def _metadata(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same, but an extension's files are read once."""
    found: dict[str, Any] = {}

    def get_metadata(extension: Any) -> Any:
        if extension.path not in found:
            found[extension.path] = read(extension)
        return dict(found[extension.path])

    return get_metadata


@contextmanager
def _messages_in(stream: io.StringIO, only_errors: bool) -> Iterator[None]:
    """Write azure-cli's messages to a stream: it doesn't do so itself where pytest has set up logging."""
    handler = logging.StreamHandler(stream)
    handler.setLevel(logging.ERROR if only_errors else logging.WARNING)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logger = logging.getLogger("cli")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
