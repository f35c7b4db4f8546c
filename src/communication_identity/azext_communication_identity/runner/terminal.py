# SPDX-License-Identifier: MIT
"""What a person sees and answers in a terminal: the progress line and the question before a removal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from enum import Enum
from typing import Any

from .event_loop import asking

QUIET = 2.0  # seconds that one resource can take before progress is shown


class Consent(Enum):
    """What to do before a removal that deletes the system-assigned identity, leaves no identity, or removes all
    user-assigned identities without naming them. Don't use its truth value; compare with `is`.
    """

    YES = "yes"  # --yes, or the setting core.disable_confirm_prompt
    ASK = "ask"  # standard input is a terminal
    PROCEED = "proceed"  # no terminal, and the command line names the resource and the identities
    NEEDS_YES = "needs yes"  # no terminal, and the resources come by --ids


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal. A process can start without the stream (None), or with a closed one."""
    try:
        return stream is not None and bool(stream.isatty())
    except ValueError:  # closed
        return False


def agrees(question: str) -> bool:
    """Ask a yes-or-no question, on standard output only if it's a terminal. Ctrl-C and the end of input mean no."""
    from knack.prompting import NoTTYException, prompt_y_n
    try:
        with asking(), nullcontext() if is_terminal(sys.stdout) else redirect_stdout(sys.stderr):
            return bool(prompt_y_n(question, default="n"))
    except NoTTYException:
        return False
    except (EOFError, KeyboardInterrupt):
        sys.stderr.write("\n")  # what follows begins on a line of its own
        return False


@contextmanager
def progress_line(cli_ctx: Any, what: str) -> Iterator[Callable[[Any, float], None]]:
    """Yields a function that shows a Runner's progress in a terminal. A last line says how many are done."""
    if (not is_terminal(sys.stderr) or cli_ctx.only_show_errors
            or cli_ctx.config.getboolean("core", "disable_progress_bar", False)):
        yield lambda *_: None
        return
    controller = cli_ctx.get_progress_controller()
    shown: list[str] = []  # the last message
    ended: list[str] = []  # the last line, once all are done
    handlers = logging.getLogger("cli").handlers  # knack's; all of the CLI's messages go through them

    def show(runner: Any, seconds: float) -> None:
        done, failed, total = len(runner.outcome.results), len(runner.outcome.failures), runner.total
        counts = with_counts(f"{done} of {total} {what}", failed=failed, waiting=runner.waiting_for_rate_limit)
        if total == 1 and seconds < QUIET:
            return
        if done + failed == total > 1 and what == "resources":
            ended[:] = [with_counts(f"{done} of {total} resources done in {max(seconds, 1):.0f} s", failed=failed)]
        shown[:] = [counts if total > 1 else
                    f"Waiting for {runner.waits_for or 'the service to answer'}, {seconds:.0f} s"]
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
        for line in ended:
            sys.stderr.write(f"{line}.\n")


def with_counts(text: str, *, failed: int, waiting: int = 0) -> str:
    """A text, and how many failed or wait, unless none does."""
    return (text + (f", {failed} failed" if failed else "")
            + (f", {waiting} waiting for the rate limit" if waiting else ""))
