# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Runs lives, one or thousands, with a heap of pauses: waiting costs no thread."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Generic, Protocol, TypeVar

from ..model.pace import Pace
from ..model.steps import Await, Life, Pause, Request
from .sender import Clock, Outcome, Send, Sender

T = TypeVar("T")

# Threads for each subscription. The service takes about 5 seconds for a PATCH (recorded) and ARM grants 10 writes a
# second once its bucket is empty: 50 writes under way use that up, and a few more empty the bucket before all is done.
WORKERS = 64
MOST_WORKERS = 192
AHEAD = 250  # resources of a subscription that are begun before the first of them is written: ARM's bucket of reads
MOST_RUNS = 1500  # resources that are begun and not over, which keeps the memory of a large fleet in bounds
TICK = 0.5  # seconds; a wait without an end can't be interrupted on Windows


class Target(Protocol):
    """What a life is about: a resource, or a login. Hashable."""

    @property
    def id(self) -> str:
        """How it's named in full."""

    @property
    def name(self) -> str:
        """How it's named."""

    @property
    def subscription(self) -> str:
        """The subscription whose login sends its requests, and whose token bucket pays for them."""


class Results(Generic[T]):  # pylint: disable=too-few-public-methods  # plain data
    """What came of the work: a result or a failure for each target."""

    def __init__(self) -> None:
        self.results: dict[Any, T] = {}
        self.failures: dict[Any, BaseException] = {}

    def __len__(self) -> int:
        return len(self.results) + len(self.failures)


class Run:  # pylint: disable=too-few-public-methods  # plain data
    """A life that has begun. `fresh`: until its first write is answered. `awaiting`: the operation that it looks at;
    `looked`: whether it has, since it last waited. `ticket`: the number of its one valid entry in the heap.
    """

    def __init__(self, target: Target, life: Life[Any]) -> None:
        self.target, self.life = target, life
        self.fresh, self.looked, self.ticket = True, False, 0
        self.awaiting: Await | None = None


# pylint: disable-next=too-many-instance-attributes,too-few-public-methods  # lives to come, at rest, held, over; it runs
class Schedule(Generic[T]):
    """Runs a life for each target. `ready` is called once, with what the lives are ready to do, when none goes on
    without it; what it raises ends all.
    """

    def __init__(self, lives: Mapping[Any, Callable[[], Life[T]]], send: Send, clock: Clock,
                 ready: Callable[[Mapping[Any, Any]], None] | None = None) -> None:
        self.total, self.outcome = len(lives), Results[T]()
        self.runs: set[Run] = set()  # begun, not over
        self.waits_for = ""  # as the step that came last says it
        self._left: dict[str, deque[tuple[Target, Callable[[], Life[T]]]]] = {}
        for target, begin in lives.items():
            self._left.setdefault(target.subscription.lower(), deque()).append((target, begin))
        self._fresh = dict.fromkeys(self._left, 0)
        self.sender = Sender(send, clock, min(WORKERS * len(self._left), MOST_WORKERS, self.total))
        self._clock, self._ready, self._started = clock, ready, clock.now()
        self._heap: list[tuple[float, int, Run]] = []
        self._tickets = count(1)
        self._held: dict[Run, Any] = {}
        self._pace = Pace()
        self._parked: set[Run] = set()

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return self._clock.now() - self._started

    def run(self, tick: Callable[[Schedule[T]], None] = lambda _: None) -> Results[T]:
        """Run all to their end; `tick` is called twice a second."""
        self._begin()
        next_tick = self._clock.now()
        while self.runs:
            if len(self._held) == len(self.runs):
                self._release()
                continue
            if self._clock.now() >= next_tick:
                next_tick = self._clock.now() + TICK
                self.sender.give_up()
                tick(self)
            came = self.sender.next(min(next_tick, self._heap[0][0] if self._heap else next_tick))
            for run in came.waiting if came else ():
                if came and came.request.kind == "write":
                    self._age(run)
                self._go_on(run, came.outcome if came else None)
            self._wake()
            self._begin()
        return self.outcome

    def _begin(self) -> None:
        for subscription, left in self._left.items():
            while left and self._fresh[subscription] < AHEAD and len(self.runs) - len(self._held) < MOST_RUNS:
                target, begin = left.popleft()
                run = Run(target, begin())
                self.runs.add(run)
                self._fresh[subscription] += 1
                self._go_on(run)

    def _age(self, run: Run) -> None:
        """A life is over, or its first write is: another may begin."""
        self._fresh[run.target.subscription.lower()] -= run.fresh
        run.fresh = False

    def _go_on(self, run: Run, came: Outcome | None = None) -> None:
        """Let a life take its next step."""
        try:
            step = run.life.throw(came) if isinstance(came, BaseException) else run.life.send(came)
        except StopIteration as stop:
            self.outcome.results[run.target] = stop.value
        except Exception as error:  # noqa: BLE001  # pylint: disable=broad-except  # each stands alone; it is reported
            self.outcome.failures[run.target] = error
        else:
            self._do(run, step)
            return
        self._operation_is_over(run)
        self._age(run)
        self.runs.discard(run)

    def _do(self, run: Run, step: Any) -> None:
        now = self._clock.now()
        if isinstance(step, Request):
            if run.looked:  # not another look
                self._operation_is_over(run)
            run.looked = run.awaiting is not None
            self.sender.ask(run, step, run.target.subscription)
        elif isinstance(step, Pause):
            self.waits_for = step.why
            self._sleep(run, now + step.seconds * random.uniform(1.0, 1.25))  # noqa: S311 - jitter, not a secret
        elif isinstance(step, Await):
            self.waits_for = step.why
            run.awaiting, run.looked = step, False
            self._sleep(run, self._pace.due(step, now))
            if step.own and step.looks == 0 and not self._pace.knows:
                self._parked.add(run)
        elif self._ready is None:
            self._go_on(run)
        else:
            self._age(run)
            self._held[run] = step.what

    def _release(self) -> None:
        held, self._held = self._held, {}
        ready, self._ready = self._ready, None
        if ready:
            ready({run.target: what for run, what in held.items()})
        for run in held:
            self._go_on(run)

    def _sleep(self, run: Run, until: float) -> None:
        run.ticket = next(self._tickets)
        heapq.heappush(self._heap, (until, run.ticket, run))

    def _wake(self) -> None:
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now:
            _, ticket, run = heapq.heappop(self._heap)
            if run.ticket == ticket:
                self._parked.discard(run)
                self._go_on(run)

    def _operation_is_over(self, run: Run) -> None:
        """Learn how long it took. Once enough is known: look at the others when they should be over too."""
        awaiting, run.awaiting = run.awaiting, None
        if awaiting is None or not awaiting.own:
            return
        knew, now = self._pace.knows, self._clock.now()
        self._pace.learn(now - awaiting.since)
        if self._pace.knows and not knew:
            for other in self._parked:
                if other.awaiting:
                    self._sleep(other, self._pace.due(other.awaiting, now))
