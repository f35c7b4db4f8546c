# SPDX-License-Identifier: MIT
"""Runs a coroutine to its end on an event loop of its own. Ctrl-C and SIGTERM cancel it; a second one ends the
process.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from asyncio import new_event_loop
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class InterruptedByUserError(Exception):
    """Ctrl-C or SIGTERM ended the coroutine. `exit_code`: 128 + the signal's number, as shells report it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run it. Raises InterruptedByUserError. In a program that runs an event loop already, such as a notebook, the
    coroutine runs in a thread of its own.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run_here(main)
    outcome: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(_run_here(main))
        except BaseException as error:  # noqa: BLE001  # pylint: disable=broad-except  # raised in the thread that waits
            failure.append(error)

    thread = threading.Thread(target=work, name="event loop")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def _run_here(main: Coroutine[Any, Any, T]) -> T:
    loop = new_event_loop()
    try:
        task = loop.create_task(main)
        with _cancelled_by_signals(loop, task) as received:
            try:
                return loop.run_until_complete(task)
            except asyncio.CancelledError:
                raise InterruptedByUserError(received[0]) from None
    finally:
        loop.close()


@contextmanager
def _cancelled_by_signals(loop: asyncio.AbstractEventLoop, task: asyncio.Task[T]) -> Iterator[list[int]]:
    """Yields a list that receives the signals. A question that is open gets KeyboardInterrupt from `asking`."""
    received: list[int] = []

    def cancel(number: int, _frame: Any) -> None:
        if received:
            raise SystemExit(128 + number)
        received.append(number)
        loop.call_soon_threadsafe(task.cancel)

    if threading.current_thread() is not threading.main_thread():  # signals can be handled only there
        yield received
        return
    with _handled_by(cancel):
        yield received


@contextmanager
def asking() -> Iterator[None]:
    """While a question is open, Ctrl-C and SIGTERM interrupt the question."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with _handled_by(signal.default_int_handler):
        yield


@contextmanager
def _handled_by(handler: Callable[[int, Any], Any]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
