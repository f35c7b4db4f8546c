# SPDX-License-Identifier: MIT
"""Runs a coroutine on an event loop of its own. Ctrl-C and SIGTERM cancel it; a second one ends the process."""

from __future__ import annotations

import asyncio
import signal
import threading
from asyncio import new_event_loop
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
TICK = 0.5  # seconds; on Windows, a wait without a timeout can't be interrupted


class InterruptedByUserError(Exception):
    """Ctrl-C or SIGTERM ended the coroutine. `exit_code`: 128 + the signal's number, as shells report it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end. Raises InterruptedByUserError."""
    loop = new_event_loop()
    try:
        task = loop.create_task(main)
        with _cancelled_by_signals(loop, task) as received:
            try:
                return _complete(loop, task)
            except asyncio.CancelledError:
                raise InterruptedByUserError(received[0]) from None
    finally:
        if not loop.is_running():  # a second signal leaves it behind in its thread
            loop.close()


def _complete(loop: asyncio.AbstractEventLoop, task: asyncio.Task[T]) -> T:
    """Run a task to its end: in a thread of its own, if the caller runs an event loop already, such as a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return loop.run_until_complete(task)
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait([task])), name="event loop",
                              daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(TICK)
    return task.result()


@contextmanager
def _cancelled_by_signals(loop: asyncio.AbstractEventLoop, task: asyncio.Task[T]) -> Iterator[list[int]]:
    """Yields a list of the signals received so far. While a question is open, `asking` handles them instead."""
    received: list[int] = []

    def cancel(number: int, _frame: Any) -> None:
        if received:
            raise SystemExit(128 + number)
        received.append(number)
        loop.call_soon_threadsafe(task.cancel)

    with _handled_by(cancel):
        yield received


def asking() -> AbstractContextManager[None]:
    """While a question is open, Ctrl-C and SIGTERM interrupt the question."""
    return _handled_by(signal.default_int_handler)


@contextmanager
def _handled_by(handler: Callable[[int, Any], Any]) -> Iterator[None]:
    """Only in the main thread, and not for signals that are ignored (a script's `az … &`) or handled outside Python."""
    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, handler) for number in _SIGNALS
              if is_main and signal.getsignal(number) not in (signal.SIG_IGN, None)}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
