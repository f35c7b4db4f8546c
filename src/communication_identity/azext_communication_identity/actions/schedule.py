# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Runs lives, one or thousands, with a heap of pauses: a life that waits takes up no thread."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import closing
from itertools import count
from typing import Any, Generic, TypeVar

from ..model.steps import Life, NextPoll, Pace, Pause, Request
from .sender import Clock, Outcome, Send, Sender

T = TypeVar("T")

# Threads for each subscription. Once its bucket is empty, ARM grants 10 writes a second; a PATCH takes about 5 seconds
# (recorded), so 50 requests in progress use that up. A few more empty the bucket sooner.
WORKERS = 64
MOST_WORKERS = 192
AHEAD = 250  # resources of a subscription that are begun and neither wait nor are written: ARM's bucket of reads
MOST_RUNS = 1500  # resources in progress, which limits the memory that a large fleet takes
TICK = 0.5  # seconds; on Windows, a wait without a timeout can't be interrupted


class Results(Generic[T]):  # pylint: disable=too-few-public-methods  # plain data
    """The outcome: a result or a failure for each target."""

    def __init__(self) -> None:
        self.results: dict[Any, T] = {}
        self.failures: dict[Any, Exception] = {}

    def __len__(self) -> int:
        return len(self.results) + len(self.failures)


class Run:  # pylint: disable=too-few-public-methods  # plain data
    """A life in progress. `target`: a Resource or a Login, whose `subscription` selects the credentials and the token
    bucket. `starting`: True until it waits for the first time, or its first write is answered. `awaiting`: the
    operation that it polls. `answered`: when its write or last poll was. `polled`: whether it has polled since.
    `ticket`: the number of its valid entry in the heap.
    """

    def __init__(self, target: Any, life: Life[Any]) -> None:
        self.target, self.life = target, life
        self.starting, self.polled, self.ticket = True, False, 0
        self.awaiting: NextPoll | None = None
        self.answered = 0.0


# pylint: disable-next=too-many-instance-attributes,too-few-public-methods  # lives not begun, waiting, at Ready, over
class Schedule(Generic[T]):
    """Runs a life for each target. `ready` is called once, with what the lives are ready to do, when all that are left
    have yielded Ready. If it raises an exception, all lives end.
    """

    def __init__(self, lives: Mapping[Any, Callable[[], Life[T]]], send: Send, clock: Clock,
                 ready: Callable[[Mapping[Any, Any]], None] | None = None) -> None:
        self.total, self.outcome = len(lives), Results[T]()
        self.runs: set[Run] = set()  # in progress
        self.waits_for = ""  # from the latest step
        self._not_begun: dict[str, deque[tuple[Any, Callable[[], Life[T]]]]] = {}
        for target, begin in lives.items():
            self._not_begun.setdefault(target.subscription.lower(), deque()).append((target, begin))
        self._starting = dict.fromkeys(self._not_begun, 0)
        self.sender = Sender(send, clock, min(WORKERS * len(self._not_begun), MOST_WORKERS, self.total))
        self._clock, self._ready, self._started = clock, ready, clock.now()
        self._heap: list[tuple[float, int, Run]] = []
        self._tickets = count(1)
        self._at_ready: dict[Run, Any] = {}
        self._pace = Pace()
        self._parked: set[Run] = set()
        self._watching: set[Run] = set()  # wait for someone else's change, with nothing written

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return self._clock.now() - self._started

    def run(self, tick: Callable[[Schedule[T]], None] = lambda _: None) -> Results[T]:
        """Run all lives until they end. `tick` is called twice a second."""
        next_tick = self._clock.now()
        with closing(self.sender):
            self._begin()
            while self.runs:
                if len(self._at_ready) == len(self.runs):
                    self._release()
                    continue
                if self._clock.now() >= next_tick:
                    next_tick = self._clock.now() + TICK
                    self.sender.give_up()
                    tick(self)
                delivery = self.sender.next(min([next_tick, *(until for until, _, _ in self._heap[:1])]))
                if delivery:
                    for run in delivery.waiting:
                        if delivery.request.kind == "write":
                            self._has_started(run)
                        self._advance(run, delivery.outcome)
                self._wake()
                self._begin()
        return self.outcome

    def _begin(self) -> None:
        for subscription, left in self._not_begun.items():
            while (left and self._starting[subscription] < AHEAD
                   and len(self.runs) - len(self._at_ready) - len(self._watching) < MOST_RUNS):
                target, begin = left.popleft()
                run = Run(target, begin())
                self.runs.add(run)
                self._starting[subscription] += 1
                self._advance(run)

    def _has_started(self, run: Run) -> None:
        """A life waits, was written or is over: another life may begin. One that waits, even for an hour, never holds
        the others up.
        """
        self._starting[run.target.subscription.lower()] -= run.starting
        run.starting = False

    def _advance(self, run: Run, outcome: Outcome | None = None) -> None:
        """Run a life to its next step."""
        try:
            step = run.life.throw(outcome) if isinstance(outcome, BaseException) else run.life.send(outcome)
        except StopIteration as stop:
            self.outcome.results[run.target] = stop.value
        except Exception as error:  # noqa: BLE001  # pylint: disable=broad-except  # one failure doesn't stop the others; it is reported
            self.outcome.failures[run.target] = error
        else:
            self._do(run, step)
            return
        self._operation_is_over(run)
        self._has_started(run)
        self.runs.discard(run)
        self._watching.discard(run)

    def _do(self, run: Run, step: Any) -> None:
        now = self._clock.now()
        if isinstance(step, Request):
            if run.polled:  # this request isn't another poll
                self._operation_is_over(run)
            run.polled = run.awaiting is not None
            if step.kind == "write":
                self._watching.discard(run)
            self.sender.ask(run, step, run.target.subscription)
        elif isinstance(step, Pause):
            self.waits_for = step.why
            self._sleep(run, now + step.seconds * random.uniform(1.0, 1.25))  # noqa: S311 - jitter, not a secret
        elif isinstance(step, NextPoll):
            self.waits_for = step.why
            run.awaiting, run.answered, run.polled = step, now, False
            self._sleep(run, self._pace.due(run, step, now))
            if step.own_operation and not self._pace.knows and not self._pace.leads(run):
                self._parked.add(run)
            if not step.own_operation and run not in self.sender.wrote:
                self._watching.add(run)
        elif self._ready is None:
            self._advance(run)
        else:
            self._has_started(run)
            self._watching.discard(run)
            self._at_ready[run] = step.what

    def _release(self) -> None:
        held, self._at_ready = self._at_ready, {}
        ready, self._ready = self._ready, None
        if ready:
            ready({run.target: what for run, what in held.items()})
        for run in held:
            self._advance(run)

    def _sleep(self, run: Run, until: float) -> None:
        self._has_started(run)
        run.ticket = next(self._tickets)
        heapq.heappush(self._heap, (until, run.ticket, run))

    def _wake(self) -> None:
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now:
            _, ticket, run = heapq.heappop(self._heap)
            if run.ticket == ticket:
                self._parked.discard(run)
                self._advance(run)

    def _operation_is_over(self, run: Run) -> None:
        """Learn how long it took, and poll the other operations when they should be over too."""
        awaiting, run.awaiting = run.awaiting, None
        if awaiting is None or not awaiting.own_operation:
            return
        knew = self._pace.knows
        self._pace.learn(self._clock.now() - awaiting.since)
        if not knew:
            for other in self._parked:
                if other.awaiting:
                    self._sleep(other, self._pace.due(other, other.awaiting, other.answered))
