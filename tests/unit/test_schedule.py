# SPDX-License-Identifier: MIT
"""Lives, without a service: which of them begin, and what is left of them in the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

import pytest
from azext_communication_identity.actions import schedule as schedules
from azext_communication_identity.actions.schedule import AHEAD, MOST_RUNS, Schedule, WORKERS
from azext_communication_identity.actions.sender import Send
from azext_communication_identity.model.answers import Answer, Reply
from azext_communication_identity.model.requests import Flow, PollDelay, Request, Sleep, Step
from azext_communication_identity.model.resource_id import ResourceId
from in_process import FakeClock

BEGINS = 10.0  # seconds in which every life should begin


def schedule(lives: Iterable[Callable[[], Flow[float]]], send: Send, clock: Any) -> Schedule[float]:
    return Schedule({ResourceId("s", "g", f"r{number}"): life for number, life in enumerate(lives)}, send, clock)


def watch(step: Step) -> Flow[float]:
    """Returns when its first read was answered, before a long wait."""
    answer = yield Request("GET", "/watched")
    yield step
    return float(answer.at)


def write() -> Flow[float]:
    """Returns when its write was answered."""
    yield Request("GET", "/written")
    return float((yield Request("PATCH", "/written")).at)


def yes(_request: Request, _subscription: str) -> Reply:
    return Answer(200, {})


@pytest.mark.parametrize("step", [PollDelay(0.0, 0, 600.0, own_operation=False), Sleep(600.0, "another change")])
def test_lives_that_wait_hold_no_other_up(step: Step) -> None:
    outcome = schedule([*[partial(watch, step)] * (AHEAD + 1), *[write] * 10], yes, FakeClock()).run()
    assert len(outcome.results) == AHEAD + 11
    assert max(outcome.results.values()) <= BEGINS


def test_any_number_of_lives_can_wait_for_a_condition() -> None:
    step = PollDelay(0.0, 0, 600.0, own_operation=False)
    outcome = schedule([partial(watch, step)] * (MOST_RUNS + 1), yes, FakeClock()).run()
    assert len(outcome.results) == MOST_RUNS + 1
    assert max(outcome.results.values()) <= BEGINS


def test_polls_that_are_throttled_hold_no_other_life_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "MOST_RUNS", 100)
    clock, size, a_second = FakeClock(), 200, 2.0
    granted = [0]
    first: dict[int, float] = {}

    def send(_request: Request, _subscription: str) -> Reply:
        with lock:
            if granted[0] >= 10 + clock.time * a_second:
                return Answer(429, headers={"retry-after": "1"})
            granted[0] += 1
        return Answer(200, {})

    def life(number: int) -> Flow[float]:
        for _ in range(20):
            answer = yield Request("GET", f"/{number}")
            first.setdefault(number, answer.at)
            yield PollDelay(answer.at, 0, 10.0, own_operation=False)
        return 0.0

    lock = threading.Lock()
    outcome = schedule([partial(life, number) for number in range(size)], send, clock).run()
    assert len(outcome.results) == size
    assert max(first.values()) <= 3 * size / a_second


def test_only_so_many_are_read_ahead_of_their_writes() -> None:
    """The service accepts no write until no more resources are read."""
    clock, read = FakeClock(), []

    def send(request: Request, _subscription: str) -> Reply:
        if request.method == "PATCH" and clock.time < BEGINS:
            return Answer(429, headers={"retry-after": "15"})
        if clock.time < BEGINS:
            read.append(request.path)
        return Answer(200, {})

    outcome = schedule([write] * (AHEAD + 50), send, clock).run()
    assert len(outcome.results) == AHEAD + 50
    assert len(read) == AHEAD


def test_only_so_many_wait_for_their_own_operations() -> None:
    running: set[int] = set()
    most: list[int] = []

    def operation(number: int) -> Flow[float]:
        answer = yield Request("PATCH", f"/{number}")
        running.add(number)
        most.append(len(running))
        yield PollDelay(answer.at, 0, 600.0)
        running.discard(number)
        return float(answer.at)

    lives = [partial(operation, number) for number in range(MOST_RUNS + 50)]
    assert len(schedule(lives, yes, FakeClock()).run().results) == MOST_RUNS + 50
    assert max(most) <= MOST_RUNS


class Trickling(FakeClock):
    """Time that goes on by a second whenever nothing has come for a while."""

    def next(self, results: SimpleQueue[Any], until: float, busy: bool) -> Any:
        try:
            return results.get(timeout=0.02)
        except Empty:
            self.time += 1.0
            return None


def test_look_ups_that_trickle_delay_a_fleet_only_once() -> None:
    ends = threading.Event()

    def send(request: Request, _subscription: str) -> Reply:
        if request.optional:
            ends.wait(30)
        return Answer(200, {})

    def remove(number: int) -> Flow[float]:
        yield Request("GET", f"/{number}")
        yield Request("GET", f"/roles{number}", timeout=3.0, optional=True)
        reply = yield Request("PATCH", f"/{number}")
        assert isinstance(reply, Answer), reply
        return reply.at

    try:
        outcome = schedule([partial(remove, number) for number in range(150)], send, Trickling()).run()
    finally:
        ends.set()
    assert not outcome.failures
    assert max(outcome.results.values()) <= BEGINS


def threads_end(before: int) -> bool:
    """Whether, soon, no more threads are left than `before`."""
    until = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    return threading.active_count() <= before


def test_no_threads_are_left_behind() -> None:
    before = threading.active_count()
    for _ in range(5):
        assert len(schedule([write] * 70, yes, FakeClock()).run().results) == 70
    assert threads_end(before)


def test_an_interruption_leaves_no_threads_and_sends_nothing_more() -> None:
    """Those that wait for an answer end with it."""
    before, ends, sent = threading.active_count(), threading.Event(), []

    def send(request: Request, _subscription: str) -> Reply:
        sent.append(request)
        ends.wait(30)
        return Answer(200, {})

    def interrupt(_schedule: Schedule[float]) -> None:
        while len(sent) < WORKERS:
            time.sleep(0.01)
        raise KeyboardInterrupt

    try:
        with pytest.raises(KeyboardInterrupt):
            schedule([write] * (WORKERS + 20), send, FakeClock()).run(interrupt)
    finally:
        ends.set()
    assert threads_end(before)
    assert len(sent) == WORKERS
