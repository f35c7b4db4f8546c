# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""What a person at a terminal sees and does: progress, Ctrl-C and SIGTERM. A pipe gets no progress."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from knack.log import get_logger

if TYPE_CHECKING:
    from .schedule import Schedule

logger = get_logger(__name__)

PATIENCE = 2.0  # seconds that one resource can take before progress is shown


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal. A process can start without the stream (None), or with a closed one."""
    try:
        return stream is not None and bool(stream.isatty())
    except ValueError:  # closed
        return False


@contextmanager
def signs_of_life(cli_ctx: Any) -> Iterator[Callable[[Schedule[Any]], None]]:
    """Yields a function that shows the progress of a schedule in the CLI's own progress line."""
    if (not is_terminal(sys.stderr) or cli_ctx.only_show_errors
            or cli_ctx.config.getboolean("core", "disable_progress_bar", False)):
        yield lambda _: None
        return
    controller = cli_ctx.get_progress_controller()
    shown: list[str] = []  # the last message
    handlers = logging.getLogger("cli").handlers  # knack's; all of the CLI's messages go through them

    def show(schedule: Schedule[Any]) -> None:
        seconds, outcome = schedule.seconds, schedule.outcome
        if schedule.total == 1 and seconds < PATIENCE:
            return
        shown[:] = [f"Waiting for {schedule.waits_for or 'the service to answer'}, {seconds:.0f} s"
                    if schedule.total == 1 else
                    f"{len(outcome.results)} of {schedule.total} resources done, {len(outcome.failures)} failed, "
                    f"{schedule.sender.throttled} throttled, {schedule.total - len(outcome)} remaining"]
        controller.add(message=shown[0])

    def make_room(_message: logging.LogRecord) -> bool:
        if shown:
            controller.active_progress.clear()  # otherwise, a message would continue the progress line
        return True

    for handler in handlers:
        handler.addFilter(make_room)
    try:
        yield show
    finally:
        for handler in handlers:
            handler.removeFilter(make_room)
        if shown:
            controller.end()


class _Terminated(BaseException):
    """SIGTERM arrived."""


@contextmanager
def interruptible(line: Callable[[], str]) -> Iterator[None]:
    """While the body runs, let Ctrl-C exit with 130 and SIGTERM with 143 (128 + the signal's number, as shells report
    it), after printing the text that `line` returns. A second Ctrl-C ends the process without a message.
    """
    in_main = threading.current_thread() is threading.main_thread()  # signals can be handled only there
    before = signal.signal(signal.SIGTERM, _terminate) if in_main else None
    try:
        yield
    except (KeyboardInterrupt, _Terminated) as stop:
        number = signal.SIGINT if isinstance(stop, KeyboardInterrupt) else signal.SIGTERM
        if in_main:
            signal.signal(signal.SIGINT, lambda *_: sys.exit(128 + number))
        logger.warning(line())
        raise SystemExit(128 + number) from None
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)


def _terminate(_signal: int, _frame: Any) -> None:
    raise _Terminated
