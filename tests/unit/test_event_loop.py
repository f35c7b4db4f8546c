# SPDX-License-Identifier: MIT
"""Ctrl-C and SIGTERM, programs that run an event loop already, and threads."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from azext_communication_identity.model.requests import Sleep
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.runner.event_loop import TICK, InterruptedByUserError, asking, run
from azext_communication_identity.runner.runner import Runner
from in_process import FakeClock

SIGNALS = pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])


def in_a_running_loop(work: Callable[[], Any]) -> Any:
    """What a program does that calls azure-cli from a coroutine."""
    async def program() -> Any:
        return work()
    return asyncio.run(program())


def in_a_thread(work: Callable[[], Any]) -> Any:
    """What a program does that calls azure-cli from a thread. Raises what it raises."""
    outcomes: list[Any] = []

    def run_it() -> None:
        try:
            outcomes.append(work())
        except (InterruptedByUserError, KeyError) as error:
            outcomes.append(error)

    thread = threading.Thread(target=run_it)
    thread.start()
    thread.join(10)
    if isinstance(outcomes[0], Exception):
        raise outcomes[0]
    return outcomes[0]


def directly(work: Callable[[], Any]) -> Any:
    return work()


@pytest.mark.parametrize("where", [directly, in_a_running_loop, in_a_thread])
def test_a_coroutine_runs_to_its_end_wherever_it_is_called(where: Callable[[Callable[[], Any]], Any]) -> None:
    async def main(outcome: int) -> int:
        await asyncio.sleep(0)
        if not outcome:
            raise KeyError("a failure")
        return outcome

    before = set(threading.enumerate())  # of an earlier test, one may just be ending
    assert where(lambda: run(main(5))) == 5
    with pytest.raises(KeyError, match="a failure"):
        where(lambda: run(main(0)))
    assert set(threading.enumerate()) <= before


def test_a_loop_that_runs_already_is_left_alone() -> None:
    async def thread() -> threading.Thread:
        await asyncio.sleep(0)
        return threading.current_thread()

    assert run(thread()) is threading.current_thread()
    other = in_a_running_loop(lambda: run(thread()))
    assert other is not threading.current_thread()
    assert (other.name, other.daemon) == ("event loop", True)  # a second signal leaves it behind


def test_who_waits_for_that_thread_can_be_interrupted_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float | None] = []
    join = threading.Thread.join

    def recorded(thread: threading.Thread, timeout: float | None = None) -> None:
        waits.append(timeout)
        join(thread, timeout)

    monkeypatch.setattr(threading.Thread, "join", recorded)
    in_a_running_loop(lambda: run(asyncio.sleep(0.05)))
    assert set(waits) == {TICK}


@SIGNALS
@pytest.mark.parametrize("where", [directly, in_a_running_loop])
def test_a_signal_cancels(where: Callable[[Callable[[], Any]], Any], number: int, exit_code: int) -> None:
    """The coroutine may note what it leaves undone."""
    noted: list[str] = []

    async def main() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            noted.append("undone")

    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(InterruptedByUserError) as caught:
        where(lambda: run(main()))
    assert caught.value.exit_code == exit_code
    assert noted == ["undone"]
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers


@SIGNALS
@pytest.mark.parametrize("where", [directly, in_a_running_loop])
def test_a_second_signal_ends_the_process(where: Callable[[Callable[[], Any]], Any], number: int, exit_code: int) -> None:
    ends = threading.Event()

    async def main() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            os.kill(os.getpid(), number)
            ends.wait(1)  # it hangs

    with pytest.raises(SystemExit) as caught:
        where(lambda: run(main()))
    ends.set()
    assert caught.value.code == exit_code


def test_a_signal_that_comes_too_late_changes_nothing() -> None:
    async def main() -> int:
        signal.raise_signal(signal.SIGINT)
        return 5
    assert run(main()) == 5


def test_a_question_is_interrupted_and_nothing_else() -> None:
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), asking():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is handler

    def ask() -> int:
        with asking():
            return 5
    assert in_a_thread(ask) == 5


def test_no_wait_is_longer_than_a_tick() -> None:
    """Or Ctrl-C would come too late on Windows."""
    clock = FakeClock()

    async def flow(_: ResourceId) -> None:
        await Sleep(60.0, "x")

    loop = clock.new_event_loop()
    runner: Runner[None] = Runner(None, [ResourceId("s", "g", "r")], flow)  # type: ignore[arg-type]  # it sends nothing
    loop.run_until_complete(runner.run())
    loop.close()
    assert clock.time >= 60.0
    assert max(clock.slept) <= TICK


def test_an_ignored_signal_stays_ignored() -> None:
    """A script runs `az … &` with SIGINT ignored: Ctrl-C is for the script."""
    async def interrupted() -> str:
        os.kill(os.getpid(), signal.SIGINT)
        with asking():
            os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)
        return "done"

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run(interrupted()) == "done"
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
